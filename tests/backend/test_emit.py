"""The text that the backend prints for IR made by hand."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from chainrule.backend.emit import emit
from chainrule.backend.link import link
from chainrule.backend.render import render
from chainrule.ir import prims
from chainrule.ir.evaluate import evaluate
from chainrule.ir.nodes import UNDEF, Const, Function, Value
from chainrule.ir.verify import verify
from chainrule.types.lattice import BOOL, INT, ArrayT, ListT, Sym, TupleT
from tests.backend.build import Builder, function

WORLD: dict[str, Any] = {"math": math, "np": np}
VECTOR = ArrayT(np.dtype(float), (Sym("n"),))
MATRIX = ArrayT(np.dtype(float), (Sym("m"), Sym("n")))


def text_of(f: Function) -> str:
    """Print a function that the verifier accepts."""
    verify(f)
    rendered = render(emit(f).tree)
    assert rendered.engine == "astor"
    return rendered.text.strip("\n")


def lines(text: str) -> str:
    """Return a text without the indentation that it has in the test."""
    rows = text.strip("\n").split("\n")
    indent = len(rows[0]) - len(rows[0].lstrip())
    return "\n".join(row[indent:] for row in rows).rstrip()


def body_of(f: Function) -> str:
    """Return the text behind the `def` line."""
    return lines(text_of(f).split("\n", 1)[1])


def charter_function() -> Function:
    """Make the gradient of the example in the charter."""

    def make(b: Builder, x: Value, n: Value, limit: Value) -> Value:
        def forward(b: Builder, s: Value, y: Value, i: Value) -> tuple[Any, ...]:
            t = b.op(math.sin, y, hint="t")
            left = b.op(operator.mul, t, x)
            right = b.op(operator.mul, 0.5, y)
            y2 = b.op(operator.add, left, right, hint="y")
            s2 = b.op(operator.add, s, b.op(operator.mul, y2, t), hint="s")
            test = b.op(operator.gt, s2, limit, type=BOOL)
            (stop,) = b.branch(test, lambda b: True, lambda b: False, (None,), True)
            return stop, s2, y2, y, t, y2

        steps = b.op(range, n)
        carried = {"s": 0.0, "y": x}
        first = b.loop(carried, forward, ((steps, ("i",)),), saved=3)

        def back(
            b: Builder, x_bar: Value, y_bar: Value, y_in: Value, t: Value, y: Value
        ) -> tuple[Any, ...]:
            y_bar2 = b.op(operator.add, y_bar, t, hint="y_bar")
            product = b.op(operator.mul, y_bar2, x)
            t_bar = b.op(operator.add, y, product, hint="t_bar")
            product = b.op(operator.mul, y_bar2, t)
            x_bar2 = b.op(operator.add, x_bar, product, hint="x_bar")
            half = b.op(operator.mul, 0.5, y_bar2)
            rest = b.op(operator.mul, t_bar, b.op(math.cos, y_in))
            y_bar3 = b.op(operator.add, half, rest, hint="y_bar")
            return False, x_bar2, y_bar3

        turned = b.op(reversed, first.tape)
        bars = {"x_bar": 0.0, "y_bar": 0.0}
        last = b.loop(bars, back, ((turned, ("y_in", "t", "y")),))
        return b.op(operator.add, *last.outs)

    return function("f_grad", "x n limit", make, WORLD)


CHARTER = """
def f_grad(x, n, limit):
    # forward sweep
    s = 0.0
    y = x
    tape = []
    for i in range(n):
        y_in = y
        t = math.sin(y)
        y = t * x + 0.5 * y
        s = s + y * t
        tape.append((y_in, t, y))
        if s > limit:
            break
    # reverse sweep
    x_bar = 0.0
    y_bar = 0.0
    for y_in, t, y in reversed(tape):
        y_bar += t
        t_bar = y + y_bar * x
        x_bar += y_bar * t
        y_bar = 0.5 * y_bar + t_bar * math.cos(y_in)
    return x_bar + y_bar
