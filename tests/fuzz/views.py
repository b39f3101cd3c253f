"""Names for parts of arrays, and second names for whole ones.

In: a `Maker`. Out: lines, and names in scope that share memory with others. Nothing
here keeps track of what shares what: the program itself, run, says what it means.
"""

from __future__ import annotations

from tests.fuzz.expressions import condition, index, scalar
from tests.fuzz.maker import Maker, Shape, Var

View = tuple[str, Shape, bool]  # text, shape, and whether it may be written


def view(m: Maker) -> bool:
    """Name a view of an array, or of a view."""
    arrays = [v for v in m.find("array") if v.shape]
    if not arrays:
        return False
    m.tag("views")
    v = m.pick(arrays)
    text, shape, writable = m.pick(views(m, v))
    out = Var(m.fresh("array"), "array", shape, writable and v.writable)
    m.emit(f"{out.name} = {text}")
    m.bind(out)
    return True


def views(m: Maker, v: Var) -> list[View]:
    """Return ways to write a view (or what may be one) of an array."""
    return _of_vector(m, v) if len(v.shape) == 1 else _of_matrix(m, v)


def _of_vector(m: Maker, v: Var) -> list[View]:
    x, (n,) = v.name, v.shape
    forms: list[View] = [
        (f"{x}[::-1]", (n,), True),
        (f"{x}[::2]", ((n + 1) // 2,), True),
        (f"{x}[:2]", (min(n, 2),), True),
        (f"{x}[-2:]", (min(n, 2),), True),
        (f"{x}[...]", (n,), True),
        (f"{x}[:, None]", (n, 1), True),
        (f"{x}[np.newaxis]", (1, n), True),
        (f"np.asarray({x})", (n,), True),
        (f"{x}.ravel()", (n,), True),
        (f"{x}.reshape(-1)", (n,), True),
        (f"{x}.reshape({n}, 1)", (n, 1), True),
        (f"np.flip({x})", (n,), True),
        (f"{x}.view()", (n,), True),
        (f"np.broadcast_to({x}, (2, {n}))", (2, n), False),
        (f"{x}[{m.rng.randrange(n)}, ...]", (), True),
        (f"np.atleast_2d({x})", (1, n), True),
        (f"{x}.T", (n,), True),
        (f"np.expand_dims({x}, 1)", (n, 1), True),
        (f"{x}.real", (n,), True),
    ]
    if n > 1:
        forms += [(f"{x}[1:]", (n - 1,), True), (f"{x}[:-1]", (n - 1,), True)] * 3
        forms += [(f"np.squeeze({x})", (n,), True), (f"{x}[:0:-1]", (n - 1,), True)]
    if n == 4:
        forms += [(f"{x}.reshape(2, 2)", (2, 2), True)] * 4
        forms += [(f"np.reshape({x}, (2, -1))", (2, 2), True)]
    return forms


def _of_matrix(m: Maker, v: Var) -> list[View]:
    x, (r, c) = v.name, v.shape
    forms: list[View] = [
        (f"{x}.T", (c, r), True),
        (f"{x}[{index(m, r)}]", (c,), True),
        (f"{x}[:, {index(m, c)}]", (r,), True),
        (f"{x}[:, ::-1]", (r, c), True),
        (f"{x}[::-1]", (r, c), True),
        (f"{x}.ravel()", (r * c,), True),
        (f"{x}.reshape(-1)", (r * c,), True),
        (f"np.ravel({x})", (r * c,), True),
        (f"{x}.reshape({c}, {r})", (c, r), True),
        (f"{x}.T.reshape(-1)", (r * c,), True),
        (f"{x}.T.ravel()", (r * c,), True),
        (f"np.transpose({x})", (c, r), True),
        (f"{x}.swapaxes(0, 1)", (c, r), True),
        (f"np.moveaxis({x}, 0, 1)", (c, r), True),
        (f"np.atleast_2d({x})", (r, c), True),
        (f"np.asarray({x})", (r, c), True),
        (f"{x}.reshape(-1)[::-1]", (r * c,), True),
    ]
    if r > 1 and c > 1:
        forms += [(f"{x}[1:, :-1]", (r - 1, c - 1), True)]
        forms += [(f"np.diagonal({x})", (min(r, c),), False)]
        forms += [(f"{x}.diagonal()", (min(r, c),), False)]
        forms += [(f"{x}[:, 1:]", (r, c - 1), True)]
    return forms


def split(m: Maker) -> bool:
    """Name several views at once."""
    arrays = [v for v in m.find("array") if v.shape and v.shape[0] in (2, 4)]
    if not arrays:
        return False
    m.tag("views")
    v = m.pick(arrays)
    p, q = m.fresh("array"), m.fresh("array")
    shape: Shape = (v.shape[0] // 2, *v.shape[1:])
    if len(v.shape) == 2 and v.shape[0] == 2 and m.chance(0.5):
        text, shape = v.name, v.shape[1:]
    else:
        text = f"np.split({v.name}, 2)"
    m.emit(f"{p}, {q} = {text}")
    for name in (p, q):
        m.bind(Var(name, "array", shape, v.writable))
    return True


def alias(m: Maker) -> bool:
    """Give an array a second name, perhaps one that a test chooses."""
    arrays = [v for v in m.find("array") if v.shape]
    if not arrays:
        return False
    m.tag("aliases")
    v = m.pick(arrays)
    same = [w for w in m.find("array", v.shape) if w is not v]
    out = Var(m.fresh("array"), "array", v.shape, v.writable)
    if not same or m.chance(0.3):
        m.emit(f"{out.name} = {v.name}")
        m.bind(out)
        return True
    w = m.pick(same)
    out.writable = v.writable and w.writable
    form = m.rng.randrange(4)
    if form == 0:
        m.emit(f"{out.name} = {v.name} if {condition(m)} else {w.name}")
    elif form == 1:
        m.emit(f"if {condition(m)}:")
        m.emit(f"    {out.name} = {v.name}")
        m.emit("else:")
        m.emit(f"    {out.name} = {w.name}")
    elif form == 2:
        k = index(m, 2)
        m.emit(
            f"{out.name} = {m.pick(['[%s, %s]', '(%s, %s)']) % (v.name, w.name)}[{k}]"
        )
    else:
        m.emit(f"{out.name} = {v.name}[::-1] if {condition(m)} else {w.name}")
    m.bind(out)
    return True


def rename(m: Maker) -> bool:
    """Let two names exchange their arrays, or one take the other's."""
    groups = [v for v in m.find("array") if v.shape and v.plain]
    pairs = [
        (v, w)
        for v in groups
        for w in groups
        if v is not w and v.shape == w.shape and v.writable == w.writable
    ]
    if not pairs:
        return False
    m.tag("aliases")
    v, w = m.pick(pairs)
    if m.chance(0.7):
        m.emit(f"{v.name}, {w.name} = {w.name}, {v.name}")
    else:
        m.emit(f"{v.name} = {w.name}")
    return True


def through(m: Maker) -> bool:
    """Write through a container that holds arrays only for this statement."""
    arrays = [v for v in m.find("array", writable=True) if v.shape]
    if not arrays or not m.uses("stores"):
        return False
    m.tag("aliases")
    v = m.pick(arrays)
    same = m.find("array", v.shape, writable=True)
    w = m.pick(same)
    i = index(m, v.shape[0])
    line = m.pick(
        [
            f"[{v.name}, {w.name}][{index(m, 2)}][{i}] = {scalar(m, 1)}",
            f"({v.name} if {condition(m)} else {w.name})[{i}] += {scalar(m, 1)}",
        ]
    )
    if m.chance(0.3):
        name = m.fresh("array")
        m.emit(f"for {name} in ({v.name}, {w.name}):")
        line = f"    {name}[{i}] *= np.cos({scalar(m, 1)})"
    m.emit(line)
    return True
