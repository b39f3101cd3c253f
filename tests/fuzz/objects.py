"""Classes of the program, and objects with state.

In: a `Maker`. Out: a class before `f`; in `f`, an object whose attributes are names.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.expressions import array, expression, scalar
from tests.fuzz.functions import definition
from tests.fuzz.maker import Callable_, Maker, Shape, Var

Block = Callable[[Maker, int], None]


def new_object(m: Maker, block: Block) -> bool:
    """Define a class and make one object of it."""
    m.tag("objects")
    name = m.fresh("class")
    shape: Shape = m.pick([(3,), (3,), (4,), (2, 3)])
    form = m.pick(["plain", "plain", "dataclass", "slots", "inherited"])
    _head(m, name, form, shape)
    methods = _methods(m, block, shape, form)
    v = Var(m.fresh("object"), "object")
    first = f"np.sin({array(m, shape, 1)})"
    arrays = m.find("array", shape, writable=True)
    if arrays and m.uses("aliases") and m.chance(0.5):
        m.tag("aliases")
        first = m.pick(arrays).name
    m.emit(f"{v.name} = {name}({first}, {scalar(m, 1)})")
    v.calls = tuple(
        Callable_(
            c.pattern.replace("self", v.name),
            c.params,
            c.result,
            family="objects",
            writes=c.writes,
        )
        for c in methods
    )
    m.bind(v)
    m.bind(Var(f"{v.name}.w", "array", shape, m.uses("stores"), plain=False))
    m.bind(Var(f"{v.name}.s", "scalar", plain=False))
    return True


def _head(m: Maker, name: str, form: str, shape: Shape) -> None:
    if form == "dataclass":
        m.prelude += ["", "", "@dataclass", f"class {name}:", "    w: np.ndarray"]
        m.prelude += ["    s: float", "    count: int = 0"]
        if m.chance(0.3):
            m.prelude += [
                "",
                "    def __post_init__(self):",
                "        self.s = self.s * 0.7",
            ]
        return
    base = ""
    if form == "inherited":
        parent = m.fresh("class")
        m.prelude += ["", "", f"class {parent}:", "    def __init__(self, w):"]
        m.prelude += ["        self.w = w", "        self.s = 0.3"]
        m.prelude += ["", "    def scaled(self, e):", "        return self.s * e"]
        base = f"({parent})"
    m.prelude += ["", "", f"class {name}{base}:"]
    if form == "slots":
        m.prelude += ['    __slots__ = ("count", "s", "w")', ""]
    if m.chance(0.3) and form != "slots":
        m.prelude += ["    rate = 0.7", ""]
    m.prelude += ["    def __init__(self, w, s):"]
    if form == "inherited":
        m.prelude += ["        super().__init__(w)", "        self.s = self.s + s"]
    else:
        m.prelude += ["        self.w = w", "        self.s = s"]
    m.prelude += ["        self.count = 0"]


def _methods(m: Maker, block: Block, shape: Shape, form: str) -> list[Callable_]:
    out: list[Callable_] = []
    for kind in m.rng.sample(["step", "call", "value", "item", "set", "loop"], 3):
        out.append(_method(m, block, shape, kind))
    return out


def _method(m: Maker, block: Block, shape: Shape, kind: str) -> Callable_:
    attributes = [
        Var("self.w", "array", shape, m.uses("stores"), plain=False),
        Var("self.s", "scalar", plain=False),
    ]
    number = [("self", "object", ()), ("e", "scalar", ())]
    if kind == "value":
        m.prelude += ["", "    @property"]
        with _body(m, "value", number[:1], attributes):
            m.emit(f"return {scalar(m, 2)}")
        return Callable_("self.value", (), ())
    if kind == "item":
        with _body(
            m, "__getitem__", [("self", "object", ()), ("k", "integer", ())], attributes
        ):
            m.emit(f"return self.w[k] * {scalar(m, 1)}")
        result: Shape = shape[1:]
        return Callable_(f"self[{m.rng.randrange(2)}]", (), result)
    if kind == "set":
        with _body(m, "set", number, attributes):
            m.emit(f"self.s = np.sin({scalar(m, 2)})")
            block(m, 1)
        return Callable_("self.set({})", (("scalar", ()),), None, writes=True)
    name, pattern = (
        ("__call__", "self({})") if kind == "call" else (kind, f"self.{kind}({{}})")
    )
    with _body(m, name, number, attributes):
        if kind == "loop":
            m.emit("for i_ in range(2):")
            m.emit(f"    self.s = np.sin({scalar(m, 1)})")
            m.emit("    self.count += 1")
        else:
            m.emit(f"self.s {m.pick(['=', '+='])} np.tanh({scalar(m, 2)})")
        block(m, m.rng.randrange(2))
        m.emit(f"return {expression(m, (), 1)}")
    return Callable_(pattern, (("scalar", ()),), (), writes=True)


def _body(
    m: Maker, name: str, params: list[tuple[str, str, Shape]], attributes: list[Var]
) -> definition:
    return definition(m, name, params, "method", indent=2, scope=attributes)
