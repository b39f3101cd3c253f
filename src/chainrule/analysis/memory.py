"""Which values may show the same memory when the program runs.

In: a function, and the parameters that it may write into. Out: `Aliases`, which answers
for two values. A value is traced to its *root*: through views and in-place updates to
what made the memory. A value that a branch chose is one of several; one that a loop
carries is what it was before the loop or what an iteration left, and two of these are
the same only if they were so before, or become so (a swap keeps two arrays apart). A
tape has what its loop saved in any iteration, place by place. What goes into other
containers is not followed: containers, what they hold and what is read from them are of
one class.
"""

from __future__ import annotations

import builtins
import operator
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.ir import prims
from chainrule.ir.nodes import (
    Apply,
    Block,
    Call,
    Function,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
    blocks,
    operands,
)
from chainrule.runtime import helpers
from chainrule.types.lattice import (
    ArrayT,
    DictT,
    ListT,
    ObjT,
    OpaqueT,
    RangeT,
    ScalarT,
    SliceT,
    TapeT,
    TupleT,
)

STORES = frozenset(
    {
        prims.index_add,
        prims.index_set,
        prims.fill,
        prims.view_set,
        prims.list_append,
        prims.list_init,
    }
)
VIEWS: frozenset[Any] = frozenset(
    {
        operator.getitem,
        prims.einsum_view,
        prims.stop,
        prims.on_cotangent,
        prims.some,
        builtins.reversed,
        np.linalg.matrix_transpose if hasattr(np.linalg, "matrix_transpose") else None,
        np.linalg.diagonal if hasattr(np.linalg, "diagonal") else None,
        np.lib.stride_tricks.sliding_window_view,
        np.lib.stride_tricks.as_strided,
        *(
            getattr(np, name)
            for name in (
                "transpose swapaxes moveaxis rollaxis reshape ravel squeeze "
                "expand_dims broadcast_to real imag asarray asanyarray "
                "ascontiguousarray asfortranarray flip flipud fliplr rot90 diagonal "
                "diag atleast_1d atleast_2d atleast_3d split array_split hsplit "
                "vsplit dsplit broadcast_arrays einsum trim_zeros real_if_close "
                "require matrix_transpose permute_dims unstack"
            ).split()
            if hasattr(np, name)
        ),
    }
)
MAKERS = {prims.make_tuple, prims.make_list, prims.make_dict, prims.make_object}
LIBRARIES = ("numpy", "scipy", "builtins", "_operator", "math", "cmath", "itertools")
FRESH = {prims.copy_value, prims.astype, prims.flatten, prims.tolist, prims.item}
FRESH |= {helpers.zeros_like, helpers.last_write, helpers.unbroadcast, helpers.project}
# What returns several new arrays.
FRESH |= {np.unravel_index, np.nonzero, np.where, np.linalg.lstsq, np.linalg.qr}
FRESH |= {np.linalg.svd, np.linalg.eig, np.linalg.eigh, np.linalg.slogdet}
READ_ONLY = {np.broadcast_to, np.diagonal, np.diag, np.broadcast_arrays}
IMMUTABLE = ScalarT | OpaqueT | RangeT | SliceT
CONTAINERS = ListT | TupleT | DictT | ObjT | TapeT


def is_immutable(value: Value) -> bool:
    """Say whether the memory of a value cannot change."""
    return isinstance(value.type, IMMUTABLE)


def is_fresh(op: Any) -> bool:
    """Say whether the result of an operation shares no memory with its operands."""
    if not isinstance(op, Apply):
        return False
    fn = op.fn
    if isinstance(fn, np.ufunc):
        return True
    try:
        if fn in STORES or fn in FRESH:
            return True
        if fn in VIEWS or fn in MAKERS or fn is builtins.getattr:
            return _is_list_slice(op)
    except TypeError:
        return False
    module = str(getattr(fn, "__module__", None) or "")
    return module.partition(".")[0] in LIBRARIES and not isinstance(
        op.out.type, CONTAINERS
    )


def _is_list_slice(op: Apply) -> bool:
    """Say whether an operation is `items[a:b]` of a list, which is a new list."""
    if op.fn is not operator.getitem or not isinstance(op.args[0], Value):
        return False
    index = getattr(op.args[1], "value", None)
    a_slice = isinstance(index, slice) or isinstance(
        getattr(op.args[1], "type", None), SliceT
    )
    return a_slice and isinstance(op.args[0].type, ListT)


