"""Derivatives that are called inside a program, by position, by name, by default."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import (
    differentiate,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)


def inner(x, y=2.0):
    return x**2 * y + y**3


def rich(x, y=2.0, /, *rest, **named):
    return x * y**2 * rest[0] * named["z"] if rest else x * y**2


class Spring:
    def energy(self, x, k=2.0):
        return k * x**3


SPRING = Spring()
DECORATED = differentiate(argnames=("y", "x"))(inner)
BY_NAME = grad(inner, argnames="y")
BY_NAMES = grad(inner, argnames=("x", "y"))


def with_closure(x):
    def local(a, b=2.0, *, c=3.0):
        return a**2 * b * c

    keyword, first = grad(local, argnames=("c", "a"))(x)
    return first + keyword * grad(local, argnums=(1,))(x)[0]


PROGRAMS = {
    "by name, passed by position": lambda x: BY_NAME(x, 3.0) * x,
    "by name, passed by name": lambda x: BY_NAME(x, y=3.0) * x,
    "by name, left to its default": lambda x: BY_NAME(x) * x,
    "several names": lambda x: BY_NAMES(x, 3.0)[0] * BY_NAMES(x, 3.0)[1],
    "made inside": lambda x: grad(inner, argnames=("y", "x"))(x, 3.0)[0] * x,
    "a name in a tuple": lambda x: grad(inner, argnames=("y",))(x, 3.0)[0] * x,
    "a position left to its default": lambda x: grad(inner, argnums=1)(x) * x,
    "from the end": lambda x: grad(inner, argnums=-1)(x, 3.0) * x,
    "positional only": lambda x: grad(rich, argnums=1)(x),
    "starred": lambda x: grad(rich, argnums=2)(x, 2.0, 3.0, z=x),
    "double starred": lambda x: grad(rich, argnames="z")(x, x, 3.0, z=2.0),
    "a method": lambda x: grad(SPRING.energy)(x) + grad(SPRING.energy, 1)(x),
    "a ufunc": lambda x: grad(np.power, argnums=1)(2.0, x),
    "a closure": with_closure,
    "value_and_grad": lambda x: value_and_grad(inner, argnames="y")(x, 3.0)[1] * x,
    "jacobian": lambda x: jacobian(inner, argnames=("y", "x"))(x, 3.0)[0] * x,
    "hessian": lambda x: hessian(inner, argnames="y")(x, 3.0) * x,
    "hvp": lambda x: hvp(inner, argnames="y")(x, 3.0, 2.0) * x,
    "hvp of two": lambda x: hvp(inner, argnums=(0, 1))(x, 3.0, (1.0, x))[0],
    "decorated": lambda x: DECORATED.grad(x, 3.0)[0] * x,
    "decorated hvp": lambda x: DECORATED.hvp(x, 3.0, (1.0, 1.0))[0] * x,
    "decorated vjp": lambda x: DECORATED.vjp(x, 3.0)[1](1.0)[0] * x,
    "decorated jvp": lambda x: DECORATED.jvp((x, 3.0), (1.0, 1.0))[1] * x,
    "vjp": lambda x: vjp(inner, x, 3.0)[1](1.0)[1] * x,
    "jvp": lambda x: jvp(inner, (x, 3.0), (1.0, x))[1],
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_the_outer_derivative_agrees_with_differences(program):
    step = 1e-6
    slope = (program(1.5 + step) - program(1.5 - step)) / (2 * step)
    assert grad(program)(1.5) == pytest.approx(slope, rel=1e-7)


def test_a_gradient_by_several_names_keeps_all_its_parts_when_differentiated():
    def fresh(x, n, y):
        for _ in range(n):
            x = x * y
        return x

    both = grad(fresh, argnames=("y", "x"))
    value, tangent = jvp(both, (2.0, 3, 3.0), (1.0, None, 0.0))
    assert value == both(2.0, 3, 3.0) == (54.0, 27.0)
    assert tangent == (27.0, 0.0)  # of 3 x y**2, and of y**3
    assert hessian(fresh, argnames=("y", "x"))(2.0, 3, 3.0) == (
        (36.0, 27.0),
        (27.0, 0.0),
    )


def test_a_missing_argument_is_the_error_of_the_call_itself():
    def misses(x):
        return grad(lambda a, b: a * b, argnums=1)(x)

    with pytest.raises((TypeError, ValueError)):
        misses(1.0)
    with pytest.raises((TypeError, ValueError)):
        grad(misses)(1.0)
