"""Arguments of the command: given, or made up from defaults and annotations."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pytest

from chainrule.inspector.target import Target, UsageError
from chainrule.inspector.values import active, choose, evaluate, example


def target(function: Any, owner: type | None = None, label: str = "m:f") -> Target:
    """Return the target that a function is."""
    return Target(label, function, function, owner, {"HALF": 0.5})


def annotated(x: float, v: np.ndarray, n: int, scale: float = 2.0) -> float:
    """Return something."""
    return x


def test_given_arguments() -> None:
    """Arguments may be given by position and by name, and see the module's globals."""
    found = choose(target(annotated), "HALF, n=2, v=np.ones(2)")
    assert found.args[0] == 0.5
    assert found.args[2] == 2
    assert list(found.values) == ["x", "v", "n"]
    assert found.assumed == []


def test_annotations() -> None:
    """What is not given comes from annotations, and is said; defaults stay defaults."""
    found = choose(target(annotated), "x=4.0")
    assert found.args[0] == 4.0
    assert found.args[1].shape == (3,)
    assert found.args[2] == 3
    assert len(found.args) == 3
    assert found.assumed == [
        "v = np.array([1.5, 2, 2.5]) (from its annotation)",
        "n = 3 (from its annotation)",
    ]


def test_default_of_an_active_parameter() -> None:
    """A parameter that is differentiated needs a value: its default."""
    found = choose(target(annotated), None, needed=("scale",))
    assert found.args[3] == 2.0
    assert found.assumed[-1] == "scale = 2.0 (its default)"


def test_no_annotation() -> None:
    """A parameter about which nothing is known is a float, another one for each."""
    found = choose(target(lambda x, y, *rest, **more: x), None)
    assert found.args == (1.0, 1.5)
    assert found.assumed == [
        "x = 1.0 (no annotation: a float)",
        "y = 1.5 (no annotation: a float)",
    ]


class Model:
    """A class that can be made without arguments."""

    def loss(self, x: float) -> float:
        """Return something."""
        return x


def test_self() -> None:
    """`self` is an instance made without arguments."""
    made = Target("m:Model.loss", Model.loss, Model.loss, Model, {"Model": Model})
    found = choose(made, None)
    assert isinstance(found.args[0], Model)
    assert found.assumed[0] == "self = Model() (an instance made without arguments)"


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (float, 1.0),
        (int, 3),
        (bool, True),
        (complex, 1 + 0.5j),
        (np.float32, np.float32(1.0)),
        (np.ndarray, np.array([1.0, 1.5, 2.0])),
        (npt.NDArray[np.float32], np.array([1.0, 1.5, 2.0], np.float32)),
        (npt.NDArray[Any], np.array([1.0, 1.5, 2.0])),
        (list[float], [1.0, 1.5, 2.0]),
        (tuple[float, int], (1.0, 3)),
        (tuple[float, ...], (1.0, 1.5, 2.0)),
        (float | None, 1.0),
        (Annotated[float, "metres"], 1.0),
    ],
)
def test_example(hint: Any, value: Any) -> None:
    """Each annotation gives an expression for a value of that very type."""
    text = example(hint)
    assert text is not None
    made = eval(text, {"np": np})
    assert type(made) is type(value)
    np.testing.assert_array_equal(made, value)
    if isinstance(value, np.ndarray):
        assert made.dtype == value.dtype


def test_annotation_without_example() -> None:
    """A type that cannot be made up asks for a value."""

    def f(x: Model) -> float:
        return 1.0

    with pytest.raises(UsageError, match='--args "x=...'):
        choose(target(f), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=", "not a list of arguments"),
        ("1)(2", "not a list of arguments"),
        ("nothing_there", "NameError"),
        ("1, 2, 3, 4, 5", "does not fit"),
        ("z=1", "does not fit"),
    ],
)
def test_wrong_arguments(text: str, message: str) -> None:
    """Arguments that cannot be read or do not fit are refused."""
    with pytest.raises(UsageError, match=message):
        choose(target(annotated), text)


def test_evaluate() -> None:
    """The text may be anything that can stand between the parentheses of a call."""
    args, kwargs = evaluate("*range(2), **{'a': math.pi}  # both", {})
    assert args == (0, 1)
    assert kwargs == {"a": np.pi}


@pytest.mark.parametrize(
    ("wrt", "expected"),
    [
        (None, None),
        ("x", "x"),
        ("2", "n"),
        ("x, v", ("x", "v")),
        ("-1,x", ("scale", "x")),
    ],
)
def test_active(wrt: str | None, expected: Any) -> None:
    """Parameters are named or counted; a comma makes a tuple."""
    assert active(target(annotated), wrt) == expected


@pytest.mark.parametrize("wrt", ["z", "7", "", "x,,v"])
def test_wrong_names(wrt: str) -> None:
    """A parameter that is not there is refused, with those that are."""
    with pytest.raises(UsageError, match="it has x, v, n, scale"):
        active(target(annotated), wrt)
