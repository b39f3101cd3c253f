"""Where the dispatchers of a function live: as long as the function, and no longer.

In: a function, or the dispatcher of its derivative. Out: the one `Dispatcher` for each
request, so that `grad(f)` in a loop, or by two callers, compiles once.

Functions with cells or defaults keep theirs in their own `__dict__`, where the garbage
collector sees the cycle. The others depend on nothing but code and globals, and share
(a lambda in a loop is a new function each time): the last few hundred are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from chainrule.cache.signatures import Parameters, parameters_of
from chainrule.cache.specialisations import Dispatcher
from chainrule.request import Request

SHARED_LIMIT = 512
_ATTRIBUTE = "__chainrule_cache__"
_shared: OrderedDict[tuple[int, int], Store] = OrderedDict()
_lock = threading.RLock()


class Store:
    """The dispatchers of one function by request."""

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self.function = function
        self.derived: dict[Any, Dispatcher] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        # Whoever copies or pickles the function gets no cache with it.
        return Store, ()


def dispatcher(
    function: Callable[..., Any],
    request: Request,
    as_tuple: bool = False,
    parent: Dispatcher | None = None,
    check: bool = False,
) -> Dispatcher:
    """Return the dispatcher of a derivative of `function`, made once.

    With a `parent`, `request.function` is the derivative that it dispatches. With
    `check`, the first call of each specialisation is verified.
    """
    key = (request.transform, request.wrt, request.has_aux, as_tuple, check)
    with _lock:
        place = (_store(function) if parent is None else parent).derived
        found = place.get(key)
        if found is None:
            parameters: Parameters = parameters_of(function)
            found = Dispatcher(request, function, parameters, as_tuple, check)
            place[key] = found
        return found


def clear() -> None:
    """Forget what is shared (for tests)."""
    with _lock:
        _shared.clear()


def _store(function: Any) -> Store:
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        # `functools.wraps` copies `__dict__`, hence the look at whose store it is.
        own: Store | None = function.__dict__.get(_ATTRIBUTE)
        if own is None or own.function is not function:
            own = function.__dict__[_ATTRIBUTE] = Store(function)
        return own
    key = (id(function.__code__), id(function.__globals__))
    store = _shared.get(key)
    if store is None:
        store = _shared[key] = Store(function)
        while len(_shared) > SHARED_LIMIT:
            _shared.popitem(last=False)
    _shared.move_to_end(key)
    return store
