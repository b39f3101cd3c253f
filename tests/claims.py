"""Run IR and check each value against its type: what is claimed, is so.

In: an IR function and arguments. Out: its result, or `FalseClaim` where a value has not
the class, dtype, rank, size or layout that its type says. Equal names of sizes must
mean equal sizes in one run; a nameless size may change with each iteration.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.ir.evaluate import Env, evaluate
from chainrule.ir.nodes import Function, Undef, Value
from chainrule.types.dims import is_fresh
from chainrule.types.lattice import (
    FLOAT64,
    INT,
    KINDS,
    NONE,
    ArrayT,
    DictT,
    Dim,
    ListT,
    ObjT,
    OpaqueT,
    OptionalT,
    ScalarT,
    Sym,
    TapeT,
    TupleT,
    Type,
    kind_of,
)

PYTHON = {"bool": bool, "int": int, "float": float, "complex": complex}


class FalseClaim(AssertionError):
    """A value that is not of its type."""


def require(ok: bool, value: Any, t: Any, why: str) -> None:
    """Raise `FalseClaim` unless `ok`."""
    if not ok:
        shown = f"{type(value).__name__} {repr(value):.100}"
        raise FalseClaim(f"{why}: {shown} is claimed to be {t!r}")


@dataclass
class Size:
    """What is known of a named size: itself, or only that it is no larger."""

    exact: int | None = None
    most: int | None = None

    def agrees(self, offset: int, seen: int) -> bool:
        """Take note that `max(0, size + offset)` is `seen`; say whether it can be."""
        if seen > 0:
            size = seen - offset
            if self.exact is None and (self.most is None or size <= self.most):
                self.exact = size
            return self.exact == size
        if self.exact is not None:
            return self.exact + offset <= 0
        self.most = -offset if self.most is None else min(self.most, -offset)
        return True


@dataclass
class Sizes:
    """The sizes that names stand for, from the innermost block outwards."""

    scopes: list[dict[Hashable, Size]] = field(default_factory=lambda: [{}])
    not_one: frozenset[Hashable] = frozenset()
    loose: bool = False

    def check(self, dim: Dim | None, seen: int, value: Any, t: Type) -> None:
        """Check one size against its claim."""
        if isinstance(dim, int):
            require(dim == seen, value, t, f"size {seen} is not {dim}")
        if not isinstance(dim, Sym):
            return
        if dim.never_one and dim.offset == 0 and dim.key in self.not_one:
            require(seen != 1, value, t, "size 1 is claimed never to be")
        require(seen != 1 or dim not in self.not_one, value, t, "size 1 is excluded")
        place = self.scopes[-1 if is_fresh(dim) else 0]
        known = next((s[dim.key] for s in self.scopes if dim.key in s), None)
        if known is None:
            known = place[dim.key] = Size()
        before = repr(known)
        why = f"size {seen} under another name is {before}"
        require(known.agrees(dim.offset, seen), value, t, why)


def check(value: Any, t: Type, sizes: Sizes, nameless: bool = False) -> None:
    """Check a value against its type; `nameless` in elements of like types."""
    if sizes.loose and (value is None or t == NONE or isinstance(value, Undef)):
        return
    match t:
        case OptionalT(elem=elem):
            if value is not None:
                check(value, elem, sizes, nameless)
        case ScalarT():
            check_scalar(value, t, sizes.loose)
            if t.dim is not None and type(value) is not float:
                sizes.check(t.dim, int(value), value, t)
        case ArrayT(dims=dims):
            if sizes.loose and isinstance(value, np.ndarray) and value.dtype.hasobject:
                return  # zeros like what has no value
            check_array(value, t)
            if dims is not None and isinstance(value, np.ndarray):
                for dim, seen in zip(dims, value.shape, strict=True):
                    if not (nameless and is_fresh(dim)):
                        sizes.check(dim, seen, value, t)
        case TupleT(items=items, cls=cls):
            require(type(value) is cls, value, t, "class")
            require(len(value) == len(items), value, t, "length")
            for part, claim in zip(value, items, strict=True):
                check(part, claim, sizes, nameless)
        case ListT() if isinstance(value, Iterator):
            pass  # `reversed(tape)`: to look at it would use it up
        case ListT(items=items, elem=elem):
            shape = type(value) is tuple and items is None and elem == INT
            require(type(value) is list or shape, value, t, "class")
            if items is None:
                for part in value:
                    require(elem is not None, value, t, "an element of an empty list")
                    check(part, elem, sizes, True)  # type: ignore[arg-type]
                return
            require(len(value) == len(items), value, t, "length")
            for part, claim in zip(value, items, strict=True):
                check(part, claim, sizes, nameless)
        case DictT(items=pairs, cls=cls):
            require(type(value) is cls, value, t, "class")
            require(list(value) == [k for k, _ in pairs], value, t, "keys")
            for key, claim in pairs:
                check(value[key], claim, sizes, nameless)
        case ObjT(cls=cls, attrs=pairs):
            require(type(value) is cls, value, t, "class")
            for name, claim in pairs:
                check(getattr(value, name), claim, sizes, nameless)
        case TapeT() if isinstance(value, Iterator):
            pass
        case TapeT(items=items):
            for row in value:
                parts = row if isinstance(row, tuple) else (row,)  # turned into a list
                for part, claim in zip(parts, items, strict=True):
                    if not isinstance(part, Undef):
                        check(part, claim, sizes, True)
        case OpaqueT(cls=cls):
            require(isinstance(value, cls), value, t, "class")


def check_scalar(value: Any, t: ScalarT, loose: bool) -> None:
    """Check class and dtype of a number without axes."""
    if loose and type(value) is float and (t.kind == "int" or t == FLOAT64):
        return
    if loose and t.kind == "int" and isinstance(value, np.float64) and value == 0:
        return  # the cotangent of an int that was read from an array
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype == t.dtype:
        return  # np.polyval([], x): it computes as the scalar does
    if t.exact:
        cls = PYTHON[t.kind] if t.dtype is None else t.dtype.type
        require(type(value) is cls, value, t, "class")
        return
    array = np.asarray(value)
    kind = kind_of(array.dtype)
    require(array.shape == () and kind is not None, value, t, "a number")
    require(KINDS.index(str(kind)) <= KINDS.index(t.kind), value, t, "kind")


def check_array(value: Any, t: ArrayT) -> None:
    """Check rank and dtype; a join of dtypes stands for all of those."""
    number = isinstance(value, np.generic | int | float | complex)
    if number and t.dims in (None, ()):
        return
    require(type(value) is np.ndarray, value, t, "class")
    require(np.promote_types(value.dtype, t.dtype) == t.dtype, value, t, "dtype")
    require(t.ndim in (None, value.ndim), value, t, "rank")


class Checked(Env):
    """An environment that believes nothing.

    `loose` for derivatives: there None stands for what has no value on a path or no
    cotangent, 0.0 for the cotangent of an int, and Python's float for NumPy's.
    """

    def __init__(
        self, not_one: frozenset[Hashable] = frozenset(), loose: bool = False
    ) -> None:
        super().__init__()
        self.sizes = Sizes(not_one=not_one, loose=loose)

    def __setitem__(self, value: Value, item: Any) -> None:
        if not isinstance(item, Undef):
            try:
                check(item, value.type, self.sizes)
            except FalseClaim as error:
                raise FalseClaim(f"{value!r} {error}") from None
        super().__setitem__(value, item)

    def inner(self) -> Checked:
        """Check functions that are called by names of their own."""
        return Checked(loose=self.sizes.loose)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget nameless sizes at the end of a block."""
        self.sizes.scopes.append({})
        try:
            yield
        finally:
            self.sizes.scopes.pop()


def evaluate_checked(
    function: Function,
    *args: Any,
    not_one: frozenset[Hashable] = frozenset(),
    loose: bool = False,
) -> Any:
    """Return what the function returns, having checked every value on the way."""
    return evaluate(function, *args, env=Checked(not_one, loose))
