"""Parameters of functions, and what argnums and argnames stand for."""

from __future__ import annotations

import inspect

import pytest

from chainrule.cache.signatures import parameter_list, parameters_of, resolve


def everything(a, b=1, /, c=2, *args, d, e=3, **kwargs):
    """Have parameters of all kinds."""


def plain(x, y, z=1.0):
    """Have parameters as most functions have."""


def star_only(*, x):
    """Have keyword parameters only."""


@pytest.mark.parametrize("function", [everything, plain, star_only, lambda: 0])
def test_parameter_list_accepts_the_same_calls(function: object) -> None:
    """The text of the parameter list has the names and kinds of the original."""
    namespace: dict[str, object] = {"default": None}
    text = parameter_list(parameters_of(function), "default")
    exec(f"def copy({text}): pass", namespace)
    expected = inspect.signature(function).parameters.values()
    found = inspect.signature(namespace["copy"]).parameters.values()
    assert [(p.name, p.kind) for p in found] == [(p.name, p.kind) for p in expected]
    optional = [p.default is not p.empty for p in expected]
    assert [p.default is not p.empty for p in found] == optional


@pytest.mark.parametrize(
    ("function", "argnums", "argnames", "bound", "expected"),
    [
        (plain, 0, None, 0, ("x",)),
        (plain, (1, 0), None, 0, ("y", "x")),
        (plain, -1, None, 0, ("z",)),
        (plain, 0, None, 1, ("y",)),
        (plain, -2, None, 1, ("y",)),
        (plain, 0, "z", 0, ("z",)),
        (plain, 0, ("z", "x"), 0, ("z", "x")),
        (everything, (0, 2, 3, 4), None, 0, ("a", "c", "args[0]", "args[1]")),
        (everything, 0, ("d", "other"), 0, ("d", "kwargs['other']")),
        (star_only, 0, "x", 0, ("x",)),
    ],
)
def test_names_of_active_parameters(
    function, argnums, argnames, bound, expected
) -> None:
    """Numbers and names are resolved as the compiler wants them."""
    names = resolve(parameters_of(function), argnums, argnames, bound)
    assert names == expected


@pytest.mark.parametrize(
    ("argnums", "argnames"), [(3, None), (-4, None), (0, "q"), ((0, -3), None)]
)
def test_wrong_numbers_and_names_are_errors(argnums, argnames) -> None:
    """What names no parameter, or one twice, is refused with the parameter list."""
    with pytest.raises(ValueError):
        resolve(parameters_of(plain), argnums, argnames)


def test_negative_numbers_count_passed_arguments() -> None:
    """With `*args`, the last argument is the last that was passed."""
    assert resolve(parameters_of(everything), -1, None, 0, 5) == ("args[1]",)
    assert resolve(parameters_of(everything), -1, None, 0, 2) == ("b",)
