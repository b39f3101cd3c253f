"""Arguments made from the names of their types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.checking.samples import label, sample


def draw(spec: Any, low: float = -1.0, high: float = 1.0) -> Any:
    return sample(spec, np.random.default_rng(0), low, high)


@pytest.mark.parametrize("name", ["float", "int", "complex", "bool"])
def test_python_numbers(name: str) -> None:
    """The names of Python's types give Python's numbers."""
    assert type(draw(name)).__name__ == name


@pytest.mark.parametrize("name", ["float32", "float64", "complex64", "int8", "uint16"])
def test_numpy_types(name: str) -> None:
    """A name of NumPy gives a scalar; with a shape, an array."""
    assert type(draw(name)) is np.dtype(name).type
    array = draw(f"{name}[2, 3]")
    assert (array.dtype, array.shape) == (np.dtype(name), (2, 3))
    assert draw(f"{name}[]").shape == ()
    assert draw(f"{name}[0]").size == 0


def test_containers() -> None:
    """Dicts, lists and tuples keep their structure."""
    made = draw({"w": "float[3]", "rest": ("int", ["float32"])})
    assert made["w"].dtype == np.float64
    assert isinstance(made["rest"], tuple) and isinstance(made["rest"][1], list)
    assert label({"w": "float[3]"}) == "{w: float[3]}"


def test_range() -> None:
    """Numbers lie in the range asked for, whole numbers too."""
    assert np.all(draw("float[50]", 2, 3) >= 2)
    assert set(draw("int[50]", 1, 3).tolist()) == {1, 2, 3}
    assert np.all(draw("uint8[50]", -5, 5) <= 5)


@pytest.mark.parametrize("spec", ["text", "str", "float64[", "float64[-1]", 3, None])
def test_refusals(spec: Any) -> None:
    """What is not the name of a numeric type is refused."""
    with pytest.raises(ValueError, match="is not the name of a type"):
        draw(spec)
