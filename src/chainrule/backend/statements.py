"""Print the nodes of a program as statements.

In: nodes with named variables. Out: gast statements, each with `origin`, the place in
the user's text that it comes from, and `node`, what it prints.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import gast
import numpy as np

from chainrule.analysis.memory import STORES
from chainrule.backend import outside
from chainrule.backend import program as p
from chainrule.backend.generator import Remark
from chainrule.backend.program import Nodes, Op
from chainrule.backend.sizes import AUGMENTED, BINARY
from chainrule.backend.spell import (
    STORE,
    Node,
    Speller,
    call,
    dotted,
    literal,
    negation,
    target,
)
from chainrule.backend.sums import in_steps
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Iter, Operand, Value
from chainrule.types.lattice import ArrayT, ListT, ScalarT, TapeT, TupleT

Copy = tuple[Value, Operand, Node]
CHAIN, CHAIN_WIDTH = 3, 60


class Writer:
    """Statements of one function; `used` are the variables that something reads."""

    def __init__(self, speller: Speller, used: set[Value]) -> None:
        self.speller = speller
        self.used = used

    def variable(self, value: Value) -> str:
        return self.speller.variable(value)

    def is_used(self, value: Value) -> bool:
        return self.speller.web.find(value) in self.used

    def body(self, nodes: Nodes) -> list[Node]:
        """Print nodes as the body of a compound statement."""
        return _filled(self.statements(nodes))

    def statements(self, nodes: Nodes) -> list[Node]:
        """Print a list of nodes."""
        out: list[Node] = []
        for node in nodes:
            made = self.node(node)
            origin = getattr(node, "loc", None) or _loc(node)
            for stmt in made:
                stmt.origin, stmt.node = origin, node
            if out and len(made) == 1 and _continues(out[-1], made[0]):
                out[-1].targets += made[0].targets
            else:
                out += made
        return out

    def node(self, node: p.Node) -> list[Node]:
        spell = self.speller.operand
        match node:
            case p.Let():
                return self.let(node)
            case p.Unpack(outs=outs, op=op):
                return [gast.Assign([self.targets(outs)], self.unpacked(op), None)]
            case p.Copies(pairs=pairs):
                return self.copies(pairs)
            case p.Branch():
                return self.branch(node)
            case p.For():
                return [self.for_(node)]
            case p.While():
                return self.while_(node)
            case p.NewTape(tape=tape):
                return [
                    _assign(target(self.variable(tape)), gast.List([], gast.Load()))
                ]
            case p.Append(tape=tape, items=items):
                parts = [spell(item) for item in items]
                item = parts[0] if len(parts) == 1 else gast.Tuple(parts, gast.Load())
                func = dotted(f"{self.variable(tape)}.append")
                return [gast.Expr(call(func, [item]))]
            case p.Exit(word=word):
                return [gast.Break() if word == "break" else gast.Continue()]
            case p.Return(value=value):
                return [gast.Return(spell(value))]
            case p.With(context=context, name=name, body=body):
                bound = None if name is None else target(self.variable(name))
                item = gast.withitem(spell(context), bound)
                return [gast.With([item], self.body(body), None)]
            case p.Try():
                return [self.try_(node)]

    # Assignments

    def let(self, let: p.Let) -> list[Node]:
        op, out = let.op, let.out
        if isinstance(op, ir.Apply):
            special = self.statement(op, let)
            if special is not None:
                return special
        value = self.speller.op(op)
        if not self.is_used(out):
            if _effect(op):
                return [gast.Expr(value)]
            return [_assign(target("_"), value)]
        return self.assigned(out, value)

    def assigned(self, out: Value, value: Node) -> list[Node]:
        """Assign to a variable; a sum of cotangents in steps that fit on a line."""
        name, steps = self.variable(out), []
        if (self.speller.web.hint(out) or "").endswith("_bar"):
            steps = in_steps(name, value, isinstance(out.type, ScalarT))
        return steps or [_assign(target(name), value)]

    def statement(self, op: ir.Apply, let: p.Let) -> list[Node] | None:
        """Print what is a statement of its own, or None."""
        spell = self.speller.operand
        if op.fn is prims.remark and isinstance(op.args[0], Const):
            return [gast.Expr(literal(Remark(op.args[0].value)))]
        if op.fn is prims.raise_:
            cause = op.args[1] if len(op.args) > 1 else Const(None)
            bare = isinstance(cause, Const) and cause.value is None
            return [gast.Raise(spell(op.args[0]), None if bare else spell(cause))]
        if op.fn is prims.assert_:
            message = op.args[1] if len(op.args) > 1 else Const(None)
            bare = isinstance(message, Const) and message.value is None
            return [gast.Assert(spell(op.args[0]), None if bare else spell(message))]
        if op.fn in STORES:
            return self.store(op, let)
        if op.fn in prims.LEFT_WITH_CALLER:
            in_place = isinstance(op.args[0], Const) and op.args[0].value is None
            return [] if in_place else [self.put(op)]
        if op.fn in prims.OUTSIDE:
            return [outside.write(self.speller, op)]
        if let.mode == "augment":
            kind = BINARY.get(op.fn) or AUGMENTED[op.fn]
            left = target(self.variable(let.out))
            return [gast.AugAssign(left, getattr(gast, kind)(), spell(op.args[1]))]
        return None

    def store(self, op: ir.Apply, let: p.Let) -> list[Node]:
        """Print a functional update: in place, or of a copy."""
        spell, out = self.speller.operand, self.variable(let.out)
        made: list[Node] = []
        if let.mode != "in place":
            source = spell(op.args[0])
            if let.mode != "fresh":
                source = self.copied(op.args[0], source)
            made.append(_assign(target(out), source))
        if op.fn is prims.list_append:
            made.append(gast.Expr(call(dotted(f"{out}.append"), [spell(op.args[1])])))
        elif op.fn is prims.list_init:
            made.append(gast.Expr(call(dotted(f"{out}.pop"), [])))
        elif op.fn is prims.index_add and may_repeat(op):
            value, negated = self.unsigned(op.args[2])
            word = "subtract" if negated else "add"
            func = dotted(f"{self.speller.scope.path(np)}.{word}.at")
            parts = [dotted(out), spell(op.args[1]), spell(value)]
            made.append(gast.Expr(call(func, parts)))
        elif op.fn is prims.fill:
            made.append(self.fill(op, out))
        elif op.fn is prims.view_set:
            view = self.view(dotted(out), op)
            place = gast.Subscript(view, self.speller.subscript(op.args[2]), STORE)
            made.append(_assign(place, spell(op.args[3])))
        else:
            place = gast.Subscript(
                dotted(out), self.speller.subscript(op.args[1]), STORE
            )
            if op.fn is prims.index_add:
                value, negated = self.unsigned(op.args[2])
                sign = gast.Sub() if negated else gast.Add()
                whole: Node = target(out) if is_whole(op.args[1]) else place
                made.append(gast.AugAssign(whole, sign, spell(value)))
            else:
                made.append(_assign(place, spell(op.args[2])))
        return made

    def fill(self, op: ir.Apply, out: str) -> Node:
        """Print `out *= value` where that is stored, else `out[...] = value`."""
        value = op.args[1]
        inner = self.speller.nested.get(value) if isinstance(value, Value) else None
        if isinstance(inner, ir.Apply) and inner.fn in BINARY:
            first, alike = inner.args[0], inner.out.type == op.out.type
            plain = isinstance(first, Value) and first not in self.speller.nested
            if alike and plain and self.variable(first) == out:  # type: ignore[arg-type]
                kind = getattr(gast, BINARY[inner.fn])()
                right = self.speller.operand(inner.args[1])
                return gast.AugAssign(target(out), kind, right)
        place = gast.Subscript(dotted(out), literal(...), STORE)
        return _assign(place, self.speller.operand(value))

    def view(self, node: Node, op: ir.Apply) -> Node:
        """Print the view of a buffer that a store writes into."""
        rest = list(op.args[4:])
        assert isinstance(op.args[1], Const)
        for fn, count, names in op.args[1].value:
            args, rest = rest[:count], rest[count:]
            named, rest = rest[: len(names)], rest[len(names) :]
            if fn is operator.getitem:
                index = self.speller.subscript(args[0])
                node = gast.Subscript(node, index, gast.Load())
            elif fn is prims.einsum_view:
                func = dotted(self.speller.scope.path(np.einsum))
                node = call(func, [self.speller.operand(args[0]), node])
            elif fn is np.transpose and not args and not named:
                node = gast.Attribute(node, "T", gast.Load())
            else:
                func = dotted(f"{self.speller.scope.path(np)}.{fn.__name__}")
                spell = self.speller.operand
                keywords = [
                    gast.keyword(k, spell(v)) for k, v in zip(names, named, strict=True)
                ]
                node = gast.Call(func, [node, *map(spell, args)], keywords)
        return node

    def put(self, op: ir.Apply) -> Node:
        """Print what the caller's objects hold at the end."""
        spell = self.speller.operand
        place, *key, value = op.args
        node = spell(place)
        if op.fn is prims.drop_item:
            index = self.speller.subscript(value)
            return gast.Delete([gast.Subscript(node, index, gast.Del())])
        if op.fn is prims.put_attribute:
            assert isinstance(key[0], Const)
            where: Node = gast.Attribute(node, key[0].value, STORE)
        elif op.fn is prims.put_item:
            where = gast.Subscript(node, self.speller.subscript(key[0]), STORE)
        else:
            whole = isinstance(getattr(place, "type", None), ListT)
            every: Node = gast.Slice(None, None, None) if whole else literal(...)
            where = gast.Subscript(node, every, STORE)
        return _assign(where, spell(value))

    def unsigned(self, operand: Operand) -> tuple[Operand, bool]:
        """Return what is added without its sign, and whether it had one.

        A product has the sign of the number that it begins with, and `-a - b` is less
        `a + b`: no digit changes.
        """
        if isinstance(operand, Const):
            negative = type(operand.value) in (int, float) and operand.value < 0
            return (Const(-operand.value), True) if negative else (operand, False)
        nested = self.speller.web.nested
        inner = nested.get(operand) if isinstance(operand, Value) else None
        if not isinstance(inner, ir.Apply) or inner.kwargs or not inner.args:
            return operand, False
        if inner.fn in (operator.neg, np.negative) and len(inner.args) == 1:
            return inner.args[0], True
        if inner.fn not in (operator.mul, operator.truediv, operator.sub):
            return operand, False
        first, negated = self.unsigned(inner.args[0])
        if not negated:
            return operand, False
        plain = Value(inner.out.type, None, inner.out.loc)
        fn = operator.add if inner.fn is operator.sub else inner.fn
        nested[plain] = replace(inner, fn=fn, args=(first, *inner.args[1:]))
        return plain, True

    def copied(self, operand: Operand, source: Node) -> Node:
        """Return a copy of a buffer."""
        if is_list(operand):
            return call(dotted(self.speller.scope.path(list)), [source])
        dims = getattr(getattr(operand, "type", None), "dims", ())
        if dims is None or len(dims) < 2:
            return call(gast.Attribute(source, "copy", gast.Load()), [])
        # The elements keep their order: sums depend on it in the last digit.
        return call(dotted(self.speller.scope.path(np.copy)), [source])

    def targets(self, outs: tuple[Value | None, ...]) -> Node:
        """Return the target of an unpacking."""
        names = [
            target(self.variable(v) if v is not None and self.is_used(v) else "_")
            for v in outs
        ]
        return gast.Tuple(names, STORE)

    def unpacked(self, op: Op) -> Node:
        if isinstance(op, ir.Apply) and op.fn is prims.unpack:
            return self.speller.operand(op.args[0])
        return self.speller.op(op)

    def copies(self, pairs: list[tuple[Value, Operand]]) -> list[Node]:
        """Print parallel copies: apart where no order matters, else as a tuple."""
        todo = []
        for out, source in pairs:
            node = self.speller.operand(source)
            if not (isinstance(node, gast.Name) and node.id == self.variable(out)):
                todo.append((out, source, node))
        kept = len(todo) > 1 and all(map(_is_kept, todo))
        if not kept and self.independent(todo):
            return self.apart(todo)
        outs = [target(self.variable(out)) for out, _, _ in todo]
        right = gast.Tuple([node for _, _, node in todo], gast.Load())
        return [_assign(gast.Tuple(outs, STORE), right)]

    def apart(self, todo: list[Copy]) -> list[Node]:
        """Print copies one by one; a number that many cotangents start with once."""
        written = {self.variable(out) for out, _, _ in todo}
        read = {self.variable(v) for _, op, _ in todo for v in self.speller.leaves(op)}
        keys = [None if written & read else _start(out, op) for out, op, _ in todo]
        chains: dict[str, Node] = {}
        made = []
        for (out, _, node), key in zip(todo, keys, strict=True):
            left = target(self.variable(out))
            chain = chains.get(key or "")
            if chain is not None and _chain_width(chain) + len(left.id) < CHAIN_WIDTH:
                chain.targets.append(left)
                continue
            made += self.assigned(out, node)
            if key is not None and keys.count(key) >= CHAIN:
                chains[key] = made[-1]
        return made

    def independent(self, todo: list[Copy]) -> bool:
        """Say whether copies give the same result one after the other."""
        written: set[str] = set()
        for out, source, _ in todo:
            names = {self.variable(v) for v in self.speller.leaves(source)}
            if names & written:
                return False
            written.add(self.variable(out))
        return True

    # Loops

    def branch(self, node: p.Branch) -> list[Node]:
        """Print an `if`; a branch without text is left out."""
        then, orelse = self.statements(node.then), self.statements(node.orelse)
        test = self.speller.operand(node.test)
        if not _prints(then) and not _prints(orelse):
            return [gast.Expr(test)] if self.acts(node.test) else []
        if not then:
            return [gast.If(negation(test), orelse, [])]
        return [gast.If(test, _filled(then), orelse)]

    def acts(self, operand: Operand) -> bool:
        """Say whether evaluating an operand can be noticed."""
        op = self.speller.nested.get(operand) if isinstance(operand, Value) else None
        return op is not None and (
            _effect(op) or any(map(self.acts, p.op_operands(op)))
        )

    def for_(self, node: p.For) -> Node:
        left, right = self.iteration(node.iters)
        body, orelse = self.body(node.body), self.statements(node.orelse)
        return gast.For(left, right, body, orelse, None)

    def iteration(self, iters: tuple[Iter, ...]) -> tuple[Node, Node]:
        """Return target and iterable of a `for`."""
        if len(iters) == 1:
            return self.element(iters[0]), self.speller.operand(iters[0].source)
        scope = self.speller.scope
        counter = iters[0]
        if self.counts(counter.source):
            left, right = self.iteration(iters[1:])
            index = self.element(counter)
            func = dotted(scope.path(enumerate))
            return gast.Tuple([index, left], STORE), call(func, [right])
        left = gast.Tuple([self.element(it) for it in iters], STORE)
        numbered = self.numbered_backwards(iters)
        if numbered is not None:
            pairs = self.speller.operand(numbered)
            for fn in (enumerate, list, reversed):
                pairs = call(dotted(scope.path(fn)), [pairs])
            return left, pairs
        sources = [self.speller.operand(it.source) for it in iters]
        return left, call(dotted(scope.path(zip)), sources)

    def numbered_backwards(self, iters: tuple[Iter, ...]) -> Operand | None:
        """Return the tape that is run over from its end, beside its positions."""
        if len(iters) != 2:
            return None
        found = []
        for it, fns in zip(iters, ((reversed, range, len), (reversed,)), strict=True):
            source: Operand = it.source
            for fn in fns:
                op = self.speller.nested.get(source)  # type: ignore[arg-type]
                if not isinstance(op, ir.Apply) or op.fn is not fn or len(op.args) != 1:
                    return None
                source = op.args[0]
            found.append(source)
        return found[1] if found[0] is found[1] else None

    def counts(self, source: Operand) -> bool:
        """Say whether an iterable counts 0, 1, 2, ... without end of its own."""
        import itertools

        op = self.speller.nested.get(source) if isinstance(source, Value) else None
        return (
            isinstance(op, ir.Apply)
            and op.fn is itertools.count
            and all(isinstance(a, Const) and a.value == 0 for a in op.args)
        )

    def element(self, it: Iter) -> Node:
        """Return the target for the elements of one iterable."""
        names = [
            target(self.variable(v) if v.hint or self.is_used(v) else "_")
            for v in it.elems
        ]
        if not names:
            return target("_")
        if not it.unpack or (len(names) == 1 and self.from_tape(it.source)):
            return names[0]
        return gast.Tuple(names, STORE)

    def from_tape(self, source: Operand) -> bool:
        """Say whether an iterable is a tape, whose single values are not in tuples."""
        if not isinstance(source, Value):
            return False
        if isinstance(source.type, TapeT):
            return True
        op = self.speller.ops.get(source)
        return isinstance(op, ir.Apply) and any(map(self.from_tape, op.args))

    def while_(self, node: p.While) -> list[Node]:
        spell = self.speller.operand
        header = self.statements(node.header)
        if not header:
            test = spell(node.test)
            return [
                gast.While(test, self.body(node.body), self.statements(node.orelse))
            ]
        leave = [*self.statements(node.orelse), gast.Break()]
        test = gast.If(gast.UnaryOp(gast.Not(), spell(node.test)), leave, [])
        body = [*header, test, *self.statements(node.body)]
        return [gast.While(literal(True), body, [])]

    def try_(self, node: p.Try) -> Node:
        handlers = []
        for handler in node.handlers:
            classes = handler.classes
            kind = None if classes is None else self.speller.operand(classes)
            named = handler.name is not None and self.is_used(handler.name)
            bound = target(self.variable(handler.name)) if named else None  # type: ignore[arg-type]
            handlers.append(gast.ExceptHandler(kind, bound, self.body(handler.body)))
        final = self.statements(node.final)
        return gast.Try(self.body(node.body), handlers, [], final)


