"""Spell operations as expressions.

In: operations and operands of a program, names of variables, and the scope. Out: fresh
gast nodes: operators infix, `getitem` as subscripts, methods and attributes as the user
wrote them, every other callable by its path.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections import defaultdict, namedtuple
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gast
import numpy as np

from chainrule.backend import program as p
from chainrule.backend.live import Web
from chainrule.backend.nest import leaves
from chainrule.backend.program import Choice, Op
from chainrule.backend.scope import Scope
from chainrule.backend.sizes import AUGMENTED, BINARY, COMPARE, UNARY
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.runtime.objects import by_keywords, instance
from chainrule.types.lattice import ArrayT, ScalarT, TapeT, TupleT

Node = Any
LOAD, STORE = gast.Load(), gast.Store()
_FIELD = type(vars(namedtuple("_Pair", "a b"))["a"])


def name(text: str) -> Node:
    """Return a name that is read."""
    return gast.Name(text, LOAD, None, None)


def target(text: str) -> Node:
    """Return a name that is assigned."""
    return gast.Name(text, STORE, None, None)


def dotted(path: str) -> Node:
    """Return a dotted path as attributes of a name."""
    root, *rest = path.split(".")
    node = name(root)
    for part in rest:
        node = gast.Attribute(node, part, LOAD)
    return node


def call(func: Node, args: Sequence[Node], keywords: Sequence[Node] = ()) -> Node:
    """Return a call."""
    return gast.Call(func, list(args), list(keywords))


def literal(value: Any) -> Node:
    """Return a plain constant."""
    return gast.Constant(value, None)


_OPPOSITE = {gast.Is: gast.IsNot, gast.In: gast.NotIn}


def negation(node: Node) -> Node:
    """Return `not node`."""
    if isinstance(node, gast.UnaryOp) and isinstance(node.op, gast.Not):
        return node.operand
    if isinstance(node, gast.Compare) and len(node.ops) == 1:
        opposite = _OPPOSITE.get(type(node.ops[0]))
        if opposite is not None:
            return gast.Compare(node.left, [opposite()], node.comparators)
    return gast.UnaryOp(gast.Not(), node)


class Speller:
    """Expressions of one function."""

    def __init__(
        self,
        web: Web,
        scope: Scope,
        names: dict[Value, str],
        callees: dict[int, str],
    ) -> None:
        self.web = web
        self.nested = web.nested
        self.scope = scope
        self.names = names
        self.callees = callees
        self.ops = dict(web.nested)
        for node in p.walk(web.program.nodes):
            if isinstance(node, p.Let):
                self.ops[node.out] = node.op
        self.bare = _bare_items(self.ops)
        self.assigned: dict[str, None] = {}  # outside of the function

    def leaves(self, operand: Operand) -> list[Value]:
        """Return the variables that printing an operand reads."""
        return leaves(operand, self.nested)

    def variable(self, value: Value) -> str:
        """Return the name of a value's variable."""
        return self.names[self.web.find(value)]

    def operand(self, operand: Operand) -> Node:
        """Spell an operand."""
        if isinstance(operand, Value):
            if operand in self.nested:
                return self.op(self.nested[operand])
            return name(self.variable(operand))
        if isinstance(operand, Const):
            return self.const(operand.value, operand.text)
        return literal(None)

    # Constants

    def const(self, value: Any, text: str | None = None) -> Node:
        """Spell a constant."""
        if text is not None and self.scope.means(text, value):
            return dotted(text)
        kind = type(value)
        if kind is float and not math.isfinite(value):
            word = "nan" if math.isnan(value) else "inf"
            node = dotted(f"{self.scope.path(np)}.{word}")
            return gast.UnaryOp(gast.USub(), node) if value < 0 else node
        if kind in (bool, int, float, complex, str, bytes, type(None), type(...)):
            return literal(value)
        if kind is tuple:
            return gast.Tuple([self.const(v) for v in value], LOAD)
        if kind is list:
            return gast.List([self.const(v) for v in value], LOAD)
        if kind is dict:
            keys = [self.const(k) for k in value]
            return gast.Dict(keys, [self.const(v) for v in value.values()])
        if kind is range:
            short = value.step == 1 and value.start == 0
            bounds = (value.stop,) if short else (value.start, value.stop)
            bounds += (value.step,) if value.step != 1 else ()
            return call(dotted(self.scope.path(range)), [literal(b) for b in bounds])
        if kind is slice:
            parts = [self.const(v) for v in (value.start, value.stop, value.step)]
            return call(dotted(self.scope.path(slice)), parts)
        if isinstance(value, np.generic):
            path = self.scope.path(type(value))
            return call(dotted(path), [self.const(value.item())])
        if isinstance(value, np.dtype) and value == np.dtype(value.type):
            return dotted(self.scope.path(value.type))
        return dotted(self.scope.path(value, text))

    def subscript(self, index: Operand) -> Node:
        """Spell what stands between the brackets of a subscript."""
        if isinstance(index, Const) and index.text is None:
            if type(index.value) is tuple and index.value:
                return gast.Tuple([self.subscript(Const(v)) for v in index.value], LOAD)
            if type(index.value) is slice:
                value = index.value
                return self.slice(*map(Const, (value.start, value.stop, value.step)))
        if isinstance(index, Value) and index in self.nested:
            op = self.nested[index]
            if isinstance(op, ir.Apply) and op.fn is prims.make_tuple and op.args:
                return gast.Tuple([self.subscript(a) for a in op.args], LOAD)
            if isinstance(op, ir.Apply) and op.fn is slice:
                args = op.args if len(op.args) > 1 else (Const(None), *op.args)
                return self.slice(*args)
        return self.operand(index)

    def slice(self, *bounds: Operand) -> Node:
        parts = [
            None if isinstance(b, Const) and b.value is None else self.operand(b)
            for b in bounds
        ]
        return gast.Slice(*parts, *[None] * (3 - len(parts)))

    # Operations

    def op(self, op: Op) -> Node:
        """Spell an operation; the node remembers its place in the user's text."""
        node = self.expression(op)
        node.origin = op.loc
        return node

    def expression(self, op: Op) -> Node:
        match op:
            case ir.Apply():
                return self.apply(op)
            case Choice(test=test, then=then, orelse=orelse, word=""):
                parts = map(self.operand, (test, then, orelse))
                return gast.IfExp(*parts)
            case Choice(test=test, then=then, orelse=orelse, word=word):
                other = then if word == "and" else orelse
                joint = gast.And() if word == "and" else gast.Or()
                return gast.BoolOp(joint, [self.operand(test), self.operand(other)])
            case ir.Call(callee=callee, args=args):
                func = name(self.callees[id(callee)])
                return call(func, map(self.operand, args))  # type: ignore[arg-type]

    def apply(self, op: ir.Apply) -> Node:
        fn, args = op.fn, op.args
        special = _SPECIAL.get(fn)
        if special is not None and not op.kwargs:
            node = special(self, op)
            if node is not None:
                return node
        keywords = [gast.keyword(k, self.operand(v)) for k, v in op.kwargs]
        if op.form == "attribute":
            return gast.Attribute(self.operand(args[0]), _last(op), LOAD)
        if op.form == "method":
            func = gast.Attribute(self.operand(args[0]), _last(op), LOAD)
            return call(func, [self.operand(a) for a in args[1:]], keywords)
        path = self.scope.path(fn, op.text)
        return call(dotted(path), [self.operand(a) for a in args], keywords)

    def outside_name(self, op: ir.Apply, ctx: Any) -> Node:
        """Spell a variable outside; by its owner where something here has its name."""
        owner, said = op.args[:2]
        assert isinstance(owner, Const) and isinstance(said, Const)
        if owner.text is not None and owner.text not in self.scope.taken:
            if ctx is not LOAD:
                self.assigned[owner.text] = None
            return gast.Name(owner.text, ctx, None, None)
        place = dotted(self.scope.owner(owner.value))
        if isinstance(owner.value, dict):
            return gast.Subscript(place, literal(said.value), ctx)
        return gast.Attribute(place, "cell_contents", ctx)

    def getitem(self, op: ir.Apply) -> Node:
        base, index = op.args
        if isinstance(base, Value) and base in self.bare:
            return self.operand(base)
        field = field_name(base, index)
        if field is not None:
            return gast.Attribute(self.operand(base), field, LOAD)
        return gast.Subscript(self.operand(base), self.subscript(index), LOAD)


