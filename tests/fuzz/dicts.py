"""Dicts, and the containers of the library, that are filled and written into.

In: a `Maker`. Out: lines; the items of a dict take part as names of their own.
"""

from __future__ import annotations

from tests.fuzz.expressions import array, expression, scalar, scalar_leaf
from tests.fuzz.maker import Maker, Shape, Var

KEYS = ("p", "q", "r")


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
