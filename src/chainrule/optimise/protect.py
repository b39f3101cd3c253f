"""Copy what a write would destroy while it is still needed.

In: a derivative whose operations are final. Out: the same function, in which what is
needed behind a store and may show the memory that is stored into has been copied where
it was made. The IR is pure, so a copy changes no value; it lets the backend write in
place. A whole array that is replaced while its old content is needed is not written
into: the new content is an array of its own.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from chainrule.analysis.activity import paths
from chainrule.analysis.definedness import Definedness, is_nothing
from chainrule.analysis.memory import (
    CONTAINERS,
    IMMUTABLE,
    MAKERS,
    READ_ONLY,
    STORES,
    VIEWS,
    Aliases,
    is_immutable,
    left_behind,
    saved_by,
)
from chainrule.backend.arguments import committed
from chainrule.ir import prims
from chainrule.ir.nodes import (
    UNDEF,
    Apply,
    Call,
    Const,
    Function,
    If,
    Loop,
    Operand,
    Stmt,
    Try,
    Value,
    With,
    blocks,
    inner_values,
    operands,
    outputs,
)
from chainrule.ir.walk import inner_blocks, statements, substitute
from chainrule.optimise.copies import copy_of, full_args
from chainrule.optimise.layout_reads import read_last_layout
from chainrule.optimise.liveness import Liveness
from chainrule.optimise.separate import separate
from chainrule.optimise.sizes import is_elementwise
from chainrule.types.lattice import ArrayT, DictT, ListT, ScalarT

WRITES = STORES | {prims.commit}
PARTS = {operator.getitem, prims.unpack}
# Views whose elements lie in another order than those of the array.
TURNED: set[Any] = {
    getattr(np, name)
    for name in "transpose swapaxes moveaxis rollaxis permute_dims rot90".split()
    if hasattr(np, name)
}
# What adds in an order that the strides decide.
BY_LAYOUT: set[Any] = {operator.matmul} | {
    getattr(np, name)
    for name in (
        "matmul dot vdot inner einsum tensordot convolve correlate vecdot matvec vecmat"
    ).split()
    if hasattr(np, name)
}


def protect(function: Function) -> bool:
    """Copy what is read behind a write to its memory; say whether there were writes."""
    changed = snapshots(function)
    left = [
        op
        for s in statements(function.body)
        for op in left_behind(s)
        if isinstance(op, Value) and isinstance(op.type, ArrayT)
    ]
    if not _array_stores(function):
        if left:
            _make_writable_what_is_written(function, left)
        return changed
    own = _copies(function).keys()
    read_last_layout(function)
    _make_writable_what_is_written(function, left)
    _separate_loops(function)
    while True:
        apart, copied = _destroyed(function)
        if not apart:
            break
        # The new content is memory of its own now, which later stores may destroy.
        _set_apart(function, apart)
    for value in copied:
        _copy(function, value)
    _allow_missing(function, own)
    return True


def _copies(function: Function) -> dict[Value, Apply]:
    """Return the copies that are made by a method."""
    found = (s for s in statements(function.body) if isinstance(s, Apply))
    return {s.out: s for s in found if s.fn is prims.copy_value}


def _allow_missing(function: Function, own: Collection[Value]) -> None:
    """Copy what may have no value on some path by a function, which takes all.

    The user's `own` copies fail there, as they do without us.
    """
    made = [s for out, s in _copies(function).items() if out not in own]
    maybe = Definedness(function.body, is_nothing).maybe if made else ()
    for stmt in made:
        if stmt.args[0] in maybe:
            stmt.fn, stmt.form, stmt.text = np.copy, "call", None


def _array_stores(function: Function) -> list[Apply]:
    return [s for s in statements(function.body) if isinstance(s, Apply) and _writes(s)]


def _make_writable_what_is_written(function: Function, left: list[Value]) -> None:
    """Let no store go to memory that NumPy protects, and leave none to others."""
    aliases = Aliases(function, committed(function))
    places = [stmt.args[0] for stmt in _array_stores(function)]
    for place in (*places, *left):
        assert isinstance(place, Value)  # as `_writes` says
        for source in aliases.sources(place) & aliases.protected:
            _make_writable(function, source)


def _separate_loops(function: Function) -> None:
    """Start loops with arrays of their own."""
    ours = committed(function)
    kept = {*ours, *(v for found in ours.values() for v in found)}
    copied: set[Value] = set()
    while separate(function, Aliases(function, ours), kept, copied):
        pass


def _destroyed(function: Function) -> tuple[list[Apply], dict[Value, None]]:
    """Return the stores whose new content is to be set apart, and what is to be copied.

    What is to be copied is final where nothing is set apart.
    """
    stores = _array_stores(function)
    ours = committed(function)
    versions = {v for found in ours.values() for v in found}
    aliases = Aliases(function, ours)
    finals = [s.args[1] for s in stores if s.fn is prims.commit and s.args[0] in ours]
    finals += [op for s in statements(function.body) for op in left_behind(s)]
    live = Liveness(function, stores, finals)
    apart: list[Apply] = []
    copied: dict[Value, None] = {}
    for stmt in stores:
        buffer = stmt.args[0]
        assert isinstance(buffer, Value)
        if stmt.fn is prims.commit:
            needed = [v for v in live.after(stmt) if aliases.may(v, buffer)]
            if buffer in ours and not aliases.is_foreign(buffer):
                continue  # written in place: each store sees to what it destroys
        elif aliases.is_foreign(buffer):
            continue
        else:
            needed = [v for v in live.after(stmt) if aliases.may(v, buffer)]
            needed = [v for v in needed if v is not stmt.out]
        mine = buffer in needed and stmt.out not in versions
        if mine and _replaces(function, stmt):
            apart.append(stmt)
            continue
        for value in needed:
            copied.update(dict.fromkeys(_to_copy(function, value, buffer, aliases)))
    return apart, copied


def snapshots(function: Function) -> bool:
    """Read containers of the caller that change from a copy that does not.

    Says whether there were any.
    """
    puts = [
        s
        for s in statements(function.body)
        if isinstance(s, Apply) and s.fn in prims.LEFT_WITH_CALLER and not _writes(s)
    ]
    live = Liveness(function, puts, []) if puts else None
    for place in dict.fromkeys(s.args[0] for s in puts):
        mine = [s for s in puts if s.args[0] is place]
        if not isinstance(place, Value) or live is None:
            continue
        if not any(_leads_to(function, live.after(s), place) for s in mine[-1:]):
            continue
        maker: Any = {ListT: list, DictT: dict}.get(type(place.type), copy.copy)
        if isinstance(place.type, DictT) and place.type.cls is not dict:
            maker = copy.copy
        kept = Value(place.type, None, place.loc)
        made = Apply(kept, maker, (place,), loc=place.loc)
        if not _insert(function, place, made):
            continue
        made.args = ()
        for stmt in mine:
            stmt.args = (UNDEF, *stmt.args[1:])
        substitute(function.body, {place: kept})
        made.args = (place,)
        for stmt in mine:
            stmt.args = (place, *stmt.args[1:])
    return bool(puts)


def _leads_to(function: Function, needed: list[Value], place: Value) -> bool:
    """Say whether one of some values is a container, or holds it."""
    if place in needed:
        return True
    aliases = Aliases(function)
    seen: set[Value] = set()
    todo = [v for v in needed if isinstance(v.type, CONTAINERS)]
    while todo:
        value = todo.pop()
        if value is place:
            return True
        if value not in seen:
            seen.add(value)
            given = _given(function, value, aliases)
            todo += [v for v in given if isinstance(v.type, CONTAINERS)]
    return False


def _make_writable(function: Function, value: Value) -> None:
    """Spread a number over an array that can be written, not over a view."""
    for stmt in statements(function.body):
        if isinstance(stmt, Apply) and stmt.out is value:
            number = stmt.args[0]
            t = number.type if isinstance(number, Value) else None
            if stmt.fn is np.broadcast_to and not isinstance(t, ArrayT):
                stmt.args = full_args(stmt.args[1], number, value.type)
                stmt.fn, stmt.form, stmt.text = np.full, "call", None
            elif stmt.fn in READ_ONLY:
                _copy(function, value, whole=True)
            return


def _writes(stmt: Stmt) -> bool:
    if not isinstance(stmt, Apply) or stmt.fn not in WRITES:
        return False
    return isinstance(stmt.args[0], Value) and isinstance(stmt.args[0].type, ArrayT)


def _to_copy(
    function: Function, value: Value, buffer: Value, aliases: Aliases
) -> Iterator[Value]:
    """Yield the arrays to copy so that a value needs no memory of a buffer."""
    seen: set[Value] = set()
    todo = [value]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        if isinstance(value.type, ArrayT):
            yield value
        else:
            todo += [
                v
                for v in _given(function, value, aliases)
                if _may_hold(value, v, buffer, aliases)
            ]


def _may_hold(value: Value, part: Value, buffer: Value, aliases: Aliases) -> bool:
    """Say whether a part of a container may be an array, in whatever iteration."""
    loop = aliases.taped.get(value)
    if loop is not None:
        return aliases.recorded(part, loop, buffer)
    return aliases.overlap(part, buffer)


def _given(function: Function, value: Value, aliases: Aliases) -> list[Value]:
    """Return what a container may hold, or be, by the statement that makes it.

    A tape holds what an iteration saves; what a call saves for the reverse sweep may
    be its arguments; a choice is what one of the branches made, and what a loop carries
    is what it was before the loop or what an iteration left.
    """
    found: list[Operand] = [*saved_by(aliases.taped.get(value))]
    for stmt in statements(function.body):
        if isinstance(stmt, Apply | Call):
            if stmt.out is value and _hands_on(stmt):
                new = isinstance(stmt, Apply) and stmt.fn is prims.list_append
                found += stmt.args[1:] if new and _of_numbers(value) else stmt.args
        elif isinstance(stmt, If | Try | With):
            for k, out in enumerate(stmt.outs):
                if out is value:
                    found += [path.results[k] for path in paths(stmt)]
        elif isinstance(stmt, Loop):
            for k, out in enumerate(stmt.outs):
                if value in (out, stmt.body.params[k]):
                    found += [stmt.init[k], stmt.body.results[1 + k]]
    return [op for op in found if isinstance(op, Value) and not is_immutable(op)]


def _of_numbers(value: Value) -> bool:
    """Say whether what a list holds cannot change."""
    elem = getattr(value.type, "elem", None)
    return isinstance(elem, IMMUTABLE)


def _hands_on(stmt: Apply | Call) -> bool:
    """Say whether a statement makes a container that may hold its operands, or is a
    part of one.
    """
    if isinstance(stmt, Call):
        return True
    return stmt.fn in MAKERS or stmt.fn in PARTS or stmt.fn is prims.list_append


def _replaces(function: Function, stmt: Apply) -> bool:
    """Say whether a store gives an array of its type new content as a whole."""
    buffer, *_, value = stmt.args
    assert isinstance(buffer, Value)
    if stmt.fn is prims.fill:
        alike = isinstance(value, Value) and value.type == buffer.type
        flat = len(getattr(buffer.type, "dims", None) or (1, 1)) < 2
        return alike and (flat or not _may_lie_otherwise(function, value))
    if stmt.fn is not prims.index_add or not is_whole(stmt.args[1]):
        return False
    dims = getattr(value.type, "dims", ()) if isinstance(value, Value) else ()
    t = getattr(value, "type", buffer.type)
    dtype = getattr(buffer.type, "dtype", None)
    same = isinstance(t, ScalarT) or getattr(t, "dtype", None) == dtype
    return same and dims in ((), getattr(buffer.type, "dims", None))


def _may_lie_otherwise(function: Function, value: Operand) -> bool:
    """Say whether an array may have a memory order that is not its operands'.

    A sum of its elements would then differ in the last digit.
    """
    makers = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    todo = [value]
    while todo:
        op = todo.pop()
        made = makers.get(op) if isinstance(op, Value) else None
        if made is None or not isinstance(made.out.type, ArrayT):
            continue
        if made.fn is np.where or made.fn in TURNED:
            return True
        if is_elementwise(made):
            todo += made.args
    return False


def is_whole(index: Operand) -> bool:
    """Say whether an index is `...`."""
    return isinstance(index, Const) and index.value is Ellipsis


def _set_apart(function: Function, stores: list[Apply]) -> None:
    """Let the new content of arrays be arrays of their own."""
    table: dict[Value, Operand] = {}
    made = {s.out: s for s in statements(function.body) if isinstance(s, Apply)}
    for stmt in stores:
        if stmt.fn is prims.fill:
            new = table[stmt.out] = stmt.args[1]
            if isinstance(new, Value) and new.hint is None:
                new.hint = stmt.out.hint
        else:
            buffer, _, value = stmt.args
            inner = made.get(value) if isinstance(value, Value) else None
            if inner is not None and inner.fn is operator.neg:
                stmt.fn, stmt.args = operator.sub, (buffer, inner.args[0])
            else:
                stmt.fn, stmt.args = operator.add, (buffer, value)
            if stmt.out.hint is None and isinstance(buffer, Value):
                stmt.out.hint = buffer.hint
    for old, op in table.items():
        while isinstance(op, Value) and op in table:
            op = table[op]
        table[old] = op
    for block in inner_blocks(function.body):
        block.stmts[:] = [
            s for s in block.stmts if not (isinstance(s, Apply) and s.out in table)
        ]
    substitute(function.body, table)


def _copy(function: Function, value: Value, whole: bool = False) -> None:
    """Copy an array where it is made, and read the copy; if `whole`, write it too."""
    copied = Value(value.type, None, value.loc)
    made = copy_of(value, copied, _is_spread(function, value))
    if _in_branches(function, value):
        return
    if not _insert(function, value, made):
        return

    def new(op: Operand) -> Operand:
        return copied if op is value else op

    by_layout = [] if whole else _read_by_layout(function, value, made)
    if whole:
        made.args = ()
        substitute(function.body, {value: copied})
        made.args = (value,)
        return
    for stmt in statements(function.body):
        if stmt is made or stmt in by_layout:
            continue
        if isinstance(stmt, Apply):
            first = 1 if stmt.fn in STORES else 0
            if stmt.fn is prims.commit:
                continue
            stmt.args = (*stmt.args[:first], *map(new, stmt.args[first:]))
            stmt.kwargs = tuple((k, new(v)) for k, v in stmt.kwargs)
        elif isinstance(stmt, Loop):
            for it in stmt.iters:
                object.__setattr__(it, "source", new(it.source))
            kept = 1 + len(stmt.outs)
            saved = tuple(map(new, stmt.body.results[kept:]))
            stmt.body.results = (*stmt.body.results[:kept], *saved)
        elif isinstance(stmt, Call):
            stmt.args = tuple(map(new, stmt.args))
        elif isinstance(stmt, If | Try | With) and _is_view(function, value):
            for path in paths(stmt):
                path.results = tuple(map(new, path.results))
    function.body.results = tuple(map(new, function.body.results))


def _is_spread(function: Function, value: Value) -> bool:
    """Say whether a value is a row, or a number, that is repeated."""
    made = _maker(function, value)
    if made is None or made.fn is not np.broadcast_to:
        return False
    dims = getattr(getattr(made.args[0], "type", None), "dims", ())
    return dims is not None and len(dims) < 2


def _is_view(function: Function, value: Value) -> bool:
    """Say whether a value is made as a view: no content that a branch hands on."""
    return _is_made_by(function, value, VIEWS)


def _is_made_by(function: Function, op: Operand, fns: Collection[Any]) -> bool:
    """Say whether one of some functions makes a value."""
    made = _maker(function, op) if isinstance(op, Value) else None
    return made is not None and made.fn in fns


def _maker(function: Function, value: Value) -> Apply | None:
    """Return the operation that makes a value, if one does."""
    found = (s for s in statements(function.body) if isinstance(s, Apply))
    return next((s for s in found if s.out is value), None)


def _read_by_layout(function: Function, value: Value, made: Apply) -> list[Stmt]:
    """Return what reads a view, before any store, with digits that its strides decide.

    BLAS adds the elements of a column in another order than those of its copy.
    """
    for block in inner_blocks(function.body):
        if made not in block.stmts:
            continue
        at = block.stmts.index(made)
        maker = block.stmts[at - 1] if at else None
        if not isinstance(maker, Apply) or maker.out is not value:
            return []
        if maker.fn not in VIEWS:
            return []
        found: list[Stmt] = []
        for stmt in block.stmts[at + 1 :]:
            if not isinstance(stmt, Apply) or stmt.fn in STORES or stmt.effect:
                break
            if stmt.fn in BY_LAYOUT and value in operands(stmt):
                found.append(stmt)
        return found
    return []


def _in_branches(function: Function, value: Value) -> bool:
    """Copy on each path what a branch chose, if some path has no value."""
    makers = {
        out: stmt
        for stmt in statements(function.body)
        if isinstance(stmt, If | Try | With)
        for out in stmt.outs
    }
    done: dict[Operand, bool] = {}

    def copied(out: Operand) -> bool:
        if out not in done:
            stmt = makers.get(out) if isinstance(out, Value) else None
            done[out] = stmt is not None and on_each_path(stmt, stmt.outs.index(out))
        return done[out]

    def on_each_path(stmt: If | Try | With, k: int) -> bool:
        results = [path.results[k] for path in paths(stmt)]
        if not any(map(copied, results)) and all(
            isinstance(op, Value) for op in results
        ):
            return False
        for path, op in zip(paths(stmt), results, strict=True):
            if isinstance(op, Value) and not copied(op):
                own = Value(op.type, None, op.loc)
                path.stmts.append(copy_of(op, own))
                path.results = (*path.results[:k], own, *path.results[k + 1 :])
        return True

    return copied(value)


def _insert(function: Function, value: Value, made: Apply) -> bool:
    """Put a copy behind the definition of a value."""
    if value in function.params:
        function.body.stmts.insert(0, made)
        return True
    for block in inner_blocks(function.body):
        if value in block.params:
            block.stmts.insert(0, made)
            return True
        for k, stmt in enumerate(block.stmts):
            if value in outputs(stmt):
                block.stmts.insert(k + 1, made)
                return True
            if value in inner_values(stmt):
                inner = blocks(stmt)[-1] if isinstance(stmt, Loop) else blocks(stmt)[0]
                inner.stmts.insert(0, made)
                return True
    return False
