"""Statements that make new values and give them names.

In: a `Maker`. Out: lines, and names in scope.
"""

from __future__ import annotations

from tests.fuzz.expressions import argument, callables, expression, scalar, scalar_leaf
from tests.fuzz.maker import Callable_, Maker, Shape, Var

SHAPES: tuple[Shape, ...] = ((3,), (4,), (2,), (2, 3), (3, 3), (2, 2))


def assign_scalar(m: Maker) -> bool:
    """Give a number a name, an old one or a new one."""
    text = scalar(m)
    old = [v for v in m.find("scalar") if v.writable]
    if old and m.chance(0.6):
        v = m.pick(old)
        if m.chance(0.35):
            m.emit(f"{v.name} {m.pick(['+=', '-='])} {text}")
            return True
        if m.chance(0.2):
            m.emit(f"{v.name} *= np.cos({text})")
            return True
        m.emit(f"{v.name} = {_bounded(m, text)}")
        return True
    v = Var(m.fresh("scalar"), "scalar")
    m.emit(f"{v.name} = {_bounded(m, text)}")
    m.bind(v)
    return True


def assign_array(m: Maker) -> bool:
    """Give a new array a name, an old one or a new one."""
    shape = any_shape(m)
    old = [v for v in m.find("array", shape) if v.block == m.block or m.loops == 0]
    old = [v for v in old if not (v.plain and v.pinned)]
    if old and m.chance(0.4):
        v = m.pick(old)
        m.emit(f"{v.name} = {_bounded(m, owned(m, shape))}")
        return True
    text = owned(m, shape)
    v = Var(m.fresh("array"), "array", shape)
    m.emit(f"{v.name} = {text}")
    m.bind(v)
    return True


def owned(m: Maker, shape: Shape) -> str:
    """Return an expression for an array that shares memory with no other."""
    form = m.rng.randrange(6)
    if form == 0 and (m.uses("stores") or m.uses("outputs")):
        return f"np.zeros({shape if len(shape) > 1 else shape[0]})"
    if form == 1:
        arrays = m.find("array", shape)
        if arrays:
            v = m.pick(arrays)
            return m.pick([f"{v.name}.copy()", f"np.array({v.name})", f"+{v.name}"])
    if form == 2:
        return f"{scalar_leaf(m)} * {expression(m, shape, 0)}"
    return f"{m.pick(['np.sin', 'np.tanh', 'np.cos'])}({expression(m, shape, 2)})"


def any_shape(m: Maker) -> Shape:
    """Return a shape, likely one that other arrays have."""
    shapes = [v.shape for v in m.find("array") if v.shape]
    return m.pick(shapes) if shapes and m.chance(0.75) else m.pick(SHAPES)


def unpack(m: Maker) -> bool:
    """Give two numbers names at once, perhaps exchanging them."""
    old = [v for v in m.find("scalar") if v.writable]
    if len(old) < 2:
        return False
    p, q = m.rng.sample(old, 2)
    text = f"{q.name}, {p.name}" if m.chance(0.4) else f"{scalar(m, 1)}, {scalar(m, 1)}"
    m.emit(f"{p.name}, {q.name} = {text}")
    return True


def call_helper(m: Maker) -> bool:
    """Call a function of the program, with or without using its result."""
    return _call(m, [f for f in callables(m) if not f.writes])


def call_writer(m: Maker) -> bool:
    """Call a function or method that changes an argument or its object."""
    return _call(m, [f for f in callables(m) if f.writes])


def _call(m: Maker, found: list[Callable_]) -> bool:
    if not found:
        return False
    f = m.pick(found)
    text = call_text(m, f)
    if text is None:
        return False
    m.tag(f.family)
    if f.result is None or (f.writes and m.chance(0.4)):
        m.emit(text)
    elif f.result == ():
        v = Var(m.fresh("scalar"), "scalar")
        m.emit(f"{v.name} = {text}")
        m.bind(v)
    else:
        v = Var(m.fresh("array"), "array", f.result, writable=not f.view)
        m.emit(f"{v.name} = {text}")
        m.bind(v)
    return True


def call_text(m: Maker, f: Callable_) -> str | None:
    """Return a call; what is written into must be an array that may be written."""
    texts = []
    for kind, shape in f.params:
        if kind == "target":
            targets = m.find("array", shape, writable=True)
            if not targets:
                return None
            texts.append(m.pick(targets).name)
        else:
            texts.append(argument(m, kind, shape, 1))
    return f.pattern.format(*texts)


def _bounded(m: Maker, text: str) -> str:
    if m.loops or m.chance(0.3):
        return f"{m.pick(['np.sin', 'np.tanh'])}({text})"
    return text
