"""Statements that write into arrays: items, slices, masks, integer arrays, `out=`.

In: a `Maker`. Out: lines. What may be written is marked so in the scope.
"""

from __future__ import annotations

from tests.fuzz.expressions import (
    array,
    array_leaf,
    condition,
    expression,
    fitting,
    index,
    scalar,
    scalar_leaf,
)
from tests.fuzz.maker import Maker, Shape, Var

Target = tuple[str, Shape | None]  # text, and the shape of what is stored


def store(m: Maker) -> bool:
    """Store into a part of an array, plainly or augmented."""
    found = m.find("array", writable=True)
    if not found:
        return False
    m.tag("stores")
    v = m.pick(found)
    text, shape = target(m, v)
    if m.chance(0.55):
        m.emit(f"{text} = {value(m, v, shape)}")
    else:
        m.emit(augmented(m, v, text, shape))
    return True


def target(m: Maker, v: Var) -> Target:
    """Return a part of an array that can stand left of `=`."""
    if v.shape == ():
        return m.pick([(f"{v.name}[...]", ()), (f"{v.name}[()]", ())])
    forms = _vector_targets(m, v) if len(v.shape) == 1 else _matrix_targets(m, v)
    return m.pick(forms)


def _vector_targets(m: Maker, v: Var) -> list[Target]:
    x, (n,) = v.name, v.shape
    i, j = index(m, n), index(m, n)
    other = array_leaf(m, v.shape)
    forms: list[Target] = [(f"{x}[{i}]", ())] * 4
    forms += [(f"{x}[...]", (n,)), (f"{x}[:]", (n,)), (f"{x}[::-1]", (n,))]
    forms += [(f"{x}[::2]", ((n + 1) // 2,)), (f"{x}[[{i}, {j}]]", (2,))]
    forms += [(f"{x}[np.array([{i}, {j}, {i}])]", (3,)), (f"{x}.flat[{i}]", ())]
    forms += [(f"{x}[{x} > {m.threshold()}]", None), (f"{x}.ravel()[{i}]", ())]
    forms += [(f"{x}[{other} < {m.threshold()}]", None), (f"{x}[{i}, ...]", ())]
    if n > 1:
        forms += [(f"{x}[1:]", (n - 1,)), (f"{x}[:-1]", (n - 1,))] * 2
        forms += [(f"{x}[1:][{index(m, n - 1)}]", ()), (f"{x}[::-1][1:]", (n - 1,))]
    loop = [k for k in m.find("integer") if 0 < k.size <= n]
    if loop:
        k = m.pick(loop).name
        forms += [
            (f"{x}[{k}:]", None),
            (f"{x}[{k}:{k} + 1]", (1,)),
            (f"{x}[:{k}]", None),
        ]
    return forms


def _matrix_targets(m: Maker, v: Var) -> list[Target]:
    x, (r, c) = v.name, v.shape
    i, j, k = index(m, r), index(m, c), index(m, c)
    forms: list[Target] = [(f"{x}[{i}, {j}]", ())] * 3
    forms += [(f"{x}[{i}]", (c,)), (f"{x}[:, {j}]", (r,)), (f"{x}[...]", (r, c))] * 2
    forms += [
        (f"{x}[{i}][{j}]", ()),
        (f"{x}[{i}, ::-1]", (c,)),
        (f"{x}[..., {j}]", (r,)),
    ]
    forms += [(f"{x}.T[{j}]", (r,)), (f"{x}.T[{j}, {i}]", ()), (f"{x}[::-1]", (r, c))]
    forms += [(f"{x}[[{i}, {i}], [{j}, {k}]]", (2,)), (f"{x}[:, [{j}, {k}]]", (r, 2))]
    forms += [(f"{x}[{x} > {m.threshold()}]", None), (f"{x}.flat[{i}]", ())]
    forms += [(f"{x}.ravel()[{j}]", ()), (f"{x}.reshape(-1)[{i}:{i}+2]", None)]
    forms += [(f"{x}[[{i}, {index(m, r)}]]", (2, c)), (f"{x}[{i}, :2]", (min(2, c),))]
    if r > 1 and c > 1:
        forms += [(f"{x}[1:, :-1]", (r - 1, c - 1)), (f"{x}[:-1, 1:]", (r - 1, c - 1))]
    return [f for f in forms if "-1:-1+2" not in f[0]]


def value(m: Maker, v: Var, shape: Shape | None) -> str:
    """Return what is stored: often a part of the same array."""
    if shape is None:
        return scalar(m)
    if m.chance(0.35) and v.shape:
        same = [t for t, s in (target(m, v) for _ in range(6)) if s == shape]
        if same:
            return m.pick(
                [same[0], f"{scalar_leaf(m)} * {same[0]}", f"np.sin({same[0]})"]
            )
    return fitting(m, shape)


def augmented(m: Maker, v: Var, text: str, shape: Shape | None) -> str:
    """Return an augmented store whose values stay bounded."""
    operator = m.weighted(
        [
            (4, "+="),
            (3, "-="),
            (3, "*="),
            (2, "/="),
            (0.5, "**="),
            (0.2, "%="),
            (0.1, "//="),
        ]
    )
    if operator in ("+=", "-="):
        return f"{text} {operator} {value(m, v, shape)}"
    if operator == "*=":
        return f"{text} *= np.cos({value(m, v, shape)})"
    if operator == "/=":
        return f"{text} /= 1.5 + np.sin({value(m, v, shape)})"
    if operator == "**=":
        return f"{text} **= {m.pick(['2', '3', '2.0'])}"
    return f"{text} {operator} {m.pick(['0.7137', '1.3137'])}"


def whole(m: Maker) -> bool:
    """Change a whole array in place by its name."""
    found = m.find("array", writable=True)
    if not found:
        return False
    m.tag("stores")
    v = m.pick(found)
    square = len(v.shape) == 2 and v.shape[0] == v.shape[1]
    if square and m.chance(0.2):
        m.emit(f"{v.name} @= 0.5 * {expression(m, v.shape, 1)}")
        return True
    line = augmented(m, v, v.name, v.shape)
    if len(v.shape) == 1 and m.chance(0.2):
        line = f"{v.name} += 0.5 * {v.name}[::-1]"
    m.emit(line)
    return True


def exchange(m: Maker) -> bool:
    """Exchange rows or elements, or store to several places at once."""
    found = [v for v in m.find("array", writable=True) if v.shape]
    if not found:
        return False
    m.tag("stores")
    v = m.pick(found)
    x, n = v.name, v.shape[0]
    i, j = index(m, n), index(m, n)
    forms = [
        f"{x}[{i}], {x}[{j}] = {x}[{j}], {x}[{i}]",
        f"{x}[[{i}, {j}]] = {x}[[{j}, {i}]]",
        f"{x}[{i}] = {x}[{j}] = {scalar(m, 1)}",
        f"{x}[:] = {x}[::-1]",
    ]
    if n > 1:
        forms += [f"{x}[1:] = {x}[:-1]", f"{x}[:-1] += {x}[1:]"]
    if v.shape == (3, 3):
        forms += [f"{x} += {x}.T", f"{x}[:] = {x}.T", f"{x}[0] += {x}[:, 1]"]
    m.emit(m.pick(forms))
    return True


def output(m: Maker) -> bool:
    """Call a function of NumPy that writes into an array."""
    found = [v for v in m.find("array", writable=True) if v.shape]
    if not found:
        return False
    m.tag("outputs")
    v = m.pick(found)
    m.emit(m.pick(_outputs(m, v)))
    return True


def _outputs(m: Maker, v: Var) -> list[str]:
    x, s = v.name, v.shape
    leaf, other = array_leaf(m, s), array_leaf(m, s)
    mask = f"{other} > {m.threshold()}"
    name = m.pick(["np.sin", "np.tanh", "np.cos", "np.arctan"])
    i, j = index(m, s[0]), index(m, s[0])
    forms = [
        f"{name}({leaf}, out={x})",
        f"{name}({x}, out={x})",
        f"{name}({x}, {x})",
        f"np.add({leaf}, {fitting(m, s, 1)}, out={x})",
        f"np.multiply({leaf}, {other}, out={x})",
        f"np.subtract({leaf}, {other}, out={x}, where={mask})",
        f"np.copyto({x}, {fitting(m, s, 1)})",
        f"np.copyto({x}, {leaf}, where={mask})",
        f"{x}.fill({scalar(m, 1)})",
        f"np.clip({x}, -0.9137, 0.9137, out={x})",
        f"np.putmask({x}, {mask}, {leaf})",
    ]
    if len(s) == 1:
        forms += [
            f"np.add.at({x}, [{i}, {j}, {i}], {array(m, (3,), 1)})",
            f"np.add.at({x}, {i}, {scalar(m, 1)})",
            f"np.subtract.at({x}, np.array([{i}, {j}]), {scalar(m, 1)})",
            f"np.put({x}, [{i}, {j}], {array(m, (2,), 1)})",
            f"{x}.sort()",
            f"np.cumsum({leaf}, out={x})",
        ]
    else:
        forms += [
            f"np.fill_diagonal({x}, {scalar(m, 1)})",
            f"{x}.sort(axis={m.pick('01')})",
            f"np.add.at({x}, ([{i}, {i}], [0, {index(m, s[1])}]), {scalar(m, 1)})",
            f"np.put_along_axis({x}, {x}.argsort(axis=1)[:, :1], {scalar(m, 1)}, 1)",
        ]
    if len(s) == 1 and s[0] > 1:
        forms += [f"np.add({x}[1:], {x}[:-1], out={x}[1:])"]
    return forms


def recurrence(m: Maker) -> bool:
    """Fill an array element by element from the elements before it."""
    m.tag("recurrences")
    x, i = m.fresh("array"), m.fresh("integer")
    p, q = scalar_leaf(m), scalar_leaf(m)
    size = m.pick(["n + 1", "5", "n + 2"])
    form = m.rng.randrange(5)
    m.emit(f"{x} = {m.pick(['np.zeros', 'np.ones', 'np.empty'])}({size})")
    m.emit(f"{x}[0] = {scalar(m, 1)}")
    m.emit(f"for {i} in range(1, len({x})):")
    step = [
        f"{x}[{i}] = np.sin({x}[{i} - 1]) * {p} + {q}",
        f"{x}[{i}] = {x}[{i} - 1] + 0.3 * np.cos({x}[{i} - 1] * {p})",
        f"{x}[{i}] = {p} * np.tanh({x}[{i} - 1] - {q}) * {x}[0]",
        f"{x}[{i}] = np.sum(np.sin({x}[:{i}])) * {p} / {i}",
        f"{x}[{i}] = {x}[{i} - 1] / (1.5 + {x}[max({i} - 2, 0)] ** 2) + {q}",
    ][form]
    m.indent += 1
    m.emit(step)
    if m.uses("branches") and m.chance(0.3):
        m.emit(f"if {condition(m)}:")
        m.emit(f"    {x}[{i}] *= {scalar_leaf(m)}")
    m.indent -= 1
    result = Var(m.fresh("scalar"), "scalar")
    last = m.pick([f"{x}[-1]", f"np.sum({x} * {x})", f"np.sum(np.sin({x}))"])
    m.emit(f"{result.name} = {last}")
    m.bind(result)
    return True


def typed(m: Maker) -> bool:
    """Store through another dtype: float32, integers as indices, complex parts."""
    m.tag("dtypes")
    x = m.fresh("array")
    s = Var(m.fresh("scalar"), "scalar")
    shape = m.pick([(3,), (2,), (4,)])
    i, j = index(m, shape[0]), index(m, shape[0])
    leaf = array(m, shape, 1)
    blocks = [
        [
            f"{x} = np.zeros({shape[0]}, complex)",
            f"{x}.real = {leaf}",
            f"{x}.imag[{i}] = {scalar(m, 1)}",
            f"{s.name} = np.sum(np.abs({x} * (1 + 2j)) ** 2)",
        ],
        [
            f"{x} = np.zeros({shape[0]}, int)",
            f"{x}[{i}] = {shape[0] - 1}",
            f"{x}[{j}] += 1",
            f"{s.name} = np.sum(({leaf})[{x} % {shape[0]}])",
        ],
        [
            f"{x} = np.zeros({shape[0]}, dtype=bool)",
            f"{x}[{i}] = True",
            f"{s.name} = np.sum(np.where({x}, {leaf}, {scalar_leaf(m)}))",
        ],
        [
            f"{x} = {leaf} + 0j",
            f"{x}[{i}] *= 1j * {scalar_leaf(m)}",
            f"{s.name} = np.sum({x}.real * {x}.imag) + {x}[{i}].imag",
        ],
    ]
    for line in m.pick(blocks):
        m.emit(line)
    m.bind(s)
    return True
