"""Targets of the command: modules, files, methods, and what goes wrong with them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainrule.inspector.target import UsageError, find

MODEL = """
print("loading the model")
SCALE = 2.0

def loss(w, x):
    return SCALE * w * x

class Model:
    def __init__(self, gain=3.0):
        self.gain = gain

    def loss(self, x):
        return self.gain * x * x

    @staticmethod
    def square(x):
        return x * x

    class Inner:
        def loss(self, x):
            return x

model = Model(5.0)
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working directory with a model; forget its modules afterwards."""
    (tmp_path / "model_of_tests.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    "label",
    ["model_of_tests:loss", "model_of_tests.py:loss", "./model_of_tests.py:loss"],
)
def test_function(folder: Path, label: str) -> None:
    """A function is found in a module of the working directory and in a file."""
    found = find(label)
    assert found.function(3.0, 5.0) == 30.0
    assert list(found.signature.parameters) == ["w", "x"]
    assert found.namespace["SCALE"] == 2.0
    assert found.owner is None


def test_module_of_the_library() -> None:
    """A module that is imported already is used as it is."""
    assert find("statistics:linear_regression").function.__name__ == "linear_regression"


def test_method(folder: Path) -> None:
    """A method of a class keeps `self`, a static method and a bound one have none."""
    assert find("model_of_tests:Model.loss").owner.__name__ == "Model"
    assert find("model_of_tests:Model.square").owner is None
    assert find("model_of_tests:model.loss").function(2.0) == 20.0
    assert find("model_of_tests:Model.Inner.loss").owner.__name__ == "Inner"


def test_printing_goes_to_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the module prints does not mix with the derivative."""
    find("model_of_tests.py:loss")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "loading the model\n")


def test_file_of_a_package(folder: Path) -> None:
    """A file of a package is imported as part of it: relative imports work."""
    package = folder / "package_of_tests"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    text = "from .helper import double\ndef f(x):\n    return double(x)\n"
    (package / "main.py").write_text(text)
    found = find("package_of_tests/main.py:f")
    assert found.function(2.0) == 4.0
    assert found.function.__module__ == "package_of_tests.main"


def test_file_named_as_a_module(folder: Path) -> None:
    """A file whose name is taken is found nevertheless, and takes nothing away."""
    (folder / "math.py").write_text("def loss(x):\n    return 7 * x\n")
    assert find("math.py:loss").function(1.0) == 7.0
    assert sys.modules["math"] is math


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("model_of_tests", "not of the form"),
        (":loss", "not of the form"),
        ("no_such_module:loss", "no module 'no_such_module'"),
        ("no_such_file.py:loss", "no file no_such_file.py"),
        ("model_of_tests:los", "did you mean loss?"),
        ("model_of_tests:Model.lost", "did you mean loss?"),
        ("model_of_tests:Model", "not a function but the class Model"),
        ("model_of_tests:number", "not a function but 3"),
    ],
)
def test_wrong_label(folder: Path, label: str, message: str) -> None:
    """A label that names no function says what is wrong."""
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        find(label)


def test_module_that_fails(folder: Path) -> None:
    """An error of the module names the line that raised it."""
    (folder / "broken_of_tests.py").write_text("x = 1\ny = x / 0\n")
    with pytest.raises(UsageError, match=r"ZeroDivisionError.*broken_of_tests.py:2"):
        find("broken_of_tests.py:f")
