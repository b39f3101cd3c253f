"""Functions that call themselves until a number is small, and write meanwhile.

In: a `Maker`. Out: definitions before `f` of functions that write into an argument, and
statements of `f` that define a function which writes what is around it, and call it.
"""

from __future__ import annotations

from tests.fuzz.expressions import scalar, scalar_leaf
from tests.fuzz.functions import Block, definition
from tests.fuzz.maker import Callable_, Maker, Shape, Var

# No number that is halved so often is above it any more; nothing ties with it.
SMALL = "0.2137"


def recursive_writer(m: Maker, block: Block) -> None:
    """Define a function that writes into its argument and calls itself."""
    from tests.fuzz.stores import store

    name = m.fresh("function")
    shape: Shape = m.pick([(3,), (4,), (2, 3)])
    params = (("target", shape), ("scalar", ()))
    result: Shape | None = m.pick([None, (), shape])
    with definition(m, name, [("arr", *params[0]), ("c", *params[1])], "helper"):
        store(m)
        if m.chance(0.4):
            block(m, 1)
        _again(m, name, "arr, ", result)
        if result is not None:
            m.emit("return arr" if result == shape else f"return {scalar(m, 1)}")
    m.functions.append(
        Callable_(
            f"{name}({{}}, {{}})",
            params,
            result,
            family="recursion",
            writes=True,
        )
    )


def _again(m: Maker, name: str, first: str, result: Shape | None) -> None:
    """Call the function from itself, once or twice, with smaller numbers."""
    m.emit(f"if np.abs(c) > {SMALL}:")
    factors = ["0.5"] if m.chance(0.6) else ["0.5", "-0.3"]
    for factor in factors:
        call = f"{name}({first}np.tanh(c) * {factor})"
        if result == () and m.chance(0.6):
            call = f"c = c + {call}"
        elif result is not None and result != () and m.chance(0.3):
            call = f"return {call}"
        m.emit(f"    {call}")


def recursive_closure(m: Maker) -> bool:
    """Define a function inside that writes what is around it; call it."""
    m.tag("recursion")
    name, s = m.fresh("function"), Var(m.fresh("scalar"), "scalar")
    arrays = [v for v in m.find("array", dims=1) if v.writable and v.plain]
    m.emit(f"{s.name} = {scalar(m, 1)}")
    grows = m.chance(0.4)
    items = m.fresh("list")
    if grows:
        m.emit(f"{items} = []")
    m.emit(f"def {name}(c):")
    scope = dict(m.scope)
    m.indent += 1
    m.emit(f"nonlocal {s.name}")
    m.bind(Var("c", "scalar"))
    m.bind(Var(s.name, "scalar"))
    m.emit(f"{s.name} = np.sin({s.name} * c) + {scalar_leaf(m)}")
    if grows:
        m.emit(f"{items}.append({s.name} * 0.5)")
    if arrays:
        m.emit(f"{m.pick(arrays).name}[{m.pick(['0', '-1', '1:'])}] += c * 0.3")
    m.emit(f"if np.abs(c) > {SMALL}:")
    for factor in ["0.5"] if m.chance(0.6) else ["0.5", "-0.3"]:
        m.emit(f"    {name}(np.tanh(c) * {factor})")
    m.indent -= 1
    m.scope = scope
    m.emit(f"{name}({scalar(m, 1)})")
    if m.chance(0.3):
        m.emit(f"{name}({scalar_leaf(m)})")
    if grows:
        m.emit(f"{s.name} = {s.name} + sum({items}) * 0.1")
    m.bind(s)
    return True
