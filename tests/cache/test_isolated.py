"""A cache that starts empty and is as it was afterwards."""

from __future__ import annotations

import numpy as np

from chainrule import differentiate, grad
from chainrule.cache.isolated import isolated


@differentiate
def square(x):
    return np.sum(x**2)


def cube(x):
    return np.sum(x**3)


def test_starts_empty_and_ends_as_it_was() -> None:
    """What was compiled before is compiled again inside, and only inside."""
    square.grad(1.0)
    with isolated() as outer:
        assert len(outer) == 0
        square.grad(1.0)
        with isolated() as inner:
            assert len(inner) == 0
            assert square.grad(3.0) == 6.0
            assert len(inner) == 1
        assert len(outer) == 1
        square.grad(np.ones(3))
        assert len(outer) == 2
        outer.clear()
        assert len(outer) == 0
        assert square.grad(3.0) == 6.0
    before = square.grad.target.dispatcher("grad", ("x",), square.options).held()
    assert len(before[1]) == 1


def test_tells_what_was_compiled() -> None:
    """Function, transformation, argument and text of each."""
    with isolated() as cache:
        grad(cube)(2.0)
        (made,) = cache
    assert (made.function, made.transform, made.wrt) == ("cube", "grad", ("x",))
    assert made.source.startswith("def cube_grad(x):")


def test_of_one_function() -> None:
    """The others keep what they have."""
    with isolated():
        square.grad(1.0)
        grad(cube)(1.0)
        with isolated(cube) as cache:
            assert len(cache) == 0
            square.grad(2.0)
            grad(cube)(1.0)
            assert [made.function for made in cache] == ["cube"]


def test_function_that_got_other_code() -> None:
    """What was compiled from its old code does not come back."""

    def f(x):
        return x**2

    def g(x):
        return 5 * x

    with isolated():
        assert grad(f)(3.0) == 6.0
        with isolated():
            f.__code__ = g.__code__
            assert grad(f)(3.0) == 5.0
        assert grad(f)(3.0) == 5.0
