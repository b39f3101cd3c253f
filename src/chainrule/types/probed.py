"""Enter functions whose result type is found by running them on samples.

In: names of functions in a module. Out: their type rule, `probe` with a check: an
argument that decides the rank, the class or the structure of a result must be known.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from chainrule.types.infer import TYPE_RULES, NeedsStatic, known
from chainrule.types.lattice import INT, ArrayT, ListT, TupleT, Type
from chainrule.types.probe import probe

# Parameters that must be constants, by name.
STATIC = frozenset(
    """axis axes axis1 axis2 axisa axisb axisc dtype keepdims ord n_axes
    source destination indices_or_sections k kth subscripts mode method
    interpolation full rowvar return_index return_inverse return_counts
    return_sign full_matrices compute_uv hermitian UPLO indexing sparse
    endpoint retstep returned offset ndmin copy subok order start_axis
    num_axes increasing left_inv overwrite_input ddof density side stable
    kind ndim return_indices assume_unique equal_nan norm unpack""".split()
)
# Parameters whose length decides the rank.
SHAPES = frozenset(
    {"shape", "newshape", "reps", "pad_width", "size", "dimensions", "s"}
)
# The leading parameters of functions that have no signature.
_NAMES: dict[str, tuple[str, ...]] = {
    "concatenate": ("arrays", "axis"),
    "zeros": ("shape", "dtype", "order"),
    "empty": ("shape", "dtype", "order"),
    "array": ("object", "dtype"),
    "asarray": ("a", "dtype", "order"),
    "asanyarray": ("a", "dtype", "order"),
    "ascontiguousarray": ("a", "dtype"),
    "asfortranarray": ("a", "dtype"),
    "zeros_like": ("prototype", "dtype"),
    "empty_like": ("prototype", "dtype"),
}
# Names that must be constants in some functions only.
_ALSO_STATIC: dict[str, frozenset[str]] = {
    "diff": frozenset({"n"}),
    "polyfit": frozenset({"cov"}),
}


@functools.lru_cache(None)
def parameter_names(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of positional parameters, as far as they are known."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (ValueError, TypeError):
        return _NAMES.get(fn.__name__, ())
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(p.name for p in parameters if p.kind in kinds)


def probe_checked(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Type:
    """Probe, after the arguments that must be constants were found to be constants."""
    wanted = STATIC | _ALSO_STATIC.get(fn.__name__, frozenset())
    for name, arg in (*zip(parameter_names(fn), args, strict=False), *kwargs.items()):
        if name in wanted and not is_static(arg):
            raise NeedsStatic(name)
    names = (*zip(parameter_names(fn), args, strict=False), *kwargs.items())
    if any(name in SHAPES and is_open(arg) for name, arg in names):
        return probe_open(fn, args, kwargs)
    return probe(fn, *args, **kwargs)


def is_open(arg: Any) -> bool:
    """Say whether an argument is the shape of an array of unknown rank."""
    return isinstance(arg, ListT) and arg.items is None and arg.elem == INT


def probe_open(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Type:
    """Give an array of unknown rank where the rank of a shape is not known."""
    one = TupleT((INT,))
    out = probe(
        fn,
        *(one if is_open(a) else a for a in args),
        **{k: one if is_open(v) else v for k, v in kwargs.items()},
    )
    if not isinstance(out, ArrayT):
        raise NeedsStatic("shape")
    return ArrayT(out.dtype, None)


def is_static(arg: Any) -> bool:
    """Say whether an argument is a constant, or a list or tuple of constants."""
    arg = known(arg)
    if isinstance(arg, TupleT | ListT):
        return arg.items is not None and all(map(is_static, arg.items))
    return not isinstance(arg, Type)


def probed(module: Any, names: str) -> None:
    """Enter the functions of these names that this NumPy has."""
    for name in names.split():
        fn = getattr(module, name, None)
        if fn is not None:
            TYPE_RULES.setdefault(fn, probe_checked)
