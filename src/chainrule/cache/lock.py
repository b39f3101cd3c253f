"""The lock of the compiler: one thread compiles at a time, user code runs without.

In: nothing. Out: `compiling`, re-entrant, for whoever compiles; `user_code`, for the
compiler where it runs a function of the user's to see what comes out. That function may
wait for other threads, which may have to compile.

Who compiles makes many objects that live until the end, and little garbage: meanwhile
the garbage collector looks for it less often, which would take a fifth of the time.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

# How many new objects the collector waits for: more than 300 statements make.
MANY = 100_000


class Lock:
    """A re-entrant lock that its holder can put down for a while."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._depth = 0
        self._thresholds = gc.get_threshold()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._owner = threading.get_ident()
        self._depth += 1
        if self._depth == 1:
            first, *others = self._thresholds = gc.get_threshold()
            gc.set_threshold(first and max(first, MANY), *others)  # 0 is never

    def __exit__(self, *exc: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            gc.set_threshold(*self._thresholds)
        self._lock.release()

    @contextlib.contextmanager
    def put_down(self) -> Iterator[None]:
        """Let other threads have the lock, if this thread holds it."""
        depth = self._depth if self._owner == threading.get_ident() else 0
        for _ in range(depth):
            self.__exit__()
        try:
            yield
        finally:
            for _ in range(depth):
                self.__enter__()


# One for all: functions that call each other may be compiled by two threads, and what
# the compiler itself remembers is written by one thread at a time.
compiling = Lock()
user_code = compiling.put_down