def saved_by(loop: Loop | None) -> tuple[Operand, ...]:
    """Return what each iteration of a loop saves, if there is one with a tape."""
    return () if loop is None else loop.body.results[1 + len(loop.outs) :]


def left_behind(stmt: Stmt) -> tuple[Operand, ...]:
    """Return what a statement leaves where others find it when the function has ended:
    in a container of the caller, or outside of the function.
    """
    if not isinstance(stmt, Apply) or not stmt.effect or stmt.fn is prims.commit:
        return ()
    known = stmt.fn in prims.LEFT_WITH_CALLER or stmt.fn in prims.OUTSIDE
    if not known and stmt.form != "method":
        return ()
    return (*stmt.args[1:], *(v for _, v in stmt.kwargs))


def _handed_out(body: Block) -> set[Value]:
    """Return the containers that are made last, for the caller: nobody here reads them.

    Nothing is written any more once they hold something, so it is not shared through
    them while the function runs.
    """
    found: set[Value] = set()
    seen = Counter(body.results)
    uses: dict[Operand, int] = {**seen}  # behind the statement
    for stmt in reversed(body.stmts):
        if not isinstance(stmt, Apply) or stmt.effect:
            break
        if stmt.fn in MAKERS and 0 < seen[stmt.out] == uses.get(stmt.out):
            found.add(stmt.out)
            seen.update(stmt.args)
        elif not is_immutable(stmt.out):
            break
        for op in operands(stmt):
            uses[op] = uses.get(op, 0) + 1
    return found


