"""Branches, loops and the ways out of them.

In: a `Maker`, and a function that writes some statements. Out: lines.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.expressions import condition, scalar
from tests.fuzz.maker import Maker, Var

Block = Callable[[Maker, int], None]


def branch(m: Maker, block: Block) -> bool:
    """Write an `if`, perhaps with `elif` and `else`."""
    m.tag("branches")
    m.emit(f"if {condition(m)}:")
    with m.nested():
        block(m, 2)
        if (m.loops or m.inside == "main") and m.chance(0.12):
            leave(m)
    if m.chance(0.2):
        m.emit(f"elif {condition(m)}:")
        with m.nested():
            block(m, 1)
    if m.chance(0.5):
        m.emit("else:")
        with m.nested():
            block(m, 2)
    return True


def leave(m: Maker) -> None:
    """Write a `break`, a `continue` or a `return`."""
    if m.loops and (m.inside != "main" or m.chance(0.7)):
        m.emit(m.pick(["break", "continue"]))
    elif m.inside == "main":
        m.emit(f"return {scalar(m, 1)} + a * np.sum(np.sin(u))")


def for_loop(m: Maker, block: Block) -> bool:
    """Write a `for` over integers, elements, rows or pairs."""
    m.tag("loops")
    forms = [
        _over_range,
        _over_range,
        _over_length,
        _over_pairs,
        _over_rows,
        _over_items,
    ]
    opened = m.pick(forms)(m)
    if opened is None:
        opened = _over_range(m)
    head, names = opened
    m.emit(head)
    with m.nested(loop=True):
        for v in names:
            m.bind(v)
        if m.chance(0.15):
            _way_out(m)
        block(m, 3)
        if m.chance(0.1):
            _way_out(m)
    if m.chance(0.08):
        m.emit("else:")
        with m.nested():
            block(m, 1)
    return True


def while_loop(m: Maker, block: Block) -> bool:
    """Write a `while` that ends."""
    m.tag("loops")
    v = Var(m.fresh("integer"), "integer", size=4)
    m.emit(f"{v.name} = 0")
    limit = m.pick(["n", "2", "3"] if "n" in m.scope else ["2", "3"])
    test = f"{v.name} < {limit}"
    if m.uses("branches") and m.chance(0.4):
        test += f" and ({condition(m)})"
    m.emit(f"while {test}:")
    first = m.chance(0.5)
    with m.nested(loop=True):
        m.bind(Var(v.name, "integer", size=5))
        if first:
            m.emit(f"{v.name} += 1")
        block(m, 3)
        if not first:
            m.emit(f"{v.name} = {v.name} + 1")
    return True


def _way_out(m: Maker) -> None:
    m.emit(f"if {condition(m)}:")
    with m.nested():
        leave(m) if m.chance(0.3) else m.emit(m.pick(["break", "continue"]))


def _over_range(m: Maker) -> tuple[str, list[Var]]:
    v = Var(m.fresh("integer"), "integer", size=4)
    stops = [("2", 2), ("3", 3), ("1, 4", 4)]
    stop, v.size = m.pick(stops + [("n", 4)] * (3 * ("n" in m.scope)))
    if m.chance(0.1):
        stop = "2, -1, -1"
        v.size = 3
    return f"for {v.name} in range({stop}):", [v]


def _over_length(m: Maker) -> tuple[str, list[Var]] | None:
    arrays = [v for v in m.find("array") if v.shape]
    if not arrays:
        return None
    a = m.pick(arrays)
    v = Var(m.fresh("integer"), "integer", size=a.shape[0])
    size = m.pick([f"len({a.name})", f"{a.name}.shape[0]"])
    if a.shape[0] > 1 and m.chance(0.3):
        return f"for {v.name} in range(1, {size}):", [v]
    return f"for {v.name} in range({size}):", [v]


def _over_pairs(m: Maker) -> tuple[str, list[Var]] | None:
    arrays = m.find("array", dims=1)
    if not arrays:
        return None
    p, q = m.pick(arrays), m.pick(arrays)
    e = Var(m.fresh("scalar"), "scalar")
    if m.chance(0.5):
        i = Var(m.fresh("integer"), "integer", size=p.shape[0])
        return f"for {i.name}, {e.name} in enumerate({p.name}):", [i, e]
    g = Var(m.fresh("scalar"), "scalar")
    return f"for {e.name}, {g.name} in zip({p.name}, {q.name}):", [e, g]


def _over_rows(m: Maker) -> tuple[str, list[Var]] | None:
    matrices = m.find("array", dims=2)
    if not matrices:
        return None
    a = m.pick(matrices)
    writable = a.writable and m.uses("views")
    row = Var(m.fresh("array"), "array", a.shape[1:], writable=writable)
    m.tag("views" if writable else "reading")
    return f"for {row.name} in {a.name}:", [row]


def _over_items(m: Maker) -> tuple[str, list[Var]] | None:
    lists = m.find("list", ())
    if not lists:
        return None
    e = Var(m.fresh("scalar"), "scalar")
    return f"for {e.name} in list({m.pick(lists).name}):", [e]
