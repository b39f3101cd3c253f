"""The public functions: structure of results, bound arguments, errors, pickling.

The compiler is replaced by hand-written derivatives of `product(x, y) = x * y`, so that
what is tested is the interface alone.
"""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import (
    Derivative,
    Differentiable,
    checkpoint,
    differentiate,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    value_and_grad,
    vjp,
)
from chainrule.cache import specialisations, store
from tests.fake_pipeline import FakePipeline


@differentiate
def product(x, y=2.0):
    """Multiply."""
    return x * y


class Scaled:
    """A model with methods to differentiate."""

    def __init__(self, k: float = 3.0) -> None:
        self.k = k

    @differentiate
    def loss(self, x):
        return self.k * x

    def plain(self, x):
        return self.k * x

    def __call__(self, x):
        return self.k * x

    @differentiate
    @staticmethod
    def static(x, y):
        return x * y

    @differentiate
    @classmethod
    def made(cls, x, y):
        return x * y


def bars(request: Any, x: Any, y: Any, bar: Any = 1.0) -> tuple[Any, ...]:
    """Return the cotangents that the request asks for."""
    code = getattr(request.function, "__code__", product.__wrapped__.__code__)
    first, second = code.co_varnames[: code.co_argcount][-2:]
    parts = {first: bar * y, second: bar * x}
    return tuple(parts[name] for name in request.wrt)


def gradient(request: Any) -> Any:
    """Return the generated gradient."""

    def f_grad(*values: Any) -> Any:
        found = bars(request, *_pair(values))
        return found if len(found) > 1 else found[0]

    return f_grad


