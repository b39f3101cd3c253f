"""Generated code compared with a file that was reviewed and committed.

In: a derivative, arguments, a file. Out: nothing where both agree, else the difference
as a unified diff; or the file, written anew.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chainrule
from chainrule.cache.isolated import isolated
from chainrule.derivative import Derivative
from chainrule.differentiable import Differentiable
from chainrule.target import Options, target_of

TRANSFORMS = ("grad", "value_and_grad", "vjp", "jvp", "jacobian", "hessian", "hvp")


def code(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    wrt: int | str | tuple[int, ...] | tuple[str, ...] | None = None,
    transform: str = "grad",
) -> str:
    """Return the code of a derivative, whatever was compiled before.

    A `Derivative` is shown as it is; a function by the transformation named.
    """
    made = derivative(f, wrt, transform)
    with isolated(target_of(made.function).base):
        return made.source(*args, **kwargs).rstrip("\n") + "\n"


def derivative(f: Any, wrt: Any, transform: str) -> Derivative[..., Any]:
    """Return the derivative that is meant."""
    if isinstance(f, Derivative):
        return f
    if transform not in TRANSFORMS:
        raise ValueError(f"transform={transform!r} is none of {', '.join(TRANSFORMS)}")
    options = f.options if isinstance(f, Differentiable) else Options()
    if wrt is not None:
        first = wrt[0] if isinstance(wrt, tuple) else wrt
        named = isinstance(first, str)
        options = Options(0 if named else wrt, wrt if named else None, options.has_aux)
    decorate: Any = chainrule.differentiate(
        argnums=0 if options.argnums is None else options.argnums,
        argnames=options.argnames,
        has_aux=options.has_aux,
    )
    plain = f.__wrapped__ if isinstance(f, Differentiable) else f
    made: Derivative[..., Any] = getattr(decorate(plain), transform)
    return made


def difference(text: str, path: Path, shown: str) -> str:
    """Return how a text differs from a file as a unified diff, empty if they agree."""
    if not path.is_file():
        old, name = [], "(no such file)"
    else:
        old, name = path.read_text(encoding="utf-8").splitlines(), shown
    new = text.splitlines()
    lines = difflib.unified_diff(old, new, name, "generated now", lineterm="")
    return "\n".join(lines)


def write(text: str, path: Path) -> None:
    """Write the file, and the folders it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