"""


def test_charter_example() -> None:
    """The example of the charter comes out of its IR letter by letter."""
    f = charter_function()
    assert text_of(f) == CHARTER.strip("\n")
    scope: dict[str, Any] = {"math": math}
    exec(text_of(f), scope)
    assert scope["f_grad"](0.3, 5, 10.0) == evaluate(f, 0.3, 5, 10.0)


def test_text_is_deterministic() -> None:
    """The same IR made twice gives the same text."""
    assert text_of(charter_function()) == text_of(charter_function())


def test_two_line_gradient() -> None:
    """A short value with a name is returned without being assigned."""

    def make(b: Builder, x: Value) -> Value:
        return b.op(operator.mul, 2, x, hint="x_bar")

    f = function("f_grad", "x", make)
    assert text_of(f) == "def f_grad(x):\n    return 2 * x"


def test_parallel_assignment() -> None:
    """Variables that change places are assigned at once."""

    def make(b: Builder, n: Value) -> Value:
        def body(b: Builder, a: Value, c: Value, k: Value) -> tuple[Any, ...]:
            return False, c, b.op(operator.add, a, c, hint="c")

        steps = b.op(range, n)
        loop = b.loop({"a": 0, "c": 1}, body, ((steps, ("k",)),))
        return loop.outs[0]

    f = function("fib", "n", make, types={"n": INT})
    expected = """
    a = 0
    c = 1
    for k in range(n):
        a, c = c, a + c
    return a
    """
    assert body_of(f) == lines(expected)


def test_tape_takes_the_old_value_first() -> None:
    """Nothing is copied where appending before the assignment is enough."""

    def make(b: Builder, x: Value, n: Value) -> Value:
        def body(b: Builder, y: Value, k: Value) -> tuple[Any, ...]:
            y2 = b.op(operator.mul, b.op(math.sin, y), x, hint="y")
            return False, y2, y

        steps = b.op(range, n)
        loop = b.loop({"y": x}, body, ((steps, ("k",)),), saved=1)

        def back(b: Builder, y_bar: Value, y: Value) -> tuple[Any, ...]:
            return False, b.op(operator.mul, y_bar, b.op(math.cos, y), hint="y_bar")

        turned = b.op(reversed, loop.tape)
        return b.loop({"y_bar": 1.0}, back, ((turned, ("y", "*")),)).outs[0]

    f = function("g", "x n", make, WORLD)
    expected = """
    # forward sweep
    y = x
    tape = []
    for k in range(n):
        tape.append(y)
        y = math.sin(y) * x
    # reverse sweep
    y_bar = 1.0
    for y in reversed(tape):
        y_bar = y_bar * math.cos(y)
    return y_bar
    """
    assert body_of(f) == lines(expected)


def test_early_returns() -> None:
    """A guard returns and the rest goes on unindented."""

    def make(b: Builder, x: Value) -> Value:
        def rest(b: Builder) -> Value:
            y = b.op(math.sin, x, hint="y")
            return b.op(operator.mul, y, y)

        test = b.op(operator.gt, x, 1, type=BOOL)
        (out,) = b.branch(test, lambda b: b.op(operator.neg, x), rest, (None,), True)
        return out

    expected = """
    if x > 1:
        return -x
    y = math.sin(x)
    return y * y
    """
    assert body_of(function("f", "x", make, WORLD)) == lines(expected)


def test_return_out_of_a_loop() -> None:
    """A flag that only says how the loop was left becomes a return inside it."""

    def make(b: Builder, x: Value, n: Value) -> Value:
        def body(b: Builder, y: Value, found: Value, left: Value, k: Value) -> Any:
            y2 = b.op(operator.mul, y, x, hint="y")
            test = b.op(operator.gt, y2, 9.0, type=BOOL)
            stop, value, flag = b.branch(
                test,
                lambda b: (True, b.op(operator.mul, y2, k), True),
                lambda b: (False, found, False),
                (None, None, None),
                True,
            )
            return stop, y2, value, flag

        steps = b.op(range, n)
        carried = {"y": 1.0, "_found": UNDEF, "_left": False}
        loop = b.loop(carried, body, ((steps, ("k",)),))
        y, found, left = loop.outs
        (out,) = b.branch(left, lambda b: found, lambda b: y, (None,), True)
        return out

    expected = """
    y = 1.0
    for k in range(n):
        y = y * x
        if y > 9.0:
            return y * k
    return y
    """
    assert body_of(function("f", "x n", make)) == lines(expected)


def test_else_of_a_loop() -> None:
    """What runs unless the loop was left is its else clause."""

    def make(b: Builder, x: Value, n: Value) -> Value:
        def body(b: Builder, s: Value, k: Value) -> tuple[Any, ...]:
            s2 = b.op(operator.mul, s, x, hint="s")
            return b.op(operator.gt, s2, 9.0, type=BOOL), s2

        steps = b.op(range, n)
        loop = b.loop({"s": 1.0}, body, ((steps, ("k",)),), ask=True)
        s = loop.outs[0]
        more = b.branch(
            loop.stopped, lambda b: s, lambda b: b.op(operator.neg, s, hint="s"), ("s",)
        )
        return b.op(operator.add, more[0], 1)

    expected = """
    s = 1.0
    for k in range(n):
        s = s * x
        if s > 9.0:
            break
    else:
        s = -s
    return s + 1
    """
    assert body_of(function("f", "x n", make)) == lines(expected)


def test_while_takes_in_its_header() -> None:
    """The test of a while loop is one expression if it can be."""

    def make(b: Builder, x: Value) -> Value:
        def header(b: Builder, y: Value) -> tuple[Any, ...]:
            gap = b.op(abs, b.op(operator.sub, y, x))
            return b.op(operator.gt, gap, 1e-3, type=BOOL), y

        def body(b: Builder, y: Value) -> tuple[Any, ...]:
            return False, b.op(operator.mul, 0.5, y, hint="y")

        return b.loop({"y": 8.0}, body, header=header).outs[0]

    expected = """
    y = 8.0
    while abs(y - x) > 0.001:
        y = 0.5 * y
    return y
    """
    assert body_of(function("f", "x", make)) == lines(expected)


def test_choices_are_expressions() -> None:
    """Short-circuit operators and conditional expressions are printed as such."""

    def make(b: Builder, x: Value, y: Value) -> Value:
        big = b.op(operator.gt, x, 1, type=BOOL)
        (both,) = b.branch(
            big, lambda b: b.op(operator.gt, y, 1, type=BOOL), lambda b: big, (None,)
        )
        (out,) = b.branch(both, lambda b: x, lambda b: y, (None,))
        return b.op(operator.mul, out, 2)

    text = body_of(function("f", "x y", make))
    assert text == "return (x if x > 1 and y > 1 else y) * 2"


def test_subscripts_methods_and_attributes() -> None:
    """Indices, methods and attributes are spelled as in NumPy code."""

    def make(b: Builder, x: Value, i: Value) -> Value:
        part = b.op(slice, i, None, None)
        index = b.op(prims.make_tuple, part, Const(None), Const(...))
        rows = b.op(operator.getitem, x, index, type=MATRIX)
        whole = b.op(getattr, rows, "T", type=MATRIX)
        fixed = (slice(1, None), 0)
        column = b.op(operator.getitem, whole, Const(fixed), type=VECTOR)
        return b.op(np.sum, column, form="method", text="sum", kwargs={"axis": 0})

    text = body_of(function("f", "x i", make, WORLD, {"x": MATRIX, "i": INT}))
    assert text == "return x[i:, None, ...].T[1:, 0].sum(axis=0)"


def test_results_are_taken_apart() -> None:
    """A tuple that is read by parts is unpacked where it is made."""

    def make(b: Builder, a: Value) -> Value:
        pair = b.op(np.linalg.eigh, a, type=TupleT((VECTOR, MATRIX)))
        w = b.op(operator.getitem, pair, 0, hint="w", type=VECTOR)
        return b.op(np.sum, w)

    text = body_of(function("f", "a", make, WORLD, {"a": MATRIX}))
    assert text == "w, _ = np.linalg.eigh(a)\nreturn np.sum(w)"


def test_modules_come_from_the_users_alias() -> None:
    """NumPy is reached by the user's own name for it, or by one that hides nothing."""

    def make(b: Builder, x: Value) -> Value:
        return b.op(np.exp, x)

    assert "numpy.exp(x)" in text_of(function("f", "x", make, {"numpy": np}))
    emitted = emit(function("f", "x", make, {"np": 3}))
    assert "np_2.exp(x)" in render(emitted.tree).text
    assert emitted.free == {"np_2": np}
    shadowed = function("f", "np", make, {"np": np})
    assert emit(shadowed).free == {"np_2": np}


