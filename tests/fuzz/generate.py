"""A whole program from a seed.

In: a seed and the families it may draw from. Out: `Program`, the text of a module that
has `f` and `arguments`, a function that returns fresh arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz import (
    control,
    dicts,
    functions,
    lists,
    objects,
    plain,
    recursion,
    stores,
    views,
)
from tests.fuzz.expressions import scalar
from tests.fuzz.maker import FAMILIES, Maker, Shape, Var

HEADER = """import math
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass

import numpy as np
"""


@dataclass(frozen=True)
class Program:
    """The text of a module, and the families that its statements come from."""

    seed: int
    source: str
    families: tuple[str, ...]


Statement = Callable[[Maker], bool]
# (weight, families that must take part, statement)
MENU: list[tuple[float, tuple[str, ...], Statement]] = [
    (3, (), plain.assign_scalar),
    (3, (), plain.assign_array),
    (0.5, (), plain.unpack),
    (2.5, ("helpers",), plain.call_helper),
    (5, ("stores",), stores.store),
    (2, ("stores",), stores.whole),
    (1, ("stores",), stores.exchange),
    (4, ("outputs",), stores.output),
    (2, ("recurrences",), stores.recurrence),
    (2, ("dtypes",), stores.typed),
    (4, ("views",), views.view),
    (0.7, ("views",), views.split),
    (2, ("aliases",), views.alias),
    (1, ("aliases",), views.rename),
    (1, ("aliases",), views.through),
    (2, ("lists",), lists.new_list),
    (2, ("lists",), lists.grow),
    (1.5, ("lists",), lists.shrink),
    (2, ("lists",), lists.write_list),
    (0.5, ("lists", "aliases"), lists.second_name),
    (1, ("lists",), lists.gather),
    (0.5, ("lists",), lists.nested_lists),
    (2, ("dicts",), dicts.new_dict),
    (2.5, ("dicts",), dicts.write_dict),
    (1, ("dicts",), dicts.over_dict),
    (0.7, ("dicts",), dicts.special),
    (1.5, ("closures",), functions.closure),
    (1.5, ("generators",), functions.consume),
    (3, ("writers",), plain.call_writer),
    (3, ("recursion",), plain.call_writer),
    (1.5, ("recursion",), recursion.recursive_closure),
    (2, ("objects",), plain.call_writer),
    (0.5, ("objects",), plain.call_helper),
]


def generate(seed: int, allowed: tuple[str, ...] = FAMILIES, size: int = 12) -> Program:
    """Return the program of a seed, of less than `size` statements in `f`.

    It is the same one whenever the families and the size are the same.
    """
    m = Maker(seed, frozenset())
    count = min(len(allowed), m.rng.randrange(2, 6))
    chosen = set(m.rng.sample(allowed, count))
    if chosen & {"views", "aliases", "arguments", "overlap", "writers", "recursion"}:
        chosen |= {"stores"} & set(allowed)
    if chosen & {"generators", "writers"}:
        chosen |= {"helpers"} & set(allowed)
    m.families = frozenset(chosen)
    m.budget = m.rng.randrange(3, size)
    made = _arguments(m)
    _definitions(m)
    if m.uses("objects"):
        objects.new_object(m, block)
    block(m, m.budget)
    m.emit(f"return {_result(m)}")
    text = HEADER + "\n".join(m.prelude) + ("\n" if m.prelude else "") + "\n\n"
    body = "\n".join(m.lines)
    text += f"def f({', '.join(m_name for m_name, _ in made)}):\n{body}\n"
    text += "\n\ndef arguments():\n" + _maker_of(m, made)
    return Program(seed, text, tuple(sorted(m.tags)) or ("plain",))


def block(m: Maker, count: int) -> None:
    """Write some statements; at least one."""
    lines = len(m.lines)
    for _ in range(max(count, 1)):
        if m.inside == "main":
            m.budget -= 1
            if m.budget < 0:
                break
        statement(m)
    if len(m.lines) == lines:
        plain.assign_scalar(m)


def statement(m: Maker) -> None:
    """Write one statement, which may hold others."""
    for _ in range(20):
        options: list[tuple[float, Statement]] = [
            (weight, made) for weight, needs, made in MENU if m.uses(*needs)
        ]
        if m.depth < 2 and m.inside != "method":
            if m.uses("branches"):
                options.append((2.5, lambda m: control.branch(m, block)))
            if m.uses("loops"):
                options.append((2.5, lambda m: control.for_loop(m, block)))
                options.append((0.8, lambda m: control.while_loop(m, block)))
        if m.inside != "main":
            barred = (
                dicts.special,
                functions.closure,
                recursion.recursive_closure,
                stores.recurrence,
            )
            options = [(w, s) for w, s in options if s not in barred]
        if m.weighted(options)(m):
            return


def _definitions(m: Maker) -> None:
    if m.uses("helpers"):
        functions.helper(m, block)
    if m.uses("writers"):
        functions.writer(m, block)
        if m.chance(0.4):
            functions.writer(m, block)
    if m.uses("recursion"):
        recursion.recursive_writer(m, block)
    if m.uses("generators"):
        functions.generator(m, block)


def _arguments(m: Maker) -> list[tuple[str, str]]:
    """Choose the parameters; return their names and the text of their values."""
    writable = m.uses("arguments")
    shape: Shape = m.pick([(3,), (3,), (4,)])
    matrix: Shape = m.pick([(2, 3), (3, 3), (3, 2), (2, 2)])
    made = [("a", m.constant()), ("u", _numbers(m, shape))]
    m.bind(Var("a", "scalar"))
    m.bind(Var("u", "array", shape, writable))
    if m.chance(0.5):
        made.append(("b", m.constant()))
        m.bind(Var("b", "scalar"))
    if m.uses("overlap"):
        m.tag("overlap")
        text = m.pick(["u", "u[::-1]", "u[:-1]", "u[1:]"])
        size = shape[0] if text in ("u", "u[::-1]") else shape[0] - 1
        made.append(("v", text))
        m.bind(Var("v", "array", (size,), writable))
    elif m.chance(0.6):
        made.append(("v", _numbers(m, shape)))
        m.bind(Var("v", "array", shape, writable))
    if m.chance(0.5):
        made.append(("M", _numbers(m, matrix)))
        m.bind(Var("M", "array", matrix, writable))
    made += _containers(m, shape, writable)
    made.append(("n", str(m.rng.randrange(1, 5))))
    m.bind(Var("n", "integer", size=0))
    if writable:
        m.tag("arguments")
    m.taken |= {name for name, _ in made}
    return made


def _containers(m: Maker, shape: Shape, writable: bool) -> list[tuple[str, str]]:
    """Choose parameters that are lists and dicts, copied where not to be written."""
    made: list[tuple[str, str]] = []
    if m.uses("lists") and m.chance(0.3):
        made.append(("L", f"[{', '.join(m.constant() for _ in range(3))}]"))
        m.bind(Var("L", "list", (), size=3))
    if m.uses("lists") and m.chance(0.3):
        made.append(("R", f"[{_numbers(m, shape)}, {_numbers(m, shape)}]"))
        m.bind(Var("R", "list", shape, size=2))
    if m.uses("dicts") and m.chance(0.4):
        text = f'{{"p": {m.constant()}, "q": {_numbers(m, shape)}}}'
        made.append(("P", text))
        m.bind(Var("P", "dict"))
        m.bind(Var('P["p"]', "scalar", plain=False))
        m.bind(Var('P["q"]', "array", shape, writable, plain=False))
    for name, _ in made:
        if not writable:
            m.emit(f"{name} = {'dict' if name == 'P' else 'list'}({name})")
    return made


def _numbers(m: Maker, shape: Shape) -> str:
    if len(shape) == 1:
        return f"np.array([{', '.join(m.constant() for _ in range(shape[0]))}])"
    rows = [
        f"[{', '.join(m.constant() for _ in range(shape[1]))}]" for _ in range(shape[0])
    ]
    return f"np.array([{', '.join(rows)}])"


def _maker_of(m: Maker, made: list[tuple[str, str]]) -> str:
    lines = []
    values = []
    for name, text in made:
        if name == "u" or (name == "v" and "u" in text):
            lines.append(f"    {name} = {text}")
            values.append(name)
        else:
            values.append(text)
    return "\n".join([*lines, f"    return {', '.join(values)}", ""])


def _result(m: Maker) -> str:
    """Return the result: of many names, so that what was written is seen."""
    numbers = [v.name for v in m.find("scalar") if "e_" != v.name]
    arrays = m.find("array")
    chosen = m.rng.sample(numbers, min(len(numbers), 3))
    seen = m.rng.sample(arrays, min(len(arrays), 4))
    if not any(v.name == "u" for v in seen):
        seen.append(m.scope["u"])
    terms = [m.pick([f"np.sin({s})", f"{s} * {m.constant()}", s]) for s in chosen]
    for v in seen:
        x = v.name
        forms = [f"np.sum(np.sin({x}))", f"np.sum({x} * {x})", f"{x}.sum()"]
        forms.append(f"np.sum({x} * np.cos({x}))")
        if len(v.shape) == 1:
            forms.append(f"{x} @ np.arange(1.0, {v.shape[0] + 1}.0)")
        terms.append(m.pick(forms))
    for v in [v for v in m.find("list") if v.size][:2]:
        if v.shape == ():
            terms.append(f"sum(e_ * np.cos(e_) for e_ in {v.name})")
        else:
            terms.append(f"sum(np.sum(np.sin(e_)) for e_ in {v.name})")
    m.rng.shuffle(terms)
    total = " + ".join([*terms, f"a * {scalar(m, 0)}"])
    return m.weighted([(6, total), (1, f"float({total})"), (1, f"np.array({total})")])
