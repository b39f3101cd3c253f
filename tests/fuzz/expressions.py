"""Random expressions of a given shape: smooth, and bounded where their operands are.

In: a `Maker` with names in scope, a shape (`()` for a number), a depth. Out: text.
"""

from __future__ import annotations

import math

from tests.fuzz.maker import Maker, Shape, Var

UNARY = ("np.sin", "np.cos", "np.tanh", "np.arctan")


def expression(m: Maker, shape: Shape, depth: int = 2) -> str:
    """Return an expression of this shape."""
    return scalar(m, depth) if shape == () else array(m, shape, depth)


def fitting(m: Maker, shape: Shape, depth: int = 2) -> str:
    """Return an expression that can be stored into this shape, perhaps by broadcast."""
    if shape and m.chance(0.25):
        return scalar(m, depth)
    if len(shape) == 2 and m.chance(0.25):
        return array(m, shape[1:], depth)
    return expression(m, shape, depth)


def scalar(m: Maker, depth: int = 2) -> str:
    """Return an expression whose value is one number."""
    if depth <= 0:
        return scalar_leaf(m)
    inner = depth - 1
    form = m.rng.randrange(13)
    if form <= 1:
        return scalar_leaf(m)
    if form == 2:
        return f"{m.pick(UNARY)}({scalar(m, inner)})"
    if form == 3:
        return f"math.{m.pick(['sin', 'tanh', 'cos', 'atan'])}({scalar(m, inner)})"
    if form <= 5:
        return f"({scalar(m, inner)} {m.pick('+-')} {scalar(m, inner)})"
    if form <= 7:
        return f"{scalar_leaf(m)} * {_factor(scalar(m, inner))}"
    if form == 8:
        return f"{scalar_leaf(m)} / (1.5 + {_factor(scalar_leaf(m))} ** 2)"
    if form == 9 and m.uses("branches"):
        m.tag("branches")
        return f"({scalar(m, inner)} if {condition(m)} else {scalar_leaf(m)})"
    if form == 10:
        found = call(m, (), inner)
        if found is not None:
            return found
    return reduction(m, inner)


def scalar_leaf(m: Maker) -> str:
    """Return a number that is at hand: a name, an element, an item."""
    options: list[tuple[float, str]] = [(0.7, m.constant())]
    options += [(1.5, v.name) for v in m.find("scalar")]
    options += [(1.0, element(m, v)) for v in m.find("array") if v.shape]
    options += [(0.7, f"{v.name}[()]") for v in m.find("array", ())]
    options += [(1.0, item(m, v)) for v in m.find("list", ()) if v.size]
    options += [(0.2, f"0.3 * {v.name}") for v in m.find("integer")]
    return m.weighted(options)


def reduction(m: Maker, depth: int) -> str:
    """Return a number made of an array or a list."""
    options = [v.shape for v in m.find("array") if v.shape]
    lists = m.find("list", ())
    if lists and m.chance(0.4):
        return f"sum({m.pick(lists).name})"
    if m.uses("reading") and m.chance(0.2):
        m.tag("reading")
        return _display(m)
    if not options:
        return scalar_leaf(m)
    shape = m.pick(options)
    text = array(m, shape, depth)
    if len(shape) == 1 and m.chance(0.4):
        other = array(m, shape, 0)
        return m.pick(
            [f"{_factor(text)} @ {_factor(other)}", f"np.dot({text}, {other})"]
        )
    name = m.pick(["np.sum", "np.mean", "np.sum"])
    return f"{name}({text})"


def _display(m: Maker) -> str:
    """Return a number out of a container that lives only here."""
    p, q = scalar_leaf(m), scalar_leaf(m)
    forms = [f'{{"p": {p}, "q": [{q}, {p}]}}["q"][{m.rng.randrange(2)}]']
    forms += [f"max([{p}, {q}, 5.0])", f"sum([{p}, {q}, {p}])", f"({p}, {q})[-1]"]
    vectors = m.find("array", dims=1)
    if vectors:
        v = m.pick(vectors).name
        forms += [f"sum(e_ * {p} for e_ in {v})", f"math.exp(-abs({v}[0] * {q}))"]
        forms += [f"sum([np.sin(e_) for e_ in {v} if e_ < {m.threshold()}])"]
    return m.pick(forms)


def element(m: Maker, v: Var) -> str:
    """Return one element of an array."""
    return f"{v.name}[{', '.join(index(m, n) for n in v.shape)}]"


def index(m: Maker, n: int) -> str:
    """Return an index below `n`: a constant, or a loop's integer."""
    loop = [v for v in m.find("integer") if v.size]
    if loop and m.chance(0.6):
        v = m.pick(loop)
        return v.name if v.size <= n else f"{v.name} % {n}"
    return str(m.rng.randrange(-1, n))


def item(m: Maker, v: Var) -> str:
    """Return one element of a list that is long enough."""
    loop = [i for i in m.find("integer") if 0 < i.size]
    if loop and m.chance(0.4):
        return f"{v.name}[{m.pick(loop).name} % len({v.name})]"
    return f"{v.name}[{m.rng.randrange(-v.size, v.size)}]"


