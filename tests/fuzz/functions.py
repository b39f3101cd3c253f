"""Functions of the program: helpers, helpers that write, closures, generators, classes.

In: a `Maker`. Out: definitions before `f`, and `Callable_`s to call them by. Bodies are
made of the same statements as `f`.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.expressions import argument, expression, scalar, scalar_leaf
from tests.fuzz.maker import Callable_, Maker, Shape, Var
from tests.fuzz.views import views

Block = Callable[[Maker, int], None]
PARAMS = ("arr", "vec", "other")


def helper(m: Maker, block: Block) -> None:
    """Define a function that computes something of its arguments."""
    name = m.fresh("function")
    shape: Shape = m.pick([(), (3,), (4,), (2, 3)])
    params = [("scalar", ()), ("array" if shape else "scalar", shape)]
    with definition(m, name, [("c", *params[0]), ("vec", *params[1])], "helper"):
        block(m, m.rng.randrange(0, 3))
        result = m.pick([(), shape])
        m.emit(f"return {expression(m, result, 2)}")
    m.functions.append(Callable_(f"{name}({{}}, {{}})", tuple(params), result))


def writer(m: Maker, block: Block) -> None:
    """Define a function that writes into its argument, or returns a view of it."""
    name = m.fresh("function")
    shape: Shape = m.pick([(3,), (3,), (4,), (2, 3), (3, 3)])
    params = (("target", shape), ("scalar", ()))
    form = m.rng.randrange(4)
    with definition(m, name, [("arr", *params[0]), ("c", *params[1])], "helper"):
        arr = m.scope["arr"]
        result: Shape | None = None
        text, seen, writable = m.pick(views(m, arr))
        if form != 1:
            from tests.fuzz.stores import output, store, whole

            m.pick([store, store, whole, output])(m)
        if form == 0:
            block(m, 1)
        elif form == 1:
            result = seen
            m.emit(f"return {text}")
        elif form == 2:
            result = shape
            m.emit("return arr")
        else:
            result = ()
            m.emit(f"return {scalar(m, 1)}")
    if form == 1 and seen == ():
        return  # a 0-d view: rarely of use
    m.functions.append(
        Callable_(
            f"{name}({{}}, {{}})",
            params,
            result,
            view=form == 1 and not writable,
            family="writers",
            writes=True,
        )
    )


def generator(m: Maker, block: Block) -> None:
    """Define a generator function; the loop over it is a reduction."""
    name = m.fresh("function")
    with definition(m, name, [("c", "scalar", ()), ("vec", "array", (3,))], "helper"):
        m.emit("for e_ in vec:")
        with m.nested(loop=True):
            m.bind(Var("e_", "scalar"))
            m.emit(f"c = np.sin({scalar(m, 1)})")
            if m.chance(0.3):
                m.emit(f"if e_ > {m.threshold()}:")
                m.emit("    continue")
            m.emit(f"yield {scalar(m, 1)} + c")
        if m.chance(0.4):
            m.emit("yield c * 0.5")
    params = (("scalar", ()), ("array", (3,)))
    pattern = m.pick(["sum({})", "sum(list({}))", "len(list({})) * 0.1"])
    call = pattern.format(f"{name}({{}}, {{}})")
    m.functions.append(Callable_(call, params, (), family="generators"))


def closure(m: Maker) -> bool:
    """Define a function inside that changes a name around it, and call it."""
    m.tag("closures")
    name, s = m.fresh("function"), Var(m.fresh("scalar"), "scalar")
    m.emit(f"{s.name} = {scalar(m, 1)}")
    m.emit(f"def {name}(e_):")
    m.emit(f"    nonlocal {s.name}")
    scope = dict(m.scope)
    m.bind(Var("e_", "scalar"))
    m.bind(Var(s.name, "scalar"))
    m.indent += 1
    m.emit(f"{s.name} = np.sin({s.name} * e_) + {scalar(m, 1)}")
    if m.chance(0.5):
        m.emit(f"return {s.name} * {scalar_leaf(m)}")
        used = True
    else:
        used = False
    m.indent -= 1
    m.scope = scope
    arrays = m.find("array", dims=1)
    if arrays and m.chance(0.5):
        m.emit(f"for e_ in {m.pick(arrays).name}:")
        m.emit(f"    {name}(e_)")
    else:
        text = f"{name}({scalar(m, 1)})"
        if used:
            t = Var(m.fresh("scalar"), "scalar")
            m.emit(f"{t.name} = {text}")
            m.emit(f"{t.name} += {name}({scalar_leaf(m)})")
            m.bind(t)
        else:
            m.emit(text)
    m.bind(s)
    return True


def consume(m: Maker) -> bool:
    """Loop over a generator function."""
    found = [f for f in m.functions if f.family == "generators"]
    if not found:
        return False
    m.tag("generators")
    f = m.pick(found)
    args = [argument(m, kind, shape, 1) for kind, shape in f.params]
    name = (
        f.pattern.replace("sum(list(", "").replace("len(list(", "").replace("sum(", "")
    )
    name = name[: name.index("(")]
    e, s = m.fresh("scalar"), Var(m.fresh("scalar"), "scalar")
    m.emit(f"{s.name} = {scalar_leaf(m)}")
    m.emit(f"for {e} in {name}({', '.join(args)}):")
    m.emit(f"    {s.name} = np.sin({s.name} + {e})")
    m.bind(s)
    return True


class definition:
    """The body of a function of the program, written before `f`."""

    def __init__(
        self,
        m: Maker,
        name: str,
        params: list[tuple[str, str, Shape]],
        inside: str,
        indent: int = 1,
        scope: list[Var] | None = None,
    ) -> None:
        self.m = m
        self.head = f"def {name}({', '.join(p for p, _, _ in params)}):"
        self.params = params
        self.inside = inside
        self.indent = indent
        self.extra = scope or []

    def __enter__(self) -> None:
        m = self.m
        self.saved = m.scope, m.lines, m.indent, m.loops, m.depth, m.block, m.inside
        m.scope, m.lines, m.indent, m.loops, m.depth = {}, [], self.indent, 0, 0
        m.block, m.inside = m.rng.getrandbits(40) + 1, self.inside
        for name, kind, shape in self.params:
            if name != "self":
                array = kind in ("array", "target")
                m.bind(
                    Var(name, "array" if array else "scalar", shape, kind != "array")
                )
        for var in self.extra:
            m.bind(var)
        m.lines.append("    " * (self.indent - 1) + self.head)

    def __exit__(self, *problem: object) -> None:
        m = self.m
        body = m.lines
        m.scope, m.lines, m.indent, m.loops, m.depth, m.block, m.inside = self.saved
        if len(body) == 1:
            body.append("    " * self.indent + "pass")
        decorated = bool(m.prelude) and m.prelude[-1].lstrip().startswith("@")
        gap = [] if decorated else [""] * (2 if self.indent == 1 else 1)
        m.prelude += [*gap, *body]