def _pair(values: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the two factors: methods multiply `k` by `x`, or skip the class."""
    if len(values) == 3:
        return values[1:]
    first, second = values
    return getattr(first, "k", first), second


def _value(values: tuple[Any, ...]) -> Any:
    x, y = _pair(values)
    return x * y


def tangent(request: Any) -> Any:
    """Return the generated tangent; for a gradient, that of the gradient."""

    def f_jvp(x: Any, y: Any, *dots: Any) -> Any:
        dot = dict(zip(request.wrt, dots, strict=True))
        if request.function is not product.__wrapped__:
            return y, 0.0 * dot.get("x", 0.0) + dot.get("y", 0.0)
        return x * y, dot.get("x", 0.0) * y + x * dot.get("y", 0.0)

    return f_jvp


@pytest.fixture(autouse=True)
def compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePipeline]:
    """Replace the compiler by the product rule."""

    def pair(request: Any) -> Any:
        made = gradient(request)
        return lambda *values: (_value(values), made(*values))

    def both(request: Any) -> Any:
        def backward(residual: Any, bar: Any) -> Any:
            return bars(request, *residual, bar)

        return (lambda *values: (_value(values), _pair(values))), backward

    fake = FakePipeline(grad=gradient, value_and_grad=pair, vjp=both, jvp=tangent)
    monkeypatch.setattr(specialisations, "build", fake.build)
    store.clear()
    vars(product.__wrapped__).pop("__chainrule_cache__", None)
    yield fake
    store.clear()


def test_decorated_function_is_unchanged() -> None:
    """It is called, documented and inspected as the function is."""
    assert product(3.0) == 6.0 and product(x=3.0, y=4.0) == 12.0
    assert product.__name__ == "product" and product.__doc__ == "Multiply."
    assert str(inspect.signature(product)) == "(x, y=2.0)"
    assert isinstance(product, Differentiable)
    assert repr(product) == "<differentiable product>"


def test_decorating_again_keeps_nothing_of_the_old_options() -> None:
    """Derivatives that were made already do not leak into a new decoration."""

    @differentiate
    def f(x, y):
        return x * y

    f.__wrapped__.tag = "kept"
    assert f.grad(3.0, 4.0) == 4.0
    again = differentiate(argnums=1)(f)
    assert again.grad(3.0, 4.0) == 3.0
    assert again(3.0, 4.0) == 12.0
    assert differentiate(f.__wrapped__).tag == "kept"


def test_derivatives_have_the_signature() -> None:
    """Help and checkers see the parameters of the function."""
    assert str(inspect.signature(product.grad)) == "(x, y=2.0)"
    assert str(inspect.signature(Scaled().loss.grad)) == "(x)"
    assert product.grad.__name__ == "grad_product"


def test_structure_of_gradients() -> None:
    """One number gives a bare gradient, a tuple gives a tuple, of one element too."""
    assert grad(product)(3.0, 4.0) == 4.0
    assert grad(product, 1)(3.0, 4.0) == 3.0
    assert grad(product, (0,))(3.0, 4.0) == (4.0,)
    assert grad(product, (1, 0))(3.0, 4.0) == (3.0, 4.0)
    assert grad(product, -1)(3.0, 4.0) == 3.0
    assert grad(product, argnames="y")(3.0, 4.0) == 3.0
    assert grad(product, argnames=("y",))(3.0, 4.0) == (3.0,)
    assert value_and_grad(product, (0,))(3.0, 4.0) == (12.0, (4.0,))
    assert value_and_grad(product)(3.0, 4.0) == (12.0, 4.0)


def test_keywords_and_defaults() -> None:
    """Arguments come by keyword or default, active ones too."""
    assert product.grad(3.0) == 2.0
    assert product.grad(x=3.0, y=5.0) == 5.0
    assert grad(product, argnames="y")(3.0, y=5.0) == 3.0


def test_options_of_the_decorator() -> None:
    """`differentiate` takes options, and passes them to every derivative."""

    @differentiate(argnums=(0, 1))
    def f(x, y):
        return x * y

    assert f(3.0, 4.0) == 12.0
    assert f.grad(3.0, 4.0) == (4.0, 3.0)
    assert f.value_and_grad(3.0, 4.0) == (12.0, (4.0, 3.0))
    assert (f.grad.argnums, f.grad.argnames, f.grad.has_aux) == ((0, 1), None, False)
    assert f.grad.function is f and f.grad.transform == "grad"


@pytest.mark.parametrize("aux_first", [False, True])
def test_has_aux(compiler: FakePipeline, aux_first: bool) -> None:
    """Other results pass through beside the gradient, as in jax."""
    argnums: Any = (0,) if aux_first else 0
    wrapped = (lambda bar: (bar,)) if aux_first else (lambda bar: bar)
    compiler.calls["grad"] = lambda request: lambda x, y: (y, "aux")
    compiler.calls["value_and_grad"] = lambda r: lambda x, y: ((x * y, "aux"), y)
    f = lambda x, y: (x * y, "aux")
    assert grad(f, argnums, has_aux=True)(3.0, 4.0) == (wrapped(4.0), "aux")
    found = value_and_grad(f, argnums, has_aux=True)(3.0, 4.0)
    assert found == ((12.0, "aux"), wrapped(4.0))
    compiler.calls["vjp"] = lambda r: (
        lambda x, y: ((x * y, "aux"), y),
        lambda residual, bar: (bar * residual, None),
    )
    value, pullback, aux = vjp(f, 3.0, 4.0, has_aux=True)
    assert (value, aux, pullback(1.0)) == (12.0, "aux", (4.0, None))


def test_wrong_options_are_errors() -> None:
    """Options of the wrong type are refused at once, wrong numbers at the call."""
    for options in ({"argnums": 1.5}, {"argnums": True}, {"argnums": ()}):
        with pytest.raises(TypeError, match="argnums"):
            grad(product, **options)
    with pytest.raises(TypeError, match="argnames"):
        grad(product, argnames=0)
    with pytest.raises(TypeError, match="either"):
        grad(product, argnums=1, argnames="x")
    wrong = grad(product, argnums=5)
    with pytest.raises(ValueError, match="argnums=5 names no positional argument"):
        wrong(1.0)
    with pytest.raises(TypeError, match="cannot be differentiated"):
        grad(3.0)
    with pytest.raises(TypeError, match="cannot be differentiated"):
        grad(Scaled)


def test_methods() -> None:
    """On an object, `self` is filled in and positions count after it."""
    model = Scaled()
    assert model.loss(2.0) == 6.0
    assert grad(model.plain)(2.0) == 3.0
    assert model.loss.grad(2.0) == 3.0
    assert model.loss.value_and_grad(2.0) == (6.0, 3.0)
    assert Scaled.loss.grad.argnums == 0
    assert Scaled.static(2.0, 3.0) == 6.0 and model.static.grad(2.0, 3.0) == 3.0
    assert Scaled.made(2.0, 3.0) == 6.0 and model.made.grad(2.0, 3.0) == 3.0


def test_methods_of_other_objects_share(compiler: FakePipeline) -> None:
    """Objects of one class share what is compiled, and see their own attributes."""
    assert [Scaled(k).loss.grad(2.0) for k in (3.0, 4.0, 5.0)] == [3.0, 4.0, 5.0]
    assert len(compiler.requests) == 1
    assert compiler.requests[0][0].wrt == ("x",)


def test_partials_and_objects() -> None:
    """A partial's arguments are filled in; an object is differentiated by its call."""
    assert grad(functools.partial(product, 3.0))(4.0) == 3.0
    assert grad(functools.partial(product, y=5.0))(3.0) == 5.0
    assert grad(Scaled(7.0))(2.0) == 7.0
    assert functools.partial(product.grad, y=5.0)(3.0) == 5.0


def test_a_derivative_of_a_class_is_a_method() -> None:
    """A derivative that is an attribute of a class binds its object as functions do."""

    class Model(Scaled):
        slope = grad(Scaled.plain, argnums=1)

    assert Model(4.0).slope(2.0) == 4.0


def test_functions_of_c(compiler: FakePipeline) -> None:
    """Ufuncs and functions of `math` get a Python function with source."""
    compiler.calls["grad"] = lambda request: lambda x: request.function
    made = grad(np.sin)(1.0)
    assert inspect.getsource(made) == "def sin(x):\n    return np.sin(x)\n"
    assert made(1.0) == np.sin(1.0)
    assert grad(np.sum)(1.0)(np.ones(3)) == 3.0


def test_vjp() -> None:
    """The pullback gives one cotangent an argument, as often as it is called."""
    value, pullback = vjp(product, 3.0, 4.0)
    assert value == 12.0
    assert pullback(1.0) == (4.0, 3.0)
    assert pullback(2.0) == (8.0, 6.0)
    assert vjp(product, 3.0)[1](1.0) == (2.0,)
    assert vjp(product, 3, 4)[1](1.0) == (4.0, 3.0)
    assert product.vjp(3.0, y=4.0)[1](1.0) == (4.0, 3.0)
    model = Scaled()
    with pytest.raises(TypeError, match="no argument holds numbers"):
        vjp(product, "a", None)
    assert model.k == 3.0


def test_vjp_leaves_integers_beside_floats_alone(compiler: FakePipeline) -> None:
    """An integer beside a float is a count: no cotangent, and not made a real."""
    _, pullback = vjp(product, 3.0, 4)
    assert pullback(1.0) == (4.0, None)
    assert compiler.requests[0][0].wrt == ("x",)
    assert type(compiler.requests[0][1]["y"]) is int


def test_cotangents_are_checked() -> None:
    """A cotangent of another shape or kind is refused, never broadcast."""
    x = np.ones(3, "f4")
    _, pullback = vjp(product, x, x)
    assert pullback([1, 2, 3])[0].dtype == np.float32
    with pytest.raises(ValueError, match=r"shape \(\), expected \(3,\)"):
        pullback(1.0)
    with pytest.raises(TypeError, match="complex"):
        pullback(1j * x)
    with pytest.raises(TypeError, match="not a number"):
        vjp(product, 3.0, 4.0)[1]("a")


def test_jvp() -> None:
    """Value and directional derivative; None and integer zeros keep arguments fixed."""
    assert jvp(product, (3.0, 4.0), (1.0, 0.5)) == (12.0, 5.5)
    assert jvp(product, (3.0, 4.0), (1.0, None)) == (12.0, 4.0)
    assert jvp(product, (3.0, 4), (1.0, 0)) == (12.0, 4.0)
    assert product.jvp((3.0,), (1,)) == (6.0, 2.0)
    assert jvp(product, (3, 4.0), (1, 1)) == (12.0, 7.0)


def test_tangents_are_checked() -> None:
    """Tangents must match their primals in number, structure and shape."""
    with pytest.raises(TypeError, match="2 primals, but 1 tangents"):
        jvp(product, (1.0, 2.0), (1.0,))
    with pytest.raises(TypeError, match="tuples"):
        jvp(product, 1.0, 1.0)
    with pytest.raises(ValueError, match="the tangent of x: shape"):
        jvp(product, (np.ones(2),), (1.0,))
    with pytest.raises(TypeError, match="at least one"):
        jvp(product, (1.0,), (None,))


@pytest.mark.parametrize("inputs", [1, 2, 4])
def test_jacobian(compiler: FakePipeline, inputs: int) -> None:
    """A matrix of shape result + argument, by whichever direction is cheaper."""
    matrix = np.arange(3.0 * inputs).reshape(3, inputs)
    compiler.calls["vjp"] = lambda request: (
        lambda x, m: (m @ x, m),
        lambda m, bar: (bar @ m,),
    )
    compiler.calls["jvp"] = lambda request: lambda x, m, dot: (m @ x, m @ dot)
    f = lambda x, m: m @ x
    for _ in range(2):
        assert np.array_equal(jacobian(f)(np.ones(inputs), matrix), matrix)
    last = compiler.requests[-1][0].transform
    assert last == ("jvp" if inputs < 3 else "vjp")
    assert np.array_equal(jacobian(f, (0,))(np.ones(inputs), matrix)[0], matrix)


def test_jacobian_of_containers(compiler: FakePipeline) -> None:
    """Results and arguments keep their nesting: the one outside, the other inside."""
    compiler.calls["vjp"] = lambda request: (
        lambda p: ({"a": p[0] * p[1], "b": p[0]}, p),
        lambda p, bar: ((bar["a"] @ p[1] + bar["b"], np.asarray(bar["a"] * p[0])),),
    )

    def forward(p: Any, dot: Any) -> Any:
        return (
            {"a": p[0] * p[1], "b": p[0]},
            {"a": dot[0] * p[1] + p[0] * dot[1], "b": dot[0]},
        )

    compiler.calls["jvp"] = lambda request: forward
    p = (2.0, np.array([3.0, 4.0]))
    found = jacobian(lambda p: p)(p)
    assert np.array_equal(found["a"][0], [3.0, 4.0])
    assert np.array_equal(found["a"][1], 2 * np.eye(2))
    assert found["b"][0] == 1.0
    assert np.array_equal(found["b"][1], [0.0, 0.0])


def test_jacobian_of_numbers_is_a_number() -> None:
    """A float by a float gives a float."""
    assert jacobian(product)(3.0, 4.0) == 4.0
    assert type(jacobian(product)(3, 4.0)) is float


def test_jacobian_refuses_complex_numbers() -> None:
    """A matrix of real derivatives of complex numbers has no one meaning."""
    with pytest.raises(TypeError, match="complex"):
        jacobian(product)(1j, 1.0)
    with pytest.raises(TypeError, match="complex"):
        jacobian(product)(np.ones(2), 1j)


def test_hessian_and_hvp(compiler: FakePipeline) -> None:
    """Second derivatives are the tangent of the gradient."""
    found = hessian(product, (0, 1))
    compiler.calls["jvp"] = lambda request: (
        lambda x, y, x_dot, y_dot: ((y, x), (y_dot, x_dot))
    )
    assert found(3.0, 4.0) == ((0.0, 1.0), (1.0, 0.0))
    request = compiler.requests[-1][0]
    assert request.transform == "jvp" and request.function.transform == "grad"
    assert request.function.request.wrt == ("x", "y")
    assert hvp(product, (0, 1))(3.0, 4.0, (1.0, 2.0)) == (2.0, 1.0)
    model = Scaled()
    compiler.calls["jvp"] = lambda request: lambda s, x, dot: (s.k, 2 * dot)
    assert model.loss.hvp(1.0, 5.0) == 10.0
    assert model.loss.hessian(1.0) == 2.0


def test_derivatives_of_derivatives(compiler: FakePipeline) -> None:
    """The compiler is asked for the gradient of a `Derivative`, once for each order."""
    for _ in range(2):
        grad(grad(product), 1)(3.0, 4.0)
    requests = [request for request, _ in compiler.requests]
    assert len(requests) == 1
    inner = requests[0].function
    assert isinstance(inner, Derivative) and inner.request.wrt == ("x",)
    assert inner.request.function is product.__wrapped__
    assert requests[0].wrt == ("y",)
    bound = grad(grad(Scaled().plain))
    bound(2.0)
    request = compiler.requests[-1][0]
    assert request.wrt == ("x",) and request.function.request.wrt == ("x",)
    assert list(compiler.requests[-1][1]) == ["self", "x"]


def test_what_has_no_second_derivative_says_so() -> None:
    """Jacobians and pullbacks are not differentiated; the error says what to use."""
    with pytest.raises(TypeError, match="use grad"):
        grad(jacobian(product))


def test_source(compiler: FakePipeline) -> None:
    """Every derivative shows its code, as a string that notebooks colour."""
    text = product.grad.source(3.0)
    assert text == "# grad of x\n" and isinstance(text, str)
    assert "grad" in text._repr_html_()
    assert product.value_and_grad.source(3.0) == "# value_and_grad of x\n"
    assert product.vjp.source(3.0, 4.0) == "# vjp of x, y\n"
    assert product.jvp.source((3.0,), (1.0,)) == "# jvp of x\n"
    assert product.jvp.source(3.0) == "# jvp of x\n"
    assert product.jacobian.source(3.0) == "# vjp of x\n"
    assert product.hessian.source(3.0) == "# jvp of x\n"
    assert product.hvp.source(3.0, 4.0, 1.0) == "# jvp of x\n"
    assert Scaled().loss.grad.source(2.0) == "# grad of x\n"
    assert product.grad(3.0) == 2.0
    assert len({id(r) for r, _ in compiler.requests}) == 7


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol: int) -> None:
    """Decorated functions and derivatives go by name, like functions."""
    module = sys.modules[product.__module__]
    assert module.product is product
    for value in (product, product.grad, grad(product, (0, 1)), Scaled(4.0).loss.grad):
        copied = pickle.loads(pickle.dumps(value, protocol))
        assert type(copied) is type(value)
    assert pickle.loads(pickle.dumps(product, protocol)) is product
    found = pickle.loads(pickle.dumps(grad(product, (0, 1)), protocol))
    assert found(3.0, 4.0) == (4.0, 3.0)
    bound = pickle.loads(pickle.dumps(Scaled(4.0).loss.grad, protocol))
    assert bound(2.0) == 4.0


