"""Lists that are made, grow, shrink, are written into and read.

In: a `Maker`. Out: lines, and names in scope.
"""

from __future__ import annotations

from tests.fuzz.expressions import expression, index, item, scalar, scalar_leaf
from tests.fuzz.maker import Maker, Shape, Var


def new_list(m: Maker) -> bool:
    """Name a list of numbers or of arrays."""
    m.tag("lists")
    shape: Shape = m.pick([(), (), (2,), (3,)])
    arrays = m.find("array", dims=1)
    if shape and arrays:
        shape = m.pick(arrays).shape
    v = Var(m.fresh("list"), "list", shape)
    form = m.rng.randrange(6)
    if form == 0:
        m.emit(f"{v.name} = []")
        m.emit(f"for {(i := m.fresh('integer'))} in range(3):")
        with m.nested(loop=True):
            m.bind(Var(i, "integer", size=3))
            m.emit(f"{v.name}.append({_element(m, v)})")
        v.size = 3
    elif form == 1 and not shape:
        m.emit(f"{v.name} = [{m.pick(['0.0', scalar_leaf(m)])}] * 3")
        v.size = 3
    elif form == 2 and not shape and arrays:
        a = m.pick(arrays)
        m.emit(f"{v.name} = {m.pick(['list({})', '{}.tolist()']).format(a.name)}")
        v.size = a.shape[0]
    elif form == 3:
        i = m.fresh("integer")
        with m.nested():
            m.indent -= 1
            m.bind(Var(i, "integer", size=3))
            text = _element(m, v)
            m.indent += 1
        m.emit(f"{v.name} = [{text} for {i} in range(3)]")
        v.size = 3
    else:
        v.size = m.rng.randrange(1, 4)
        m.emit(f"{v.name} = [{', '.join(_element(m, v) for _ in range(v.size))}]")
    m.bind(v)
    return True


def _element(m: Maker, v: Var) -> str:
    arrays = m.find("array", v.shape)
    if v.shape and arrays and m.uses("aliases") and m.chance(0.5):
        m.tag("aliases")
        return m.pick(arrays).name
    text = expression(m, v.shape, 1)
    return text if not v.shape else f"np.cos({text})"


def grow(m: Maker) -> bool:
    """Add to a list."""
    lists = m.find("list")
    if not lists:
        return False
    m.tag("lists")
    v = m.pick(lists)
    x = v.name
    one = _element(m, v)
    line, count = m.pick(
        [
            (f"{x}.append({one})", 1),
            (f"{x}.append({one})", 1),
            (f"{x}.extend([{one}, {_element(m, v)}])", 2),
            (f"{x}.insert({m.rng.randrange(2)}, {one})", 1),
            (f"{x} += [{one}]", 1),
            (f"{x}.extend({x}[:1])", 0),
            (f"{x}[:0] = [{one}]", 1),
            (f"{x}[len({x}):] = [{one}]", 1),
        ]
    )
    m.emit(line)
    if m.own(v):
        v.size += count
    return True


def shrink(m: Maker) -> bool:
    """Take from a list."""
    lists = [v for v in m.find("list") if v.size]
    if not lists:
        return False
    m.tag("lists")
    v = m.pick(lists)
    x = v.name
    guarded = not m.own(v) or v.size < 2
    if guarded:
        m.emit(f"if len({x}) > {v.size}:")
        m.indent += 1
    forms = [
        f"{x}.pop()",
        f"{x}.pop(0)",
        f"del {x}[0]",
        f"del {x}[-1]",
        f"{x}[:1] = []",
    ]
    scalars = [s for s in m.find("scalar") if s.writable]
    if not v.shape and scalars:
        forms += [f"{m.pick(scalars).name} = {x}.pop({m.pick(['', '0'])})"] * 3
    m.emit(m.pick(forms))
    if guarded:
        m.indent -= 1
    else:
        v.size -= 1
    return True