class Aliases:
    """The memory of the values of one function."""

    def __init__(self, function: Function, ours: Collection[Value] = ()) -> None:
        self.base: dict[Value, Value] = {}
        self.choices: dict[Value, list[Operand]] = {}
        self.loop_of: dict[Value, Loop] = {}
        self.inside: dict[Value, tuple[Loop, ...]] = {}
        self.parent: dict[Value, Value] = {}
        self.outer: dict[Value, set[Value]] = {}
        self.twins: set[frozenset[Value]] = set()
        self.taped: dict[Value, Loop] = {}  # the loops that filled tapes
        self.rows: set[Value] = set()  # what is read from tapes, of any iteration
        self.given: set[Value] = set()  # memory from outside
        self.foreign: set[Value] = set()  # classes with such memory
        self.drawn: set[Value] = set()  # what is read from containers
        self.protected: set[Value] = set()
        for param in function.params:
            if param not in ours and not is_immutable(param):
                self.give(param)
        self.joins: list[list[Value]] = []
        self.handed = _handed_out(function.body)
        self.nested = False  # whether a loop inside another carries several arrays
        self.block(function.body, ())
        known = 0
        while self.nested and known < len(self.twins):
            # A loop inside starts from what the loop around it may take for one.
            known = len(self.twins)
            self.joins.clear()
            self.block(function.body, ())
        for _ in range(2):  # what loops hand on is known only now
            for values in self.joins:
                self.unite(values)

    # ---------------------------------------------------------------- questions

    def root(self, value: Value) -> Value:
        """Return the value that made the memory, or that stands for a choice."""
        while value in self.base:
            value = self.base[value]
        return value

    def held(self, value: Value) -> Value:
        """Return what stands for the class of containers that a value belongs to."""
        while value in self.parent:
            value = self.parent[value]
        return value

    def may(self, one: Value, two: Value) -> bool:
        """Say whether two values may show the same memory."""
        if one in self.taped and two in self.taped:
            return one is two or self.overlap(one, two)
        for tape, other in ((one, two), (two, one)):
            if tape in self.taped:
                loop, kept = self.taped[tape], self.contents(tape)
                return any(self.recorded(v, loop, other) for v in kept)
        a, b = self.root(one), self.root(two)
        known = self.choices, self.loop_of
        if not any(a in table or b in table for table in known):
            return a is b or self.held(a) is self.held(b)  # each was made once
        return self._may(a, b, set())

    def is_foreign(self, value: Value) -> bool:
        """Say whether somebody outside may hold this memory, or NumPy protects it."""
        for v in self.sources(value):
            if v in self.given or v in self.protected:
                return True
            if v in self.drawn and self.held(v) in self.foreign:
                return True
        return False

    def sources(self, value: Value) -> set[Value]:
        """Return the roots that a value may have, choices included."""
        found: set[Value] = set()
        todo = [self.root(value)]
        while todo:
            root = todo.pop()
            if root not in found:
                found.add(root)
                todo += self.roots(self.choices.get(root, ()))
        return found

    def roots(self, ops: Any) -> list[Value]:
        return [
            self.root(op)
            for op in ops
            if isinstance(op, Value) and not is_immutable(op)
        ]

    def _may(self, a: Value, b: Value, seen: set[tuple[Value, Value]]) -> bool:
        if a is b or self.held(a) is self.held(b):
            return True
        if self.lasts(a) or self.lasts(b):
            return self.overlap(a, b)
        if (a, b) in seen or (b, a) in seen:
            return False
        seen.add((a, b))
        for x, y in ((a, b), (b, a)):
            if x in self.choices and x not in self.loop_of:
                return any(self._may(s, y, seen) for s in self.roots(self.choices[x]))
        one, two = self.loop_of.get(a), self.loop_of.get(b)
        if one is not None and one is two:
            return frozenset((a, b)) in self.twins
        for x, y in ((a, b), (b, a)):
            loop = self.loop_of.get(x)
            if loop is not None and loop not in self.inside.get(y, ()):
                return any(self._may(s, y, seen) for s in self.outer[x])
        return False

    def lasts(self, value: Value) -> bool:
        """Say whether a value may hold, or be, memory of iterations before this one."""
        if value in self.rows or value in self.drawn:
            return True
        return isinstance(value.type, CONTAINERS)

    def recorded(self, op: Value, loop: Loop, other: Value) -> bool:
        """Say whether what a loop saved as `op` in any iteration may be `other`."""
        root = self.root(other)
        chosen = root in self.choices or root in self.loop_of
        if not chosen and loop in self.inside.get(root, ()):
            return self.may(op, other)  # no iteration before had this memory
        return self.overlap(op, other)

    def overlap(self, one: Value, two: Value) -> bool:
        """Say whether a value may show what the other is in any iteration."""
        found = [
            {
                self.held(s)
                for v in self.contents(value) or [value]
                for s in self.sources(v)
            }
            for value in (one, two)
        ]
        return not found[0].isdisjoint(found[1])

    # -------------------------------------------------------------------- facts

    def join(self, *ops: Operand) -> None:
        """Put values into one class of containers and what they hold."""
        values = [op for op in ops if isinstance(op, Value) and not is_immutable(op)]
        values += [v for tape in values for v in self.contents(tape)]
        if len(values) > 1:
            self.joins.append(values)
            self.unite(values)

    def contents(self, value: Value) -> list[Value]:
        """Return what a tape, and those in it, has saved that can be written."""
        found: list[Value] = []
        for op in saved_by(self.taped.get(value)):
            if isinstance(op, Value) and op in self.taped:
                found += self.contents(op)
            elif isinstance(op, Value) and not is_immutable(op):
                found.append(op)
        return found

    def unite(self, values: list[Value]) -> None:
        roots = [root for value in values for root in self.sources(value)]
        for root in roots[1:]:
            first, root = self.held(roots[0]), self.held(root)
            if root is not first:
                self.parent[root] = first
                if root in self.foreign:
                    self.foreign.add(first)

    def block(self, block: Block, loops: tuple[Loop, ...]) -> None:
        for stmt in block.stmts:
            self.stmt(stmt, loops)

    def stmt(self, stmt: Stmt, loops: tuple[Loop, ...]) -> None:
        match stmt:
            case Apply():
                self.inside[stmt.out] = loops
                if not is_immutable(stmt.out):
                    self.apply(stmt)
            case Call(out=out, args=args):
                self.inside[out] = loops
                self.join(out, *args)
                self.give(out)
            case If() | Try() | With():
                for inner in blocks(stmt):
                    self.block(inner, loops)
                for k, out in enumerate(stmt.outs):
                    self.inside[out] = loops
                    self.choose(out, [path.results[k] for path in paths(stmt)])
            case Loop():
                self.loop(stmt, loops)

    def apply(self, stmt: Apply) -> None:
        out, fn, args = stmt.out, stmt.fn, stmt.args
        if fn is prims.live:
            self.give(out)
        elif fn is builtins.reversed and args[0] in self.taped:
            self.taped[out] = self.taped[args[0]]
        elif fn in STORES:
            first = args[0]
            if isinstance(out.type, ListT):
                self.join(out, *args)
            elif isinstance(first, Value) and not self.is_foreign(first):
                self.base[out] = first
        elif is_fresh(stmt) or out in self.handed:
            pass
        elif fn in READ_ONLY and isinstance(out.type, ArrayT):
            self.protected.add(out)
            self.choices[out] = [args[0]]
        elif (
            fn in VIEWS
            and isinstance(out.type, ArrayT)
            and isinstance(args[0], Value)
            and isinstance(args[0].type, ArrayT)
            and fn is not np.einsum
        ):
            self.base[out] = args[0]
        else:
            if fn not in MAKERS:
                self.drawn.add(out)
            self.join(out, *args, *(v for _, v in stmt.kwargs))

    def give(self, value: Value) -> None:
        """Note that somebody outside holds this memory."""
        self.given.add(value)
        self.foreign.add(self.held(value))

    def choose(self, out: Value, ops: list[Operand]) -> None:
        if is_immutable(out):
            return
        if isinstance(out.type, CONTAINERS):
            self.join(out, *ops)
            return
        roots = set(self.roots(ops))
        if len(roots) == 1:
            self.base[out] = roots.pop()
        else:
            self.choices[out] = ops

    def loop(self, stmt: Loop, loops: tuple[Loop, ...]) -> None:
        inside = (*loops, stmt)
        body = stmt.body
        for it in stmt.iters:
            source = it.source
            rows = saved_by(self.taped.get(source))  # type: ignore[arg-type]
            for k, elem in enumerate(it.elems):
                self.inside[elem] = inside
                if is_immutable(elem):
                    continue
                if len(rows) == len(it.elems):
                    self.draw(elem, rows[k])
                    continue
                if isinstance(source, Value) and isinstance(source.type, ArrayT):
                    self.base[elem] = source
                else:
                    self.drawn.add(elem)
                    self.join(elem, source)
        arrays = []
        for k, param in enumerate(body.params):
            self.inside[param] = inside
            self.inside[stmt.outs[k]] = loops
            mirrors = [stmt.outs[k]]
            if stmt.header is not None:
                mirrors.append(stmt.header.params[k])
            for mirror in mirrors:
                self.base[mirror] = param
            if not is_immutable(param) and not isinstance(param.type, CONTAINERS):
                arrays.append(k)
                self.loop_of[param] = stmt
                self.outer[param] = set(self.roots([stmt.init[k]]))
                self.choices[param] = [stmt.init[k]]
        for inner in blocks(stmt):
            self.block(inner, inside)
        for k, param in enumerate(body.params):
            if isinstance(param.type, CONTAINERS):
                self.join(param, stmt.init[k], body.results[1 + k])
        self.nested |= bool(loops) and len(arrays) > 1
        self.carry(stmt, arrays)
        if stmt.tape is not None:
            self.inside[stmt.tape] = loops
            self.taped[stmt.tape] = stmt

    def draw(self, elem: Value, op: Operand) -> None:
        """Note what is read from the place of a tape to which a loop saved."""
        if isinstance(op, Value) and op in self.taped:
            self.taped[elem] = self.taped[op]
        elif isinstance(elem.type, CONTAINERS):
            self.join(elem, op)
        else:
            self.rows.add(elem)
            self.choices[elem] = [op]

    def carry(self, stmt: Loop, arrays: list[int]) -> None:
        """Find what carried arrays may be, and which of them may be one."""
        body = stmt.body
        become: dict[Value, set[Value]] = {}
        for k in arrays:
            param = body.params[k]
            become[param] = self.ends(body.results[1 + k], stmt)
            self.choices[param] = [stmt.init[k], body.results[1 + k]]
        for _ in arrays:
            for param, ends in become.items():
                for end in ends:
                    if end in become:
                        self.outer[param] |= self.outer[end]
                    elif stmt not in self.inside.get(end, ()):
                        self.outer[param].add(end)
            for k in arrays:
                for j in arrays:
                    if j < k and self.meet(
                        stmt, body.params[k], body.params[j], become
                    ):
                        self.twins.add(frozenset((body.params[k], body.params[j])))

    def ends(self, op: Operand, stmt: Loop) -> set[Value]:
        """Return the roots that are handed on to the next iteration."""
        found: set[Value] = set()
        todo = self.roots([op])
        seen: set[Value] = set()
        while todo:
            root = todo.pop()
            if root in seen:
                continue
            seen.add(root)
            if root in self.choices and self.loop_of.get(root) is not stmt:
                todo += self.roots(self.choices[root])
                if root in self.loop_of:
                    found.add(root)
            else:
                found.add(root)
        return found

    def meet(
        self, stmt: Loop, one: Value, two: Value, become: dict[Value, set[Value]]
    ) -> bool:
        k, j = stmt.body.params.index(one), stmt.body.params.index(two)
        for a in self.roots([stmt.init[k]]):
            for b in self.roots([stmt.init[j]]):
                if self._may(a, b, set()):
                    return True
        return any(self._may(a, b, set()) for a in become[one] for b in become[two])
