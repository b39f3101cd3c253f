"""Names of objects that have none: what they are of something that has one.

In: an object that a loop writes, and the variables there. Out: the name that its value
gets in the derivative: `net_w` for `net.w`, `state_m` for `state["m"]`.
"""

from __future__ import annotations

from chainrule.ir.nodes import Operand, Value
from chainrule.specialise.builder import Builder
from chainrule.specialise.frames import State
from chainrule.specialise.joins import layout_of, part_hint
from chainrule.specialise.memory import MAKERS

DEPTH = 4  # of containers in containers


def name_of(b: Builder, home: Value, env: State) -> str | None:
    """Return the name of an object, or of what holds it and of its place there."""
    if home.hint is not None:
        return home.hint
    if home in b.memory.held:
        holder, place = b.memory.held[home]
        name = part_hint(name_of(b, holder, env), place)
        if name is not None:
            return name
    for variable, op in env.items():
        if not variable.startswith("$"):
            name = _inside(b, home, op, variable.strip(), env, DEPTH)
            if name is not None:
                return name
    return None


def _inside(
    b: Builder, home: Value, op: Operand, name: str | None, env: State, depth: int
) -> str | None:
    """Return what an object is called as a part of a container, at any depth."""
    if not isinstance(op, Value):
        return None
    whole = b.memory.object(op)
    stmt, layout = b.definition(env.now.get(whole, op)), layout_of(op)
    if stmt is None or stmt.fn not in MAKERS or layout is None or not depth:
        return None
    places = layout[2]
    for place, part in zip(places, stmt.args[-len(places) :], strict=False):
        called = part_hint(whole.hint or name, place)
        if isinstance(part, Value) and b.memory.object(part) is home:
            return called
        found = _inside(b, home, part, called, env, depth - 1)
        if found is not None:
            return found
    return None
