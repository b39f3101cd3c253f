"""Whether operations on tensors are recorded: on, unless a block or function says no.

In: `with no_grad():`, `@no_grad()` and their kin. Out: `recording()`, asked by every
operation. The switch belongs to a thread, as PyTorch's does.
"""

from __future__ import annotations

import threading
from contextlib import ContextDecorator
from typing import Any


class Mode(threading.local):
    """The switch of this thread."""

    enabled = True


MODE = Mode()


class set_grad_enabled(ContextDecorator):
    """Switch recording on or off for a block, a function, or from here on.

    Parameters
    ----------
    mode : bool
        Whether operations on tensors that require a gradient are recorded.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.before = MODE.enabled
        MODE.enabled = mode

    def __enter__(self) -> None:
        MODE.enabled = self.mode

    def __exit__(self, *exc: Any) -> None:
        MODE.enabled = self.before

    def __call__(self, function: Any) -> Any:
        MODE.enabled = self.before  # it was meant for the function
        return super().__call__(function)

    def _recreate_cm(self) -> Any:
        return _MODES[self.mode]()


class no_grad(ContextDecorator):
    """Record nothing in a block (`with no_grad():`) or function (`@no_grad()`).

    Results in it do not require a gradient, and leaves may be written in place.

    Examples
    --------
    >>> from chainrule import tensor
    >>> x = tensor(5.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x**2
    >>> y
    tensor(25.)
    """

    mode = False

    def __enter__(self) -> None:
        self.before = MODE.enabled
        MODE.enabled = self.mode

    def __exit__(self, *exc: Any) -> None:
        MODE.enabled = self.before

    def _recreate_cm(self) -> Any:
        return type(self)()  # a decorated function may call itself


class enable_grad(no_grad):
    """Record again, inside a block or function that does not."""

    mode = True


_MODES = {False: no_grad, True: enable_grad}


def is_grad_enabled() -> bool:
    """Say whether operations are recorded in this thread."""
    return MODE.enabled