def field_name(base: Operand, index: Operand) -> str | None:
    """Return the field of a named tuple that a subscript selects."""
    cls = (
        base.type.cls
        if isinstance(base, Value) and isinstance(base.type, TupleT)
        else None
    )
    fields = getattr(cls, "_fields", ())
    position = index.value if isinstance(index, Const) else None
    if type(position) is not int or not 0 <= position < len(fields):
        return None
    name = fields[position]
    plain = type(inspect.getattr_static(cls, name, None)) is _FIELD
    return name if plain else None


def _last(op: ir.Apply) -> str:
    text = op.text or getattr(op.fn, "__name__", "")
    return str(text).split(".")[-1]


def _bare_items(ops: dict[Value, Op]) -> set[Value]:
    """Return elements of tapes that save one value: they are not wrapped in a tuple."""
    out = set()
    for value, op in ops.items():
        if isinstance(op, ir.Apply) and op.fn is operator.getitem:
            base = op.args[0]
            if isinstance(base, Value) and isinstance(base.type, TapeT):
                if len(base.type.items) == 1:
                    out.add(value)
    return out


Special = Callable[[Speller, ir.Apply], Node]
_SPECIAL: dict[Any, Special] = {}


def _enter(kinds: dict[Any, str], make: Callable[..., Node]) -> None:
    for fn, kind in kinds.items():
        _SPECIAL[fn] = partial(make, kind=kind)