def is_whole(index: Operand) -> bool:
    """Say whether an index is `...`."""
    return isinstance(index, Const) and index.value is Ellipsis


def _assign(left: Node, value: Node) -> Node:
    return gast.Assign([left], value, None)


def _continues(one: Node, two: Node) -> bool:
    """Say whether the user wrote two stores as one: `y[0] = y[1] = 1.0`."""
    if not all(
        isinstance(stmt, gast.Assign)
        and isinstance(stmt.targets[0], gast.Subscript)
        and isinstance(stmt.value, gast.Constant)
        and type(stmt.value.value) in (int, float, bool)
        for stmt in (one, two)
    ):
        return False
    a, b = one.origin, two.origin
    here = a is not None and b is not None and (a.file, a.line) == (b.file, b.line)
    return here and repr(one.value.value) == repr(two.value.value)


def _is_kept(copy: Copy) -> bool:
    """Say whether a copy keeps what a loop variable was before the iteration."""
    out, _, node = copy
    return (out.hint or "").endswith("_in") and isinstance(node, gast.Name)


def _start(out: Value, source: Operand) -> str | None:
    """Return the number that a cotangent starts with, or that there is no value."""
    if not isinstance(source, Const):
        return None
    ours = (out.hint or "").endswith(("_bar", "_dot"))
    if source.value is None or (ours and type(source.value) in (int, float)):
        return repr(source.value)
    return None


