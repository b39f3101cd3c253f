"""The examples train a classifier, in NumPy and in the style of PyTorch."""

from __future__ import annotations

import ast
import re
import runpy

import numpy as np
import pytest

from tests.programs import FIXTURES

DIGITS = FIXTURES / "examples" / "digits.py"


def test_digits(capsys: pytest.CaptureFixture[str]) -> None:
    """The loss goes down, most digits are recognised, the derivative is Python code."""
    example = runpy.run_path(str(DIGITS))
    example["main"](["--epochs", "5"])
    out = capsys.readouterr().out
    losses = [float(number) for number in re.findall(r"loss (\d+\.\d+)", out)]
    assert len(losses) == 5
    assert losses == sorted(losses, reverse=True)
    accuracy = re.search(r"test accuracy (\d+\.\d)%", out)
    assert accuracy is not None
    assert float(accuracy[1]) > 90
    tree = ast.parse(out[out.index("def loss_value_and_grad") :])
    assert [type(node) for node in tree.body] == [ast.FunctionDef]


def test_digits_gradient(rng: np.random.Generator) -> None:
    """The gradient that the example uses agrees with differences along a direction."""
    from chainrule import value_and_grad

    example = runpy.run_path(str(DIGITS))
    loss = example["loss"]
    params = example["initial_parameters"](rng, (6, 5, 4, 3))
    X, labels = rng.normal(size=(7, 6)), rng.integers(0, 3, 7)
    direction = [
        (rng.normal(size=W.shape), rng.normal(size=b.shape)) for W, b in params
    ]

    def along(t: float) -> float:
        moved = [
            (W + t * dW, b + t * db)
            for (W, b), (dW, db) in zip(params, direction, strict=True)
        ]
        return float(loss(moved, X, labels))

    value, gradient = value_and_grad(loss)(params, X, labels)
    slope = sum(
        np.vdot(a, b)
        for pair, step in zip(gradient, direction, strict=True)
        for a, b in zip(pair, step, strict=True)
    )
    assert value == loss(params, X, labels)
    assert slope == pytest.approx((along(1e-5) - along(-1e-5)) / 2e-5, rel=1e-7)


def test_digits_tensor(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same network in the style of PyTorch learns as well, step by step."""
    monkeypatch.syspath_prepend(str(DIGITS.parent))
    example = runpy.run_path(str(DIGITS.parent / "digits_tensor.py"))
    example["main"](["--epochs", "3"])
    out = capsys.readouterr().out
    losses = [float(number) for number in re.findall(r"loss (\d+\.\d+)", out)]
    assert len(losses) == 3
    assert losses == sorted(losses, reverse=True)
    accuracy = re.search(r"test accuracy (\d+\.\d)%", out)
    assert accuracy is not None
    assert float(accuracy[1]) > 85


def test_digits_tensor_gradient(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both examples get the same gradient of the same network."""
    from chainrule import tensor, value_and_grad

    monkeypatch.syspath_prepend(str(DIGITS.parent))
    compiled = runpy.run_path(str(DIGITS))
    eager = runpy.run_path(str(DIGITS.parent / "digits_tensor.py"))
    X, labels = rng.normal(size=(7, 6)), rng.integers(0, 3, 7)
    network = eager["Network"](rng, (6, 5, 4, 3))
    loss = eager["cross_entropy"](network(tensor(X)), labels)
    loss.backward()
    found = [p.grad.numpy() for p in network.parameters()]
    params = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network.layers
    ]
    value, gradient = value_and_grad(compiled["loss"])(params, X, labels)
    assert loss.item() == pytest.approx(value)
    for mine, wanted in zip(found, [g for pair in gradient for g in pair], strict=True):
        np.testing.assert_allclose(mine, wanted, 1e-10, 1e-14)