def _binary(s: Speller, op: ir.Apply, kind: str) -> Node:
    first, second = op.args
    if kind == "Add" and isinstance(second, Value) and second.hint is not None:
        inner = s.web.nested.get(second)
        if isinstance(inner, ir.Apply) and inner.fn is operator.neg:
            # A nested cotangent of ours: nobody wrote the sign where it is now.
            kind, second = "Sub", inner.args[0]
    left, right = s.operand(first), s.operand(second)
    return gast.BinOp(left, getattr(gast, kind)(), right)


def _compare(s: Speller, op: ir.Apply, kind: str) -> Node:
    left, right = map(s.operand, op.args)
    return gast.Compare(left, [getattr(gast, kind)()], [right])


def _unary(s: Speller, op: ir.Apply, kind: str) -> Node:
    inner = s.operand(op.args[0])
    return (
        negation(inner) if kind == "Not" else gast.UnaryOp(getattr(gast, kind)(), inner)
    )


_enter(BINARY, _binary)
_enter(AUGMENTED, _binary)
_enter(COMPARE, _compare)
_enter(UNARY, _unary)


def _spell(*fns: Any) -> Callable[[Special], Special]:
    def register(special: Special) -> Special:
        _SPECIAL.update(dict.fromkeys(fns, special))
        return special

    return register


@_spell(operator.getitem)
def _getitem(s: Speller, op: ir.Apply) -> Node:
    return s.getitem(op)


@_spell(operator.contains)
def _contains(s: Speller, op: ir.Apply) -> Node:
    items, item = map(s.operand, op.args)
    return gast.Compare(item, [gast.In()], [items])


@_spell(getattr)
def _getattr(s: Speller, op: ir.Apply) -> Node:
    attr = op.args[1]
    plain = len(op.args) == 2 and isinstance(attr, Const) and str(attr.value)
    if not plain or not str(plain).isidentifier():
        return None
    return gast.Attribute(s.operand(op.args[0]), str(plain), LOAD)


@_spell(prims.make_tuple)
def _make_tuple(s: Speller, op: ir.Apply) -> Node:
    return gast.Tuple([s.operand(a) for a in op.args], LOAD)


@_spell(prims.make_list)
def _make_list(s: Speller, op: ir.Apply) -> Node:
    return gast.List([s.operand(a) for a in op.args], LOAD)


