"""Evaluate an expression twice, on values and on types, and compare at every step.

In: the text of an expression and values for its names. Out: the value and its type, or
an `AssertionError` that says which sub-expression got a type that is not its value's.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.ir.nodes import Const
from chainrule.runtime import helpers, scans
from chainrule.types import lattice as lt
from chainrule.types.infer import infer, lift
from chainrule.types.methods import ATTRIBUTES, normalise
from chainrule.types.typeof import type_of

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
MODULES = {
    "helpers": helpers,
    "scans": scans,
    "np": np,
    "math": math,
    "operator": operator,
    "prims": prims,
}


class ProgramRaises(Exception):
    """The expression fails on these values: then its types promise nothing."""


class Sizes:
    """What the names of sizes turned out to be."""

    def __init__(self) -> None:
        self.base: dict[Any, int] = {}
        self.seen: dict[lt.Sym, int] = {}

    def learn(self, t: Any, value: Any) -> None:
        """Take the sizes of an argument for granted."""
        if isinstance(t, lt.ArrayT):
            for dim, size in zip(t.dims or (), value.shape, strict=t.dims is not None):
                if isinstance(dim, lt.Sym):
                    self.base[dim.key] = size
        elif isinstance(t, lt.ScalarT) and isinstance(t.dim, lt.Sym):
            self.base[t.dim.key] = value
        elif isinstance(t, lt.TupleT | lt.ListT) and t.items is not None:
            for item, part in zip(t.items, value, strict=True):
                self.learn(item, part)
        elif isinstance(t, lt.DictT):
            for (_, item), part in zip(t.items, value.values(), strict=True):
                self.learn(item, part)

    def check(self, dim: Any, size: int, where: str, *, clamp: bool = True) -> None:
        """Check that a dimension can have this size."""
        if isinstance(dim, int):
            assert dim == size, f"{where}: {dim} is {size}"
            return
        assert not (dim.never_one and dim.offset == 0 and size == 1), f"{where}: is 1"
        if dim.key in self.base:
            expected = self.base[dim.key] + dim.offset
            expected = max(0, expected) if clamp else expected
            assert expected == size or max(0, expected) == size, (
                f"{where}: {dim} is {size}"
            )
        else:
            assert self.seen.setdefault(dim, size) == size, f"{where}: {dim} is {size}"


def check(t: lt.Type, value: Any, sizes: Sizes, where: str) -> None:
    """Assert that a value is of a type."""
    failure = f"{where}: {lt.show(t)} for {value!r}"
    match t:
        case lt.ScalarT(kind=kind, exact=False):
            assert np.ndim(value) == 0, failure
            found = lt.kind_of(np.asarray(value).dtype)
            assert lt.KINDS.index(str(found)) <= lt.KINDS.index(kind), failure
        case lt.ScalarT(kind=kind, dtype=None):
            assert type(value).__name__ == kind, failure
            if t.dim is not None:
                sizes.check(t.dim, value, where, clamp=False)
        case lt.ScalarT(dtype=dtype):
            assert isinstance(value, np.generic) and value.dtype == dtype, failure
        case lt.ArrayT(dtype=dtype, dims=None):
            assert np.asarray(value).dtype == dtype, failure
        case lt.ArrayT(dtype=dtype, dims=dims) if dims is not None:
            assert type(value) is np.ndarray, failure
            # What is made of nothing has a dtype of its own.
            assert value.dtype == dtype or value.size == 0, failure
            assert value.ndim == len(dims), failure
            for axis, (dim, size) in enumerate(zip(dims, value.shape, strict=True)):
                sizes.check(dim, size, f"{where} axis {axis}")
        case lt.TupleT(items=items, cls=cls):
            assert type(value) is cls and len(value) == len(items), failure
            for i, (item, part) in enumerate(zip(items, value, strict=True)):
                check(item, part, sizes, f"{where}[{i}]")
        case lt.ListT(items=items) if items is not None:
            value = list(value)
            assert len(value) == len(items), failure
            for i, (item, part) in enumerate(zip(items, value, strict=True)):
                check(item, part, sizes, f"{where}[{i}]")
        case lt.ListT(elem=elem):
            for part in value:
                assert elem is not None, failure
                check(elem, part, Sizes(), where)
        case lt.DictT(items=pairs):
            assert list(value) == [k for k, _ in pairs], failure
            for key, item in pairs:
                check(item, value[key], sizes, f"{where}[{key!r}]")
        case lt.RangeT(dim=dim):
            assert isinstance(value, range), failure
            if dim is not None:
                sizes.check(dim, len(value), where)
        case lt.SliceT():
            assert isinstance(value, slice), failure
        case lt.OpaqueT(cls=cls):
            assert isinstance(value, cls), failure
        case _:
            raise AssertionError(failure)


class Packer:
    """Packs operands into a tuple, as the builder of the compiler does."""

    def apply(self, fn: Callable[..., Any], *args: Any) -> Any:
        values = tuple(a[0] for a in args)
        return values, lt.TupleT(tuple(lift(a[1]) for a in args))


Pair = tuple[Any, Any]


class Walk:
    """Evaluates one expression; a result is a value and its type (or constant)."""

    def __init__(
        self, names: dict[str, Any], weaken: Callable[[lt.Type], lt.Type]
    ) -> None:
        self.sizes = Sizes()
        self.names: dict[str, Pair] = {}
        for name, value in names.items():
            t = type_of(value, (name,))
            if isinstance(t, lt.Type):
                t = weaken(t)
            self.sizes.learn(t, value)
            self.names[name] = value, t

    def call(
        self, node: ast.AST, fn: Any, args: list[Pair], kwargs: dict[str, Pair]
    ) -> Pair:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                value = fn(
                    *(a[0] for a in args), **{k: v[0] for k, v in kwargs.items()}
                )
        except Exception as error:
            raise ProgramRaises(str(error)) from error
        t = infer(fn, [a[1] for a in args], {k: v[1] for k, v in kwargs.items()})
        if fn in (reversed, enumerate, zip):
            value = list(value)
        check(t, value, self.sizes, ast.unparse(node))
        return value, t

    def static(self, node: ast.AST) -> Any:
        """Return the function or module that a dotted name means."""
        if isinstance(node, ast.Attribute):
            owner = self.static(node.value)
            return None if owner is None else getattr(owner, node.attr)
        if isinstance(node, ast.Name) and node.id not in self.names:
            return MODULES.get(node.id) or getattr(builtins, node.id)
        return None

    def visit(self, node: ast.AST) -> Pair:
        match node:
            case ast.Constant(value=value):
                return value, value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Name() | ast.Attribute() if self.static(node) is not None:
                return self.static(node), self.static(node)
            case ast.Attribute(attr="newaxis"):
                return None, None
            case ast.Attribute(value=base, attr=name):
                if name in ATTRIBUTES:
                    return self.call(node, ATTRIBUTES[name], [self.visit(base)], {})
                return self.call(node, getattr, [self.visit(base), (name, name)], {})
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                return self.display(node, [self.visit(e) for e in elts])
            case ast.Slice():
                parts = [
                    self.visit(p) if p else (None, None)
                    for p in (node.lower, node.upper, node.step)
                ]
                if any(isinstance(p[1], lt.Type) for p in parts):
                    return self.call(node, slice, parts, {})
                whole = slice(*(p[0] for p in parts))
                return whole, whole
            case ast.Subscript(value=base, slice=index):
                return self.call(
                    node, operator.getitem, [self.visit(base), self.visit(index)], {}
                )
            case ast.BinOp(left=left, op=op, right=right):
                return self.call(
                    node, OPERATORS[type(op)], [self.visit(left), self.visit(right)], {}
                )
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.call(
                    node, OPERATORS[type(op)], [self.visit(left), self.visit(right)], {}
                )
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
                return -value, -value  # type: ignore[operator]
            case ast.UnaryOp(op=op, operand=operand):
                return self.call(node, OPERATORS[type(op)], [self.visit(operand)], {})
            case ast.Call(func=func):
                return self.visit_call(node)
        raise NotImplementedError(ast.dump(node))

    def display(self, node: ast.AST, items: list[Pair]) -> Pair:
        kind = tuple if isinstance(node, ast.Tuple) else list
        value = kind(i[0] for i in items)
        if kind is tuple and not any(isinstance(i[1], lt.Type) for i in items):
            return value, value
        types = tuple(lift(i[1]) for i in items)
        return value, lt.TupleT(types) if kind is tuple else lt.ListT(types)

    def visit_call(self, node: ast.Call) -> Pair:
        args = [self.visit(a) for a in node.args]
        kwargs = {str(k.arg): self.visit(k.value) for k in node.keywords}
        fn = self.static(node.func)
        if fn is not None:
            return self.call(node, fn, args, kwargs)
        assert isinstance(node.func, ast.Attribute)
        base = self.visit(node.func.value)
        found = normalise(node.func.attr, args, kwargs, Packer())
        assert found is not None, f"no method {node.func.attr}"
        fn, rest, named = found
        rest = [(r.value, r.value) if isinstance(r, Const) else r for r in rest]
        result = self.call(node, fn, [base, *rest], named)
        try:
            method = getattr(base[0], node.func.attr)
            value = method(
                *(a[0] for a in args), **{k: v[0] for k, v in kwargs.items()}
            )
        except Exception as error:
            raise ProgramRaises(str(error)) from error
        check(lift(result[1]), value, self.sizes, f"method in {ast.unparse(node)}")
        return result


def evaluate(
    text: str,
    names: dict[str, Any],
    weaken: Callable[[lt.Type], lt.Type] = lambda t: t,
) -> Pair:
    """Return value and type of an expression, checked at every step.

    The types of the arguments go through `weaken`, which knows less of them.
    """
    return Walk(names, weaken).visit(ast.parse(text, mode="eval").body)