def write_list(m: Maker) -> bool:
    """Store items, or rearrange a list."""
    lists = [v for v in m.find("list") if v.size]
    if not lists:
        return False
    m.tag("lists")
    v = m.pick(lists)
    x, one = v.name, _element(m, v)
    k = item(m, v)
    forms = [f"{k} = {one}", f"{k} = {one}", f"{x}.reverse()"]
    forms += [f"{x}[:1] = [{one}]", f"{x}[0], {x}[-1] = {x}[-1], {x}[0]"]
    if v.shape == ():
        forms += [f"{k} += {one}", f"{k} *= np.cos({one})", f"{x}.sort()"]
        i = m.fresh("integer")
        forms += [f"for {i} in range(len({x})): {x}[{i}] = np.sin({x}[{i}]) * {one}"]
    elif m.uses("stores"):
        place = f"{k}[{index(m, v.shape[0])}]"
        forms += [
            f"{place} = {scalar(m, 1)}",
            f"{k} *= 0.7",
            f"{place} += {scalar(m, 1)}",
        ]
    line = m.pick(forms)
    if ": " in line and line.startswith("for"):
        head, _, body = line.partition(": ")
        m.emit(head + ":")
        m.emit("    " + body)
    else:
        m.emit(line)
    return True


def second_name(m: Maker) -> bool:
    """Copy a list, or give it a second name."""
    lists = m.find("list")
    if not lists:
        return False
    m.tag("lists")
    v = m.pick(lists)
    out = Var(m.fresh("list"), "list", v.shape, size=v.size)
    text = m.pick(
        [v.name, v.name, f"{v.name}[:]", f"{v.name}.copy()", f"list({v.name})"]
    )
    if text == v.name:
        m.tag("aliases")
        out.pinned = v.pinned = True
    m.emit(f"{out.name} = {text}")
    m.bind(out)
    return True


def gather(m: Maker) -> bool:
    """Make an array or a number of a list."""
    lists = [v for v in m.find("list") if v.size]
    if not lists:
        return False
    m.tag("lists")
    v = m.pick(lists)
    s = Var(m.fresh("scalar"), "scalar")
    forms = [f"np.sum(np.sin(np.array({v.name})))", f"np.mean(np.stack({v.name}))"]
    if v.shape == ():
        forms = [
            forms[0],
            f"sum({v.name}) / len({v.name})",
            f"{v.name}[-1] * {v.name}[0]",
        ]
        forms += [f"sum(e_ * e_ for e_ in {v.name})"]
    m.emit(f"{s.name} = {m.pick(forms)}")
    m.bind(s)
    return True


def nested_lists(m: Maker) -> bool:
    """Write into lists of lists."""
    m.tag("lists")
    x, s = m.fresh("list"), Var(m.fresh("scalar"), "scalar")
    i, j = m.rng.randrange(2), m.rng.randrange(2)
    p, q = scalar(m, 1), scalar(m, 1)
    blocks = [
        [f"{x} = [[{p}, {q}], [{q}, {p}]]", f"{x}[{i}][{j}] = {scalar(m, 1)}"],
        [f"{x} = [[{p}], [{q}]]", f"{x}[{i}].append({scalar(m, 1)})"],
        [f"{x} = [[{p}, {q}]] * 2", f"{x}[{i}][{j}] *= {scalar(m, 1)}"],
        [
            f"{x} = [[0.0] * 2 for _ in range(2)]",
            f"{x}[{i}][{j}] += {p}",
            f"{x}[1][0] = {q}",
        ],
        [
            f"{x} = [[{p}, {q}], [{q}]]",
            f"{x}[1] = {x}[0]",
            f"{x}[0][{j}] += {scalar(m, 1)}",
        ],
    ]
    for line in m.pick(blocks):
        m.emit(line)
    m.emit(f"{s.name} = sum(e_ * np.cos(e_) for r_ in {x} for e_ in r_)")
    m.bind(s)
    return True