@_spell(prims.make_dict)
def _make_dict(s: Speller, op: ir.Apply) -> Node:
    keys, *values = op.args
    if not isinstance(keys, Const):
        return None
    return gast.Dict([s.const(k) for k in keys.value], [s.operand(v) for v in values])


@_spell(prims.make_object)
def _make_object(s: Speller, op: ir.Apply) -> Node:
    of, names, *values = op.args
    if not isinstance(names, Const):
        return None
    cls = of.value if isinstance(of, Const) else None
    if cls is not None and issubclass(cls, dict):
        items = gast.Dict(
            [s.const(k) for k in names.value], [s.operand(v) for v in values]
        )
        first = [literal(None)] if issubclass(cls, defaultdict) else []
        return call(s.operand(of), [*first, items])
    pairs = zip(names.value, values, strict=True)
    keywords = [gast.keyword(str(k), s.operand(v)) for k, v in pairs]
    if cls is not None and by_keywords(cls):
        return call(s.operand(of), [], keywords)
    return call(s.const(instance), [s.operand(of)], keywords)


@_spell(prims.now)
def _now(s: Speller, op: ir.Apply) -> Node:
    return s.outside_name(op, LOAD)


@_spell(prims.some, prims.read_back)
def _some(s: Speller, op: ir.Apply) -> Node:
    return s.operand(op.args[0])


@_spell(prims.live)
def _live(s: Speller, op: ir.Apply) -> Node:
    return s.operand(op.args[0])


@_spell(prims.dim)
def _dim(s: Speller, op: ir.Apply) -> Node:
    base, axis = op.args
    if isinstance(base, Value) and isinstance(base.type, ArrayT):
        shape = gast.Attribute(s.operand(base), "shape", LOAD)
    else:
        shape = call(dotted(s.scope.path(np.shape)), [s.operand(base)])
    return gast.Subscript(shape, s.operand(axis), LOAD)


@_spell(prims.einsum_view)
def _einsum_view(s: Speller, op: ir.Apply) -> Node:
    func = dotted(s.scope.path(np.einsum))
    return call(func, [s.operand(op.args[1]), s.operand(op.args[0])])


@_spell(prims.copy_value)
def _copy(s: Speller, op: ir.Apply) -> Node:
    base = op.args[0]
    if isinstance(base, Value) and isinstance(base.type, ScalarT):
        return s.operand(base)
    known = isinstance(base, Value) and isinstance(base.type, ArrayT)
    if known and base.type.dims is not None:  # type: ignore[union-attr]
        return call(gast.Attribute(s.operand(base), "copy", LOAD), [])
    if known:  # it may be a number
        made = call(dotted(s.scope.path(np.array)), [s.operand(base)])
        return gast.Subscript(made, gast.Tuple([], LOAD), LOAD)
    return None


@_spell(prims.astype)
def _astype(s: Speller, op: ir.Apply) -> Node:
    base, dtype = op.args
    kind = base.type if isinstance(base, Value) else None
    if isinstance(kind, ArrayT) and kind.dims is not None:
        func = gast.Attribute(s.operand(base), "astype", LOAD)
        return call(func, [s.operand(dtype)])
    if isinstance(kind, ScalarT) and isinstance(dtype, Const):
        scalar = np.dtype(dtype.value).type
        return call(dotted(s.scope.path(scalar)), [s.operand(base)])
    return None


@_spell(prims.format_)
def _format(s: Speller, op: ir.Apply) -> Node:
    parts, *values = op.args
    if not isinstance(parts, Const):
        return None
    rest = iter(values)
    out: list[Node] = []
    text: list[str] = []
    for first, spec in parts.value:
        if spec is None:
            text.append(first)
        else:
            out += _text(text)
            text = []
            inner = gast.JoinedStr([literal(spec)]) if spec else None
            code = ord(first) if first else -1
            out.append(gast.FormattedValue(s.operand(next(rest)), code, inner))
    return gast.JoinedStr(out + _text(text))


def _text(parts: list[str]) -> list[Node]:
    """Return neighbouring literals of an f-string as the one that a parser sees."""
    return [literal("".join(parts))] if any(parts) else []
