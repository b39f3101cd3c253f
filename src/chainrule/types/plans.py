"""Sample arguments: values that stand for types, with sizes that can be chosen.

In: arguments as `infer` takes them. Out: a `Plan`, which makes values of these types
once each of its *slots* (the distinct named sizes and unknown integers) has been given
a number, and is itself a key: equal plans get equal answers.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.types.dims import refresh
from chainrule.types.freezing import freeze
from chainrule.types.infer import NeedsStatic, Unknown
from chainrule.types.lattice import (
    FLOAT,
    NONE,
    ArrayT,
    DictT,
    Dim,
    ListT,
    OpaqueT,
    RangeT,
    ScalarT,
    Sym,
    TupleT,
    Type,
    show,
)

Node = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A constant that compares by class and value."""

    value: Any = field(compare=False)
    key: Hashable


@dataclass(slots=True)
class Plan:
    """The arguments of one call as trees of nodes, and the sizes they mention."""

    args: tuple[Node, ...] = ()
    kwargs: tuple[tuple[str, Node], ...] = ()
    slots: list[Dim | None] = field(default_factory=list)
    ints: set[int] = field(default_factory=set)
    constants: set[int] = field(default_factory=set)
    unknown_rank: int | None = None
    unranked: int = 0

    def key(self) -> Hashable:
        """Return what decides the answer."""
        return self.args, self.kwargs, tuple(map(never_one, self.slots))

    def slot(self, dim: Dim | None) -> int | tuple[int]:
        """Return an int as itself, and a name as the one-tuple of its slot."""
        if isinstance(dim, int):
            self.ints.add(dim)
            return dim
        if dim is not None and dim in self.slots:
            return (self.slots.index(dim),)
        self.slots.append(dim)
        return (len(self.slots) - 1,)


def never_one(dim: Dim | None) -> bool:
    """Say whether a guard says that a size is not 1, without relying on it."""
    return isinstance(dim, Sym) and dim.never_one and dim.offset == 0


def make_plan(args: Sequence[Any], kwargs: dict[str, Any]) -> Plan:
    """Return the plan of a call's arguments."""
    plan = Plan()
    plan.args = tuple(node_of(a, plan) for a in args)
    plan.kwargs = tuple((k, node_of(v, plan)) for k, v in kwargs.items())
    return plan


def node_of(arg: Any, plan: Plan) -> Node:
    """Return the node for one argument: what to make, with slots for its sizes."""
    match arg:
        case ScalarT(kind="int", dim=int() as size, dtype=None):
            plan.constants.add(size)
            return ("const", Frozen(size, (int, size)))
        case ScalarT(kind="int"):
            return ("int", arg.dtype, arg.exact, plan.slot(arg.dim))
        case ScalarT():
            return ("scalar", arg.kind, arg.dtype, arg.exact)
        case ArrayT(dims=None):
            if plan.unknown_rank is None:
                plan.slots.append(None)
                plan.unknown_rank = len(plan.slots) - 1
            plan.unranked += 1
            return ("any", arg.dtype, plan.unknown_rank, plan.unranked - 1)
        case ArrayT(dims=dims) if dims is not None:
            return ("array", arg.dtype, tuple(map(plan.slot, dims)))
        case TupleT():
            plan.constants.add(len(arg.items))
            return ("tuple", arg.cls, *(node_of(i, plan) for i in arg.items))
        case ListT(items=items) if items is not None:
            plan.constants.add(len(items))
            return ("list", *(node_of(i, plan) for i in items))
        case ListT(elem=elem):
            length = plan.slot(None)
            return ("many", length, node_of(refresh(elem or FLOAT), plan))
        case DictT():
            keys = Frozen(
                tuple(k for k, _ in arg.items), tuple(k for k, _ in arg.items)
            )
            return ("dict", keys, *(node_of(v, plan) for _, v in arg.items))
        case RangeT():
            return ("range", plan.slot(arg.dim))
        case _ if arg == NONE:
            return ("const", Frozen(None, None))
        case OpaqueT():
            raise NeedsStatic(show(arg))
        case Type():
            raise Unknown(show(arg))
    plan.constants.update(_sizes_in(arg))
    return ("const", Frozen(arg, freeze(arg)))


def _sizes_in(arg: Any) -> set[int]:
    """Return the integers in a constant, which may be sizes, and how long it is."""
    if isinstance(arg, tuple | list):
        return {len(arg)}.union(*map(_sizes_in, arg))
    return {arg} if type(arg) is int else set()


@dataclass(slots=True)
class Sizes:
    """The numbers chosen for the slots, and ranks for the arrays of unknown rank."""

    slots: Sequence[int]
    ranks: Sequence[int] = ()

    def __getitem__(self, size: int | tuple[int]) -> int:
        return size if isinstance(size, int) else self.slots[size[0]]


def realise(node: Node, sizes: Sizes) -> Any:
    """Make a value of the node's type."""
    match node:
        case ("const", Frozen(value=value)):
            return value
        case ("int", dtype, _, size):
            return sizes[size] if dtype is None else dtype.type(sizes[size])
        case ("scalar", kind, dtype, _):
            return scalar(kind, dtype)
        case ("any", dtype, slot, which):
            return sample_array(dtype, (sizes.slots[slot],) * sizes.ranks[which])
        case ("array", dtype, dims):
            return sample_array(dtype, tuple(sizes[d] for d in dims))
        case ("tuple", cls, *items):
            values = [realise(i, sizes) for i in items]
            return tuple(values) if cls is tuple else cls(*values)
        case ("list", *items):
            return [realise(i, sizes) for i in items]
        case ("many", length, elem):
            return [realise(elem, sizes) for _ in range(sizes[length])]
        case ("dict", keys, *items):
            return dict(
                zip(keys.value, (realise(i, sizes) for i in items), strict=True)
            )
        case ("range", length):
            return range(sizes[length])
    raise AssertionError(node)


_NUMBERS: dict[str, Any] = {"bool": True, "int": 1, "float": 0.5, "complex": 0.5 + 0.5j}


def scalar(kind: str, dtype: np.dtype[Any] | None) -> Any:
    """Return a number that most functions are defined for."""
    return _NUMBERS[kind] if dtype is None else dtype.type(_NUMBERS[kind])


@functools.lru_cache(512)
def sample_array(dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    """Return a read-only array on which NumPy's functions do not stumble.

    Vectors increase within (0, 1), square matrices are positive definite.
    """
    if len(shape) >= 2 and shape[-1] == shape[-2]:
        values = np.broadcast_to(np.eye(shape[-1]) * 2, shape)
        values = (
            values * np.linspace(1.0, 1.2, shape[-1]) if dtype.kind in "fc" else values
        )
    else:
        count = int(np.prod(shape))
        start, stop = (0, count - 1) if dtype.kind in "iu" else (0.1, 0.9)
        values = np.linspace(start, stop, count).reshape(shape)
    out = np.array(values, dtype)
    out.flags.writeable = False
    return out