def _chain_width(assign: Node) -> int:
    """Return how wide the targets of an assignment print, roughly."""
    return sum(len(name.id) + 3 for name in assign.targets)


def _effect(op: Op) -> bool:
    return isinstance(op, ir.Call) or (isinstance(op, ir.Apply) and op.effect)


def _prints(stmts: list[Node]) -> bool:
    """Say whether statements are more than comments."""
    return not all(isinstance(s, gast.Expr) and _is_remark(s) for s in stmts)


def _filled(stmts: list[Node]) -> list[Node]:
    """Return statements that may stand as a body."""
    return stmts if _prints(stmts) else [*stmts, gast.Pass()]


def _is_remark(stmt: Node) -> bool:
    return isinstance(getattr(stmt.value, "value", None), Remark)


def _loc(node: Any) -> ir.Loc | None:
    return getattr(getattr(node, "op", None), "loc", None)


def is_list(operand: Operand) -> bool:
    """Say whether an operand is a list."""
    return isinstance(operand, Value) and isinstance(operand.type, ListT)


def may_repeat(op: ir.Apply) -> bool:
    """Say whether an addition may name an element of an array twice."""
    if op.text == prims.DISTINCT or is_list(op.args[0]):
        return False
    return picks(op.args[1])


def picks(index: Operand) -> bool:
    """Say whether an index may name an element twice: it has arrays of ints."""
    if isinstance(index, Const):
        items = index.value if isinstance(index.value, tuple) else (index.value,)
        return any(isinstance(i, list | np.ndarray) and not _is_mask(i) for i in items)
    if not isinstance(index, Value):
        return False
    return _picks_type(index.type)


def _is_mask(item: Any) -> bool:
    return np.asarray(item).dtype == bool


def _picks_type(t: Any) -> bool:
    if isinstance(t, ArrayT):
        return t.dtype != bool and t.dims != ()
    if isinstance(t, TupleT):
        return any(map(_picks_type, t.items))
    return isinstance(t, ListT)
