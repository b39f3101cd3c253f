"""What the entry asks of the compiler, and what it gets back.

In: nothing. Out: `Request` (which derivative of which function), `Built` (its
functions, text and what inference consumed), the two records both are made of, and the
check of results. `pipeline.build` turns a request and arguments into a `Built`; `cache`
keeps it.

Results of the generated functions:

* `grad`: the gradient, bare for one name in `wrt`, a tuple for several; with `has_aux`
  the pair `(gradient, aux)`;
* `value_and_grad`: `(value, gradient)`; with `has_aux` `((value, aux), gradient)`;
* `vjp`: `f_fwd` returns `(value, residual)` (`((value, aux), residual)`), and
  `f_bwd(residual, value_bar)` a tuple with one cotangent for each name in `wrt`;
* `jvp`: `(value, tangent)` (`(value, tangent, aux)`).

The parameters are the user's, in order and all positional: `*args` as one tuple,
`**kwargs` as one dict; `f_jvp` takes one tangent for each name in `wrt` after them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.types.lattice import (
    ArrayT,
    OpaqueT,
    ScalarT,
    Type,
    kind_of,
    result_dtype,
    show,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One derivative of one function.

    `function` is a plain Python function, or a `Derivative` for higher orders. `wrt`
    names the active parameters as the signature does; an element of `*args` is
    `"args[0]"`, one of `**kwargs` is `"kwargs['w']"`.
    """

    function: Callable[..., Any]
    transform: str
    wrt: tuple[str, ...]
    has_aux: bool = False


class Attribute(str):
    """A step of a path that is an attribute; a plain string is a key of a dict."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An input that inference used as a constant: the same object or equal number."""

    value: Any


@dataclass(frozen=True, slots=True)
class Laid:
    """How an array was taken to lie in memory: in the order of its elements or not, or
    with certain strides.
    """

    contiguous: bool | None = None
    strides: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Apart:
    """An array of the caller's that is written: no other argument shares its memory."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A container that was taken not to hold this key."""

    key: Any


@dataclass(frozen=True, slots=True)
class Lacks:
    """Objects that were taken to have no attribute of this name of their own: what
    their class has was used, or that they have none at all.
    """


@dataclass(frozen=True, slots=True)
class Overlap:
    """How arguments share memory, and that others do not; see `cache.overlap`."""

    pattern: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that inference consumed, and what it took it for.

    `root` is `"param"`, `"attribute"` (of the object `owner`), `"class"` (of all
    objects of the class `owner`), `"global"` (`owner` is the dict of globals) or
    `"cell"` (`owner` is the closure cell); `path` leads from there by keys, positions
    and `Attribute`s. A plain string counts as an attribute where the value is not a
    mapping.
    """

    root: str
    name: str
    path: tuple[Any, ...] = ()
    type: Type | Known | Laid | Apart | Lacks | Missing | Overlap = Known(None)
    owner: Any = None


@dataclass(slots=True)
class Built:
    """A derivative, compiled and linked: `calls` is one function, two for a `vjp`.

    `result` is the type of the primal's value, if the pipeline says it; `writes` says
    whether arguments are left changed.
    """

    calls: tuple[Callable[..., Any], ...]
    source: str
    inputs: tuple[Input, ...] = ()
    result: Type | None = None
    writes: bool = False


def check_result(request: Request, result: Type) -> None:
    """Raise `TypeError` when the value is not one real number, for gradients only."""
    if request.transform not in ("grad", "value_and_grad"):
        return
    name = getattr(request.function, "__name__", "the function")
    is_number = isinstance(result, ScalarT)
    if isinstance(result, ArrayT):
        is_number = result.dims is None or result.dims == ()
    if is_number and kind_of(result_dtype(result)) == "complex":
        raise TypeError(
            f"{request.transform} needs a real result, but `{name}` returns a complex"
            " number; take its real part or its modulus, or use vjp"
        )
    if not is_number:
        raise TypeError(
            f"{request.transform} needs a function that returns one number, but"
            f" `{name}` returns {_describe(result)}; use jacobian or vjp, reduce the"
            " result with .sum(), or, if it returns other values too, has_aux=True"
        )


def _describe(result: Type) -> str:
    if isinstance(result, OpaqueT):
        return show(result)
    return f"a {show(result)}"