def test_free_functions_are_injected() -> None:
    """A callable without a path is reached by a free name, not by a global."""

    def helper(x: float) -> float:
        return x + 1

    def make(b: Builder, x: Value) -> Value:
        return b.op(helper, x)

    world: dict[str, Any] = {}
    emitted = emit(function("f", "x", make, world))
    rendered = render(emitted.tree)
    run = link(rendered.text, "f", "<chainrule test>", world, emitted.free)
    assert run(2.0) == 3.0
    assert "helper" not in world


def test_constants() -> None:
    """Constants print as Python reads them, in their own type."""

    def make(b: Builder) -> Value:
        values = (-2, math.inf, -math.inf, 1 - 2j, np.float32(0.5), -0.0, range(2, 9))
        return b.op(prims.make_tuple, *map(Const, values), Const(np.dtype("f4")))

    f = function("f", "", make, WORLD)
    for part in (
        "-2",
        "-np.inf",
        "complex(1.0, -2.0)",
        "np.float32(0.5)",
        "range(2, 9)",
    ):
        assert part in text_of(f)
    scope: dict[str, Any] = dict(WORLD)
    exec(text_of(f), scope)
    got = scope["f"]()
    assert got[:4] == (-2, math.inf, -math.inf, 1 - 2j)
    assert type(got[4]) is np.float32 and math.copysign(1, got[5]) == -1