def array(m: Maker, shape: Shape, depth: int = 2) -> str:
    """Return an expression whose value is an array of this shape."""
    if depth <= 0:
        return array_leaf(m, shape)
    inner = depth - 1
    form = m.rng.randrange(16)
    leaf = array_leaf(m, shape)
    if form <= 1:
        return leaf
    if form <= 3:
        return f"{m.pick(UNARY)}({array(m, shape, inner)})"
    if form <= 5:
        return f"({array(m, shape, inner)} {m.pick('+-')} {fitting(m, shape, inner)})"
    if form <= 7:
        return f"{_factor(scalar(m, inner))} * {leaf}"
    if form <= 9:
        return f"{leaf} * {_factor(array(m, shape, inner))}"
    if form == 10:
        return f"{leaf} / (1.5 + {_factor(array_leaf(m, shape))} ** 2)"
    if form == 11:
        found = call(m, shape, inner)
        return found if found is not None else f"{leaf} ** 2"
    if form == 12 and m.uses("branches"):
        m.tag("branches")
        test = f"{array_leaf(m, shape)} > {m.threshold()}"
        return f"np.where({test}, {array(m, shape, inner)}, {leaf})"
    if form == 13 and m.uses("reading"):
        m.tag("reading")
        return _rearranged(m, shape, inner)
    if form == 14 and m.uses("reading"):
        m.tag("reading")
        return _product(m, shape, inner)
    return f"{m.pick(UNARY)}({leaf})"


def array_leaf(m: Maker, shape: Shape) -> str:
    """Return an array of this shape that is at hand, or one made of numbers."""
    options: list[tuple[float, str]] = [(2.0, v.name) for v in m.find("array", shape)]
    if len(shape) == 1:
        for v in m.find("array", dims=1):
            if v.shape[0] > shape[0]:
                start = m.rng.randrange(v.shape[0] - shape[0] + 1)
                options.append((0.5, f"{v.name}[{start}:{start + shape[0]}]"))
        for v in m.find("array", dims=2):
            if v.shape[1] == shape[0]:
                options.append((0.7, f"{v.name}[{index(m, v.shape[0])}]"))
            if v.shape[0] == shape[0]:
                options.append((0.5, f"{v.name}[:, {index(m, v.shape[1])}]"))
    if len(shape) == 2:
        for v in m.find("array", shape[::-1]):
            options.append((0.8, f"{v.name}.T"))
    options += [(1.0, item(m, v)) for v in m.find("list", shape) if v.size and shape]
    if not options:
        return filled(m, shape)
    return m.weighted(options)


def filled(m: Maker, shape: Shape) -> str:
    """Return an array made of numbers."""
    count = math.prod(shape)
    if count > 4 or m.chance(0.3):
        text = f"np.full({shape}, {scalar_leaf(m)})"
        return text if len(shape) > 1 else f"np.full({shape[0]}, {scalar_leaf(m)})"
    flat = f"np.array([{', '.join(scalar_leaf(m) for _ in range(count))}], float)"
    return flat if len(shape) == 1 else f"{flat}.reshape{shape}"


def _rearranged(m: Maker, shape: Shape, depth: int) -> str:
    text = array(m, shape, depth)
    if len(shape) == 1:
        forms = [f"({text})[::-1]", f"np.cumsum({text})", f"np.roll({text}, 1)"]
        forms += [f"np.sort({text})", f"np.concatenate([({text})[1:], ({text})[:1]])"]
        forms += [f"np.array([{scalar_leaf(m)} * e_ for e_ in {text}])"]
        places = ", ".join(index(m, shape[0]) for _ in range(shape[0]))
        forms += [f"np.take({text}, [{places}])"]
        return m.pick(forms)
    forms = [f"({text})[::-1]", f"({text})[:, ::-1]", f"np.flip({text})"]
    forms += [f"np.stack(list({text}))", f"np.cumsum({text}, axis=1)"]
    return m.pick(forms)


def _product(m: Maker, shape: Shape, depth: int) -> str:
    if len(shape) == 2:
        return f"np.outer({array(m, shape[:1], depth)}, {array(m, shape[1:], depth)})"
    matrices = [v for v in m.find("array", dims=2) if v.shape[0] == shape[0]]
    if matrices:
        v = m.pick(matrices)
        return f"{v.name} @ {_factor(array(m, v.shape[1:], 0))}"
    return f"{_factor(scalar(m, 0))} * {array_leaf(m, shape)}"


def call(m: Maker, shape: Shape, depth: int) -> str | None:
    """Return a call of a function of the program with this result, if there is one."""
    functions = [f for f in callables(m) if f.result == shape and not f.writes]
    if not functions:
        return None
    f = m.pick(functions)
    m.tag(f.family)
    return f.pattern.format(*(argument(m, kind, s, depth) for kind, s in f.params))


def callables(m: Maker) -> list:
    """Return the functions, and the methods of the objects in scope."""
    methods = [f for v in m.find("object") for f in v.calls]
    return m.functions + methods


def argument(m: Maker, kind: str, shape: Shape, depth: int) -> str:
    """Return an argument for a parameter of this kind."""
    if kind == "integer":
        return m.pick(["1", "2", "3"])
    if kind == "scalar":
        return scalar(m, depth)
    return array(m, shape, depth)


def condition(m: Maker) -> str:
    """Return a test that small differences do not change."""
    integers = m.find("integer")
    simple = [f"{scalar_leaf(m)} {m.pick('<>')} {m.threshold()}" for _ in range(2)]
    if integers:
        name = m.pick(integers).name
        simple += [
            f"{name} % 2 == {m.rng.randrange(2)}",
            f"{name} > {m.rng.randrange(3)}",
        ]
    form = m.rng.randrange(8)
    if form == 0:
        return f"{m.pick(simple)} {m.pick(['and', 'or'])} {m.pick(simple)}"
    if form == 1:
        return f"not {m.pick(simple)}"
    return m.pick(simple)


def _factor(text: str) -> str:
    """Return text that can stand beside `*`, `@` or `**`."""
    simple = text.replace("_", "a").replace(".", "a").isalnum()
    return text if simple else f"({text})"
