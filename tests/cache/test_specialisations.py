"""The entry of a derivative: what it compiles, when, and what it keeps."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from chainrule import grad, value_and_grad
from chainrule.backend.link import link
from chainrule.cache import specialisations, store
from chainrule.errors import NotDifferentiable, not_differentiable
from chainrule.ir.nodes import Loc
from chainrule.request import Input, Known
from chainrule.types.lattice import maybe_one
from tests.fake_pipeline import FakePipeline


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePipeline]:
    """Replace the compiler; its gradient is twice the first argument."""
    fake = FakePipeline(
        grad=lambda request: lambda x, *rest: 2 * x,
        value_and_grad=lambda request: lambda x, *rest: (x * x, 2 * x),
    )
    monkeypatch.setattr(specialisations, "build", fake.build)
    store.clear()
    yield fake
    store.clear()


def failure() -> NotDifferentiable:
    """Return what the compiler raises when it sees that the program itself fails."""
    error = not_differentiable("CR107", None, "the program fails")
    error.primal_fails = True
    return error


def test_types_are_compiled_once(compiler: FakePipeline) -> None:
    """Calls with arguments of the same types share a specialisation."""
    df = grad(lambda x: x * x)
    assert (df(1.0), df(2.0)) == (2.0, 4.0)
    assert np.array_equal(df(np.ones(2)), [2.0, 2.0])
    df(np.ones(3)), df(3.0)
    assert len(compiler.requests) == 2


def test_used_sizes_split_specialisations(compiler: FakePipeline) -> None:
    """A size of 1 compiles anew exactly when inference relied on the size."""
    df = grad(lambda x: x * x)
    df(np.ones((3, 2)))
    df(np.ones((4, 5)))
    assert len(compiler.requests) == 1
    compiler.consume = lambda inputs: maybe_one(inputs["x"].type.dims[0])
    dg = grad(lambda x: x + x)
    dg(np.ones((3, 2)))
    dg(np.ones((4, 5)))
    assert len(compiler.requests) == 2
    dg(np.ones((1, 5)))
    assert len(compiler.requests) == 3


def test_gradients_in_a_loop_share(compiler: FakePipeline) -> None:
    """`grad` of the same function, or of a lambda in a loop, compiles once."""

    def f(x, k=1.0):
        return k * x

    for _ in range(3):
        grad(f)(1.0)
        grad(lambda x: x + 1)(1.0)
    assert len(compiler.requests) == 2


def test_equal_code_with_other_defaults_or_cells_is_not_shared(
    compiler: FakePipeline,
) -> None:
    """Functions made in a loop see their own defaults and captured variables."""
    compiler.calls["grad"] = lambda request: lambda x, *rest: (request.function, *rest)
    with_default = [lambda x, k=k: k * x for k in (1.0, 2.0)]
    with_cell = [(lambda k: lambda x: k * x)(k) for k in (1.0, 2.0)]
    assert [grad(f)(1.0)[1] for f in with_default] == [1.0, 2.0]
    assert [grad(f)(1.0)[0] for f in with_cell] == with_cell


def test_defaults_are_read_at_the_call(compiler: FakePipeline) -> None:
    """A default that is replaced after the derivative was made is seen."""
    compiler.calls["grad"] = lambda request: lambda x, k, scale: (k, scale)

    def f(x, k=1.0, *, scale=2.0):
        return x

    df = grad(f)
    assert df(1.0) == (1.0, 2.0)
    f.__defaults__, f.__kwdefaults__ = (3.0,), {"scale": 4.0}
    assert df(1.0) == (3.0, 4.0)
    assert df(1.0, k=5.0, scale=6.0) == (5.0, 6.0)


def test_all_kinds_of_parameters(compiler: FakePipeline) -> None:
    """Generated code gets every parameter by position, `*args` and `**kwargs` whole."""
    compiler.calls["grad"] = lambda request: lambda *values: values

    def f(a, b=2.0, /, c=3.0, *args, d, e=5.0, **kwargs):
        return a

    assert grad(f)(1.0, d=4.0) == (1.0, 2.0, 3.0, (), 4.0, 5.0, {})
    found = grad(f)(1.0, 0.0, 0.5, 6.0, 7.0, d=4.0, q=8.0)
    assert found == (1.0, 0.0, 0.5, (6.0, 7.0), 4.0, 5.0, {"q": 8.0})


def test_wrong_calls_are_type_errors_of_the_function(compiler: FakePipeline) -> None:
    """Missing and unknown arguments are reported as Python does."""

    def loss(w, X):
        return w

    with pytest.raises(TypeError, match=r"loss.grad\(\) missing 1 required .*'X'"):
        grad(loss)(1.0)
    with pytest.raises(TypeError, match="unexpected keyword argument 'q'"):
        grad(loss)(1.0, 2.0, q=1)
    assert compiler.requests == []


def test_old_specialisations_are_dropped(compiler: FakePipeline) -> None:
    """Static integers do not fill the memory; what is used again is compiled again."""
    compiler.more = lambda request: [
        Input("param", "n", (), Known(compiler.requests[-1][1]["n"]))
    ]

    def f(x, n):
        return x

    df = grad(f)
    for n in range(20):
        df(1.0, n)
    assert len(compiler.requests) == 20
    for n in range(20 - specialisations.LIMIT, 20):
        df(1.0, n)
    assert len(compiler.requests) == 20
    df(1.0, 0)
    assert len(compiler.requests) == 21
    names = [name for name in df.func.__globals__ if "call" in name]
    assert len(names) == specialisations.LIMIT


@pytest.mark.parametrize("value", [3, np.int64(3), np.array([3]), np.uint8(3)])
def test_integers_are_taken_as_reals(compiler: FakePipeline, value: Any) -> None:
    """The compiler sees a float where an integer is to be differentiated."""
    df = value_and_grad(lambda x: x * x)
    _, bar = df(value)
    seen = compiler.requests[0][1]["x"]
    assert np.asarray(seen).dtype == np.float64 and np.asarray(bar).dtype == np.float64
    assert type(seen) is type(value * 1.0)
    df(value)
    assert len(compiler.requests) == 1


def test_integers_in_containers_are_taken_as_reals(compiler: FakePipeline) -> None:
    """All leaves become reals in a copy, the argument stays as it is."""
    compiler.calls["grad"] = lambda request: lambda x: x
    given = {"w": [1, 2.0], "k": (np.arange(3), True, None, "s")}
    seen = grad(lambda x: x)(given)
    assert seen["w"] == [1.0, 2.0] and type(seen["w"][0]) is float
    assert seen["k"][0].dtype == np.float64
    assert seen["k"][1:] == (True, None, "s")
    assert type(given["w"][0]) is int and given["k"][0].dtype == np.int64


def test_a_count_inside_a_container_stays_an_integer(compiler: FakePipeline) -> None:
    """Where the program fails with a real, integers in containers are left alone."""

    def build(request: Any) -> Any:
        if type(compiler.requests[-1][1]["p"]["n"]) is float:
            raise failure()
        return lambda p: p

    compiler.calls["grad"] = build
    df = grad(lambda p: p)
    for _ in range(2):
        assert df({"w": 1.0, "n": 3}) == {"w": 1.0, "n": 3}
    assert len(compiler.requests) == 2


def test_elements_of_varargs_are_active_one_by_one(compiler: FakePipeline) -> None:
    """Positions beyond the named parameters are elements of `*args`."""
    compiler.calls["grad"] = lambda request: lambda *values: (request.wrt, *values)

    def f(a, *args, **kw):
        return a

    assert grad(f, 2)(1, 2, 3) == (("args[1]",), 1, (2, 3.0), {})
    assert grad(f, -1)(1, 2) == (("args[0]",), 1, (2.0,), {})
    assert grad(f, -1)(1, 2, 3) == (("args[1]",), 1, (2, 3.0), {})
    found = grad(f, argnames="w")(1, w=2, v=3)
    assert found == (("kw['w']",), 1, (), {"w": 2.0, "v": 3})
    assert type(found[3]["w"]) is float and type(found[3]["v"]) is int
    with pytest.raises(TypeError, match=r"no argument `args\[1\]`"):
        grad(f, 2)(1, 2)


@pytest.mark.parametrize("value", [True, "a", None, np.bool_(True), np.array(["a"])])
def test_what_is_no_number_is_refused(compiler: FakePipeline, value: Any) -> None:
    """The error names the parameter; nothing is compiled."""
    with pytest.raises(TypeError, match="with respect to `rate`"):
        grad(lambda rate: rate)(value)
    assert compiler.requests == []


def test_the_primals_own_exception_appears(compiler: FakePipeline) -> None:
    """Where the compiler sees that the program fails, the program is run."""

    def fail(request: Any) -> Any:
        raise failure()

    def f(x, *, k):
        return x + k["missing"]

    compiler.calls["grad"] = fail
    with pytest.raises(KeyError, match="missing") as caught:
        grad(f)(1.0, k={})
    assert caught.value.__context__ is None
    assert caught.traceback[-1].name == "f"
    with pytest.raises(NotDifferentiable) as refused:
        grad(lambda x: x)(1.0)
    assert "fail" not in [entry.name for entry in refused.traceback]


def test_errors_name_the_users_line(compiler: FakePipeline) -> None:
    """An exception from generated code keeps its class and gets a note, once."""
    lines = {2: Loc("model.py", 41, function="loss")}
    text = "def loss_grad(x):\n    return 1 / (x - x)\n"
    made = link(text, "loss_grad", "<chainrule loss>", {}, lines=lines)
    compiler.calls["grad"] = lambda request: made

    def loss(x):
        return x

    with pytest.raises(ZeroDivisionError) as caught:
        grad(loss)(1.0)
    (note,) = caught.value.__notes__
    assert "loss" in note and "model.py:41" in note
    assert caught.traceback[-1].name == "loss_grad"


def test_swapped_code_is_seen(compiler: FakePipeline) -> None:
    """A function whose code is replaced in place (autoreload) is compiled again."""

    def f(x):
        return x

    def g(x):
        return x * x

    df = grad(f)
    df(1.0)
    f.__code__ = g.__code__
    df(1.0)
    df(1.0)
    assert len(compiler.requests) == 2
    f.__code__ = (lambda x, y: x).__code__
    with pytest.raises(TypeError, match="parameters .* were changed"):
        df(1.0)


def test_closures_are_not_kept_alive(compiler: FakePipeline) -> None:
    """The cache of a function with captured variables goes with the function."""

    class Data:
        pass

    def make() -> Any:
        data = Data()
        f = lambda x: (x, data)[0]
        grad(f)(1.0)
        compiler.requests.clear()
        return weakref.ref(data)

    found = make()
    gc.collect()
    assert found() is None


def test_wrapped_functions_do_not_inherit_the_cache(compiler: FakePipeline) -> None:
    """`functools.wraps` copies the dict in which a closure keeps its cache."""
    import functools

    k = 2.0

    def f(x):
        return k * x

    grad(f)(1.0)

    @functools.wraps(f)
    def wrapper(x):
        return -f(x)

    compiler.calls["grad"] = lambda request: lambda x: request.function
    assert grad(wrapper)(1.0) is wrapper


def test_threads_compile_once_and_agree(compiler: FakePipeline) -> None:
    """Threads that start together compile each type once, and all results are right."""
    values = [1.0, np.ones(2), np.ones((2, 2)), np.float32(1.0), 1 + 1j]
    df = grad(lambda x: x * x)
    barrier = threading.Barrier(6)
    wrong: list[Any] = []

    def work(offset: int) -> None:
        barrier.wait()
        for i in range(300):
            x = values[(i + offset) % len(values)]
            try:
                if not np.array_equal(df(x), 2 * x):
                    wrong.append(x)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(compiler.requests) == len(values)


def test_threads_survive_dropped_specialisations(compiler: FakePipeline) -> None:
    """While specialisations come and go, every call still gets its own result."""
    compiler.more = lambda request: [
        Input("param", "n", (), Known(compiler.requests[-1][1]["n"]))
    ]

    def f(x, n):
        return x

    compiler.calls["grad"] = lambda request: lambda x, n: (2 * x, n)
    df = grad(f)
    wrong: list[Any] = []

    def work(offset: int) -> None:
        for i in range(60):
            n = (i * 7 + offset) % 12
            try:
                if df(1.0, n) != (2.0, n):
                    wrong.append(n)
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