def scatter(retain: bool) -> Function:
    """Make code that adds into a buffer twice; the first state may be kept."""

    def make(b: Builder, x: Value, i: Value) -> Value:
        zero = b.op(np.zeros_like, x, hint="x_bar", type=VECTOR)
        one = b.op(prims.index_add, zero, i, 1.0, hint="x_bar", type=VECTOR)
        tail = Const(slice(1, None))
        two = b.op(prims.index_add, one, tail, 2.0, hint="x_bar", type=VECTOR)
        if retain:
            return b.op(prims.make_tuple, one, two)
        return two

    return function("f", "x i", make, WORLD, {"x": VECTOR, "i": INT})


def test_own_buffers_are_written_in_place() -> None:
    """An update of memory that nobody else sees is an assignment to it."""
    expected = """
    x_bar = np.zeros_like(x)
    x_bar[i] += 1.0
    x_bar[1:] += 2.0
    return x_bar
    """
    assert body_of(scatter(False)) == lines(expected)


def test_shared_buffers_are_copied() -> None:
    """An update of memory that is still needed goes to a copy."""
    f = scatter(True)
    scope: dict[str, Any] = dict(WORLD)
    exec(text_of(f), scope)
    x = np.arange(3.0)
    one, two = scope["f"](x, 0)
    assert one.tolist() == [1.0, 0.0, 0.0]
    assert two.tolist() == [1.0, 2.0, 2.0]
    assert ".copy()" in text_of(f)


def test_parameters_are_never_written() -> None:
    """An update of an argument, or of a view of it, leaves the argument alone."""

    def make(b: Builder, x: Value) -> Value:
        view = b.op(operator.getitem, x, Const(slice(1, None)), hint="v", type=VECTOR)
        out = b.op(prims.index_add, view, 0, 1.0, hint="v", type=VECTOR)
        return b.op(prims.index_add, x, 0, b.op(np.sum, out), hint="x", type=VECTOR)

    f = function("f", "x", make, WORLD, {"x": VECTOR})
    scope: dict[str, Any] = dict(WORLD)
    exec(text_of(f), scope)
    x = np.ones(3)
    assert scope["f"](x).tolist() == [4.0, 1.0, 1.0]
    assert x.tolist() == [1.0, 1.0, 1.0]


def test_repeated_indices_are_all_added() -> None:
    """An index by integer arrays adds every time an element is named."""
    picks = ArrayT(np.dtype(int), (Sym("k"),))

    def make(b: Builder, x: Value, i: Value) -> Value:
        zero = b.op(np.zeros_like, x, type=VECTOR)
        return b.op(prims.index_add, zero, i, 1.0, hint="x_bar", type=VECTOR)

    f = function("f", "x i", make, WORLD, {"x": VECTOR, "i": picks})
    assert "np.add.at(x_bar, i, 1.0)" in text_of(f)


