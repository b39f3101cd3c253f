"""Lists and dicts that grow, shrink and are written into.

In: a `Maker`. Out: lines; the items of a dict take part as names of their own.
"""

from __future__ import annotations

from tests.fuzz.expressions import array, expression, index, item, scalar, scalar_leaf
from tests.fuzz.maker import Maker, Shape, Var

KEYS = ("p", "q", "r")


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


def new_dict(m: Maker) -> bool:
    """Name a dict, whose items are names from then on."""
    m.tag("dicts")
    d = Var(m.fresh("dict"), "dict")
    keys = KEYS[: m.rng.randrange(1, 4)]
    shapes: list[Shape] = [m.pick([(), (), (3,)]) for _ in keys]
    texts = [
        expression(m, s, 1) if not s else f"np.sin({array(m, s, 1)})" for s in shapes
    ]
    if m.chance(0.3):
        m.emit(f"{d.name} = {m.pick(['{}', 'dict()', 'OrderedDict()'])}")
        for key, text in zip(keys, texts, strict=True):
            m.emit(f'{d.name}["{key}"] = {text}')
    else:
        pairs = zip(keys, texts, strict=True)
        m.emit(
            f"{d.name} = {{{', '.join(f'{k!r}: {t}' for k, t in pairs)}}}".replace(
                "'", '"'
            )
        )
    m.bind(d)
    for key, shape in zip(keys, shapes, strict=True):
        _bind_item(m, d, key, shape)
    return True


def _bind_item(m: Maker, d: Var, key: str, shape: Shape) -> None:
    name = f'{d.name}["{key}"]'
    m.bind(Var(name, "array" if shape else "scalar", shape, plain=False))


def write_dict(m: Maker) -> bool:
    """Add, change or take away items of a dict."""
    dicts = m.find("dict")
    if not dicts:
        return False
    m.tag("dicts")
    d = m.pick(dicts)
    x, key = d.name, m.pick(KEYS)
    name = f'{x}["{key}"]'
    var = m.scope.get(name)
    here = var is not None and m.own(d)
    if var is None or var.kind == "scalar":
        forms = [f"{x}.update({key}={scalar(m, 1)})", f'{x}["{key}"] = {scalar(m, 1)}']
        forms += [f'{x} |= {{"{key}": {scalar(m, 1)}}}']
        if var is None and m.own(d):
            forms += [f'{x}.setdefault("{key}", {scalar(m, 1)})']
        if var is not None:
            forms += [f"{name} += {scalar(m, 1)}", f"{name} *= np.cos({scalar(m, 1)})"]
            forms += [f'{x}["{key}"] = {x}.get("{key}", 0.0) + {scalar(m, 1)}']
        take = here and m.chance(0.25)
        if take:
            s = Var(m.fresh("scalar"), "scalar")
            m.emit(f'{s.name} = {x}.pop("{key}")')
            m.bind(s)
            del m.scope[name]
            return True
        m.emit(m.pick(forms))
        if var is None and m.own(d):
            _bind_item(m, d, key, ())
        return True
    m.emit(f"{name} = {name} * {scalar(m, 1)}")
    return True


def over_dict(m: Maker) -> bool:
    """Loop over a dict, changing what it holds."""
    dicts = [
        d for d in m.find("dict") if any(n.startswith(d.name + "[") for n in m.scope)
    ]
    if not dicts:
        return False
    m.tag("dicts")
    d = m.pick(dicts).name
    s = Var(m.fresh("scalar"), "scalar")
    if m.chance(0.5):
        m.emit(f"for k_ in {d}:")
        m.emit(f"    {d}[k_] = {d}[k_] * {scalar(m, 1)}")
    form = m.pick(
        [
            f"sum(np.sum(v_) for v_ in {d}.values())",
            f"sum(np.sum(np.sin(v_)) * (1 + len(k_)) for k_, v_ in {d}.items())",
        ]
    )
    m.emit(f"{s.name} = {form}")
    m.bind(s)
    return True


def special(m: Maker) -> bool:
    """Use a container of the library."""
    m.tag("dicts" if m.uses("dicts") else "lists")
    x, s = m.fresh("dict"), Var(m.fresh("scalar"), "scalar")
    i = m.fresh("integer")
    p, q, r = scalar(m, 1), scalar_leaf(m), scalar_leaf(m)
    blocks = [
        [
            f"{x} = defaultdict(float)",
            f"for {i} in range(4):",
            f"    {x}[{i} % 2] += {p} * {i}",
            f"{s.name} = {x}[0] * {x}[1] + {q}",
        ],
        [
            f"{x} = defaultdict(list)",
            f"for {i} in range(4):",
            f"    {x}[{i} % 2].append(np.sin({p} + {i}))",
            f"{s.name} = sum({x}[0]) * {x}[1][-1]",
        ],
        [
            f"{x} = deque([{p}, {q}], maxlen=3)",
            f"for {i} in range(3):",
            f"    {x}.append({x}[0] * np.cos({x}[-1]) + {r})",
            f"{s.name} = sum({x})",
        ],
        [
            f"{x} = deque([{p}, {q}, {r}])",
            f"{x}.rotate(1)",
            f"{x}.appendleft({q})",
            f"{s.name} = {x}.pop() * {x}.popleft() + {x}[0]",
        ],
        [
            f"{x} = {{}}",
            f"for {i} in range(4):",
            f"    {x}[{i}] = {p} if {i} < 1 else np.sin({x}[{i} - 1]) * {q}",
            f"{s.name} = {x}[3] + sum({x}.values())",
        ],
        [
            f"{x} = [{p}]",
            f"while {x} and len({x}) < 4:",
            f"    {x}.append({x}[-1] * {q} + np.sin({r}))",
            f"{s.name} = {x}.pop() * {x}[0]",
        ],
    ]
    for line in m.pick(blocks):
        m.emit(line)
    m.bind(s)
    return True