def test_pickling_in_main() -> None:
    """In a script too, where functions by value need another way to be named."""
    program = (
        "import pickle\n"
        "from chainrule import differentiate, grad\n"
        "@differentiate\n"
        "def f(x):\n"
        "    return x * x\n"
        "copied = pickle.loads(pickle.dumps(f))\n"
        "assert copied(3.0) == 9.0\n"
        "assert pickle.loads(pickle.dumps(grad(f))).transform == 'grad'\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_copying() -> None:
    """Copies of decorated functions are the function; of derivatives, equal ones."""
    assert copy.copy(product) is product and copy.deepcopy(product) is product
    assert copy.deepcopy(product.grad)(3.0) == 2.0


def test_marks() -> None:
    """`stop_gradient` and `checkpoint` change no value."""
    x = np.ones(3)
    assert stop_gradient(x) is x

    def f(x):
        return x

    assert checkpoint(f) is f and f(x) is x
    assert checkpoint(np.sin) is np.sin
    assert checkpoint(Scaled(2.0).plain)(3.0) == 6.0


def test_public_names() -> None:
    """Every name of `__all__` is there, and is listed."""
    assert set(chainrule.__all__) <= set(dir(chainrule))
    assert all(getattr(chainrule, name) is not None for name in chainrule.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        chainrule.nothing