def test_tape_keeps_what_the_loop_overwrites() -> None:
    """A buffer that goes to the tape is not written to afterwards."""

    def make(b: Builder, x: Value, n: Value) -> Value:
        def body(b: Builder, g: Value, k: Value) -> tuple[Any, ...]:
            return False, b.op(prims.index_add, g, k, 1.0, hint="g", type=VECTOR), g

        zero = b.op(np.zeros_like, x, type=VECTOR)
        steps = b.op(range, n)
        loop = b.loop(
            {"g": zero}, body, ((steps, ("k",)),), saved=1, types={"g": VECTOR}
        )
        return b.op(list, loop.tape, type=ListT(None, VECTOR))

    f = function("f", "x n", make, WORLD, {"x": VECTOR, "n": INT})
    scope: dict[str, Any] = dict(WORLD)
    exec(text_of(f), scope)
    assert [g.tolist() for g in scope["f"](np.ones(2), 2)] == [[0.0, 0.0], [1.0, 0.0]]


def test_accumulation_in_place_needs_ownership() -> None:
    """`+=` on an array is printed for a buffer of our own, never for an argument."""

    def make(b: Builder, x: Value, y: Value) -> Value:
        own = b.op(operator.mul, x, 2.0, hint="y_bar", type=VECTOR)
        own = b.op(operator.add, own, y, hint="y_bar", type=VECTOR)
        return b.op(operator.mul, own, own, type=VECTOR)

    f = function("f", "x y", make, WORLD, {"x": VECTOR, "y": VECTOR})
    assert "y_bar += y" in text_of(f)

    def borrow(b: Builder, x_bar: Value, y: Value) -> Value:
        total = b.op(operator.add, x_bar, y, hint="x_bar", type=VECTOR)
        return b.op(operator.mul, total, total, type=VECTOR)

    types = {"x_bar": VECTOR, "y": VECTOR}
    assert "x_bar = x_bar + y" in text_of(
        function("f", "x_bar y", borrow, WORLD, types)
    )


def test_effects_keep_their_place() -> None:
    """A value computed before an effect is not moved behind it."""
    seen: list[float] = []

    def make(b: Builder, x: Value) -> Value:
        first = b.op(operator.truediv, 1.0, x)
        b.op(seen.append, x, effect=True)
        return b.op(operator.add, first, 1.0)

    emitted = emit(function("f", "x", make))
    body = render(emitted.tree).text.split("\n")[1:]
    assert "1.0 / x" in body[0] and "append(x)" in body[1]


def test_calls_come_first() -> None:
    """Functions that are called stand before their caller, under names of their own."""

    def double(b: Builder, x: Value) -> Value:
        return b.op(operator.mul, 2, x)

    one, two = function("g", "x", double), function("g", "x", double)

    def make(b: Builder, x: Value) -> Value:
        return b.op(operator.add, b.call(one, x), b.call(two, x))

    text = text_of(function("f", "x", make))
    assert text.count("def ") == 3 and text.index("def f") > text.index("def g2")
    scope: dict[str, Any] = {}
    exec(text, scope)
    assert scope["f"](3.0) == 12.0


def test_values_with_one_name_are_told_apart() -> None:
    """Versions of a variable that are needed together get numbers."""

    def make(b: Builder, x: Value) -> Value:
        h = b.op(math.sin, x, hint="h")
        h2 = b.op(math.cos, h, hint="h")
        return b.op(operator.mul, h, b.op(operator.mul, h2, h2))

    text = body_of(function("f", "x", make, WORLD))
    assert text == "h = math.sin(x)\nh2 = math.cos(h)\nreturn h * (h2 * h2)"


def test_undefined_results_print_nothing() -> None:
    """A path without a value assigns nothing, and the error is Python's own."""

    def make(b: Builder, x: Value) -> Value:
        test = b.op(operator.gt, x, 0, type=BOOL)
        (y,) = b.branch(test, lambda b: 2.0, lambda b: UNDEF, ("y",))
        return b.op(operator.mul, y, x)

    text = body_of(function("f", "x", make))
    assert text == "if x > 0:\n    y = 2.0\nreturn y * x"


def test_docstring_and_defaults() -> None:
    """A docstring and the defaults of the signature are kept."""
    import inspect

    def user(x: float, /, y: float = 2.0, *, k: int = -1) -> None: ...

    def make(b: Builder, x: Value, y: Value, k: Value) -> Value:
        return b.op(operator.add, x, b.op(operator.mul, y, k))

    f = function("f", "x y k", make, signature=inspect.signature(user), doc="Say why.")
    assert text_of(f).split("\n") == [
        "def f(x, /, y=2.0, *, k=-1):",
        '    """Say why."""',
        "    return x + y * k",
    ]
