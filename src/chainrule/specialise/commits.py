"""What the arguments hold when the function returns.

In: the memory at the end, and the parameters. Out: effects, at the end of the body,
that leave the caller's arrays and containers as the function would. An array whose
writes can be made in place needs no text for that; see `backend`.
"""

from __future__ import annotations

from typing import Any

from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.request import Apart, Input
from chainrule.specialise import generators, stand_ins
from chainrule.specialise.builder import Builder
from chainrule.specialise.frames import Context
from chainrule.specialise.joins import is_poison, layout_of, read_parts
from chainrule.types import lattice as lt


def commit(ctx: Context, params: list[Value], copies: dict[Value, Value]) -> None:
    """Write what the objects among the arguments hold now.

    `copies` are what the function worked on in place of some of them.
    """
    memory = ctx.builder.memory
    if not memory.now:
        return
    finals = [(p, memory.current(copies.get(p, p))) for p in params]
    homes = {p: memory.object(p) for p in params}
    now, memory.now = memory.now, {}
    for param, final in finals:
        if param in copies:
            if final is not copies[param]:
                _effect(ctx.builder, prims.commit, param, final)
        elif final is not param:
            _object(ctx, now, param, homes[param], final, (param.hint,))
    memory.now = now


def _object(
    ctx: Context,
    now: Any,
    place: Operand,
    home: Value,
    final: Operand,
    path: tuple[Any, ...],
) -> None:
    """Leave one object as it is at the end; `place` is the object itself."""
    stand_ins.refuse_kept(ctx, final)
    b = ctx.builder
    layout = layout_of(final)
    before = layout_of(place)
    if layout is None or before is None:
        _effect(b, prims.commit, place, final)
        if isinstance(place, Value) and isinstance(place.type, lt.ArrayT):
            given = Input("param", path[0], path[1:], Apart())
            ctx.inputs[("apart", path)] = given
        return
    parts = dict(zip(layout[2], read_parts(b, final), strict=True))
    if layout[0] is prims.make_list and layout[2] != before[2]:
        _effect(b, prims.commit, place, final)
        return
    stays = before[2]
    if layout[0] is prims.make_dict:
        stays = _in_place(before[2], tuple(parts))
        for key in before[2]:
            if key not in stays:
                _effect(b, prims.drop_item, place, Const(key))
    for key, part in parts.items():
        child = b.memory.parts.get((home, key))
        if key in stays:
            mine = _read(b, place, layout[0], key)
            if isinstance(part, Value) and b.memory.object(part) is child:
                if part is not child and _changed(b, part, mine):
                    _object(ctx, now, mine, child, part, (*path, key))
                continue
            if part is mine or layout[0] is prims.make_tuple:
                continue
        _part(ctx, layout, place, key, part)


def _in_place(before: tuple[Any, ...], after: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the keys of a dict that were not taken out and put in again, behind."""
    places = [before.index(k) for k in after if k in before]
    count = next((i for i in range(1, len(places)) if places[i] < places[i - 1]), None)
    kept = [k for k in after if k in before][:count]
    return tuple(kept)


def _changed(b: Builder, part: Value, mine: Operand) -> bool:
    """Say whether a part is more than a second read of what it was."""
    one, two = b.definition(part), b.definition(mine)
    if one is None or two is None:
        return True
    return not (one.fn is two.fn and one.args[0] is two.args[0])


def _read(b: Builder, place: Operand, maker: Any, key: Any) -> Operand:
    if maker is prims.make_object:
        return b.apply(getattr, place, Const(key))
    return b.getitem(place, key)


def _part(ctx: Context, layout: Any, place: Operand, key: Any, part: Operand) -> None:
    generators.refuse_kept(ctx, part)
    b = ctx.builder
    if layout[0] is prims.make_object:
        _effect(b, prims.put_attribute, place, Const(key), part)
    else:
        _effect(b, prims.put_item, place, Const(key), part)


def _effect(b: Builder, fn: Any, *args: Operand) -> None:
    for op in args:
        if isinstance(op, Const) and is_poison(op):
            raise b.unreadable(op.value)
    b.apply(fn, *args, effect=True, type_=lt.NONE)
