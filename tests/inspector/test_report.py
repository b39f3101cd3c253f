"""The report: what became of each line, what it saved, why it vanished."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate
from chainrule.inspector import collect, derivative, target, values
from chainrule.inspector.report import Report, describe_saved, ranges, size
from tests.programs import arguments, load

MODEL = '''"""A model."""

import numpy as np


def sigmoid(z):
    e = np.exp(-z)
    return 1 / (1 + e)


def loss(w, X, y, kind="l2"):
    """Return a loss."""
    unused = np.sort(X)
    z = X @ w
    p = sigmoid(z)
    if kind == "l1":
        scale = 2.0
    else:
        scale = 1.0
    fit = np.mean(
        (p - y) ** 2
    )
    offset = np.sum(y)
    return scale * fit + offset


def loop(x, n):
    total = 0.0
    for i in range(n):
        x = np.sin(x)
        total = total + x
    return total


def shifted(x):
    y = x * x
    z = y + 3.0
    return z


def says(x):
    print("loud")
    return x * x
'''


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the model, as a module of its own."""
    path = tmp_path_factory.mktemp("report") / "model_of_reports.py"
    path.write_text(MODEL)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[path.stem]


def of_loss(model: ModuleType, **options: Any) -> Report:
    """Return the report of the loss."""
    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)
    return collect.of_function(model.loss, *args, **options)


def line(report: Report, text: str) -> Any:
    """Return the primal line with this text."""
    [found] = [line for line in report.primal if line.text.strip() == text]
    return found


def made(report: Report, *texts: str) -> set[int]:
    """Return the numbers of the derivative's lines that begin with these texts."""
    found = {
        line.number for line in report.derivative if line.text.strip().startswith(texts)
    }
    assert found
    return found


def test_what_it_says_of_itself(model: ModuleType) -> None:
    """The head says what was differentiated, where it stands, and for which types."""
    report = of_loss(model)
    assert (report.name, report.mode, report.wrt) == ("loss", "reverse", ("w",))
    assert Path(report.file).name == "model_of_reports.py"
    assert MODEL.splitlines()[report.line - 1].startswith("def loss")
    assert [a.type for a in report.arguments] == [
        "float64 (3,)",
        "float64 (5, 3)",
        "float64 (5,)",
    ]
    assert [a.active for a in report.arguments] == [True, False, False]


def test_texts_are_whole(model: ModuleType) -> None:
    """The primal is the user's text, the derivative what the public interface shows."""
    report = of_loss(model)
    lines = MODEL.splitlines()
    for each in report.primal:
        assert each.text == lines[each.number - 1]
    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)
    assert report.source + "\n" == str(differentiate(model.loss).grad.source(*args))


def test_links(model: ModuleType) -> None:
    """A line leads to the statement that computes it and to the one of its adjoint."""
    report = of_loss(model)
    assert set(line(report, "e = np.exp(-z)").became) == made(report, "e =", "z_bar")
    product = line(report, "z = X @ w")
    assert set(product.became) == made(report, "e =", "return")
    inside = line(report, "(p - y) ** 2")
    assert inside.became == line(report, "fit = np.mean(").became != ()
    assert report.primal[inside.statement - 1].text.strip() == "fit = np.mean("


@pytest.mark.parametrize("mode", derivative.MODES)
@pytest.mark.parametrize(
    "name", ["logistic", "lstm", "kalman_loop", "power_recursive", "newton", "pca"]
)
def test_links_lead_back(name: str, mode: str) -> None:
    """Every line of code comes from somewhere, and each link is a link both ways."""
    module = load(name)
    found = target.of(getattr(module, name))
    made = values.given(found, arguments(module), {})
    report = collect.collect(derivative.of(found, mode), made)
    assert report.not_run == ""
    silent = ("", "else:", "try:", "finally:")
    for each in report.derivative:
        text = each.text.strip()
        assert each.origins or text in silent or text.startswith("#"), text
        for key in each.origins:
            assert each.number in report.primal[key - 1].became
    for primal in report.primal:
        start = report.primal[primal.statement - 1]
        if "(" not in start.text:  # a call is linked to what was inlined too
            for number in primal.became:
                assert start.key in report.derivative[number - 1].origins


def test_inlined_functions(model: ModuleType) -> None:
    """A function that was inlined is shown too, and its call leads to its lines."""
    report = of_loss(model)
    assert {each.function for each in report.primal} == {"loss", "sigmoid"}
    call = line(report, "p = sigmoid(z)")
    assert set(line(report, "e = np.exp(-z)").became) <= set(call.became)
    assert not call.why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("unused = np.sort(X)", "not needed"),
        ('if kind == "l1":', "settled beforehand"),
        ("scale = 2.0", "not reached"),
        ("scale = 1.0", "a constant"),
        ("offset = np.sum(y)", "not active: it does not depend on w"),
        ("z = X @ w", ""),
    ],
)
def test_why_lines_vanished(model: ModuleType, text: str, why: str) -> None:
    """A line that left nothing says which pass removed it."""
    found = line(of_loss(model), text)
    assert found.why.startswith(why)
    assert bool(found.why) is (not found.became)


def test_a_linear_line_vanishes(model: ModuleType) -> None:
    """A line whose partial derivative is 1 leaves its value, or nothing."""
    report = collect.of_function(model.shifted, 0.3)
    assert line(report, "z = y + 3.0").why.startswith("active, but linear")
    assert line(report, "return z").why.startswith("returns the value")


def test_saved_arrays(model: ModuleType) -> None:
    """What is saved is counted in bytes of the arrays, line by line."""
    report = of_loss(model)
    kept = {saved.name: saved for saved in report.saved}
    assert kept["p"].type == "float64 (5,)"
    assert (kept["p"].how, kept["p"].entries, kept["p"].bytes) == ("variable", 1, 40)
    assert [s.name for s in line(report, "return 1 / (1 + e)").saved] == ["p"]
    assert report.bytes == sum(saved.bytes or 0 for saved in report.saved)


def test_saved_on_the_tape(model: ModuleType) -> None:
    """A tape has an entry for each iteration, as large as what it holds."""
    report = collect.of_function(model.loop, np.ones((2, 3)), 4, mode="vjp")
    [saved] = line(report, "x = np.sin(x)").saved
    assert (saved.how, saved.entries, saved.bytes) == ("tape", 4, 4 * 48)
    assert {s.entries for s in report.saved if s.how == "tape"} == {4}


def test_saved_in_the_residual(model: ModuleType) -> None:
    """A pair of functions hands on a residual; arguments in it cost nothing."""
    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)
    report = collect.of_function(model.loss, *args, mode="vjp", wrt=("w",))
    assert {saved.how for saved in report.saved} == {"residual"}
    assert {"w", "X"}.isdisjoint(saved.name for saved in report.saved)


def test_forward_mode_saves_nothing(model: ModuleType) -> None:
    """Forward mode has no sweep to save for."""
    report = of_loss(model, mode="forward")
    assert report.saved == ()
    assert {each.sweep for each in report.derivative} == {"", "tangent"}


def test_sweeps(model: ModuleType) -> None:
    """Each statement is in its sweep."""
    report = collect.of_function(model.loop, np.float64(0.3), 4)
    sweeps = {each.text.strip(): each.sweep for each in report.derivative}
    assert sweeps["tape = []"] == "forward"
    reverse = [t for t in sweeps if t.endswith("in reversed(tape):")]
    assert reverse and sweeps[reverse[0]] == "reverse"
    assert all(s == "reverse" for t, s in sweeps.items() if t.startswith("x_bar ="))


def test_roles(model: ModuleType) -> None:
    """Names are active, inactive, cotangents, removed or helpers, and may be saved."""
    report = of_loss(model)
    primal = report.roles("primal", "loss")
    assert {n: primal[n].role for n in ("w", "z", "p", "X", "offset", "unused")} == {
        "w": "active",
        "z": "active",
        "p": "active",
        "X": "inactive",
        "offset": "removed",
        "unused": "removed",
    }
    ours = report.roles("derivative", "loss_grad")
    assert ours["p"].role == "active" and ours["p"].saved
    assert ours["e"].role == "active" and not ours["e"].saved
    assert ours["p_bar"].role == "cotangent" and not ours["p_bar"].saved
    dots = of_loss(model, mode="forward").roles("derivative", "loss_jvp")
    assert dots["w_dot"].role == "tangent"


def test_stages_in_order(model: ModuleType) -> None:
    """Stages have texts, sizes and times; the last is the text."""
    report = of_loss(model)
    assert [stage.name for stage in report.stages] == list(derivative.STAGES)
    assert report.stages[-1].text == report.source
    sizes = {stage.name: stage.statements for stage in report.stages}
    assert sizes["derivative"] > sizes["optimised"] > sizes["text"]
    assert all(s.milliseconds for s in report.stages if s.name != "activity")
    assert "%w.0*" in next(s.text for s in report.stages if s.name == "activity")


def test_a_derivative_that_raises(model: ModuleType) -> None:
    """Where the derivative cannot be run, sizes are unknown, and the report says so."""

    def picky(x: Any) -> Any:
        return np.exp(np.linalg.inv(x)).sum()

    report = collect.of_function(picky, np.zeros((2, 2)))
    assert report.not_run.startswith("LinAlgError")
    assert report.saved and {saved.bytes for saved in report.saved} == {None}


def test_printing_is_not_mixed_in(
    model: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the function prints while it is measured goes to standard error."""
    collect.of_function(model.says, 3.0)
    out, err = capsys.readouterr()
    assert out == ""
    assert "loud" in err


def test_tracing_is_left_as_it_was(model: ModuleType) -> None:
    """A debugger's or a coverage tool's trace is still there afterwards."""
    before = sys.gettrace()

    def tracer(*args: Any) -> Any:
        return None

    sys.settrace(tracer)
    try:
        of_loss(model)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)


def test_json(model: ModuleType) -> None:
    """The report is plain data: JSON holds all of it."""
    report = of_loss(model)
    back = json.loads(json.dumps(report.to_dict()))
    assert back["report"] == 1
    assert back["primal"][0]["text"] == report.primal[0].text
    assert back["bytes"] == report.bytes


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1234567, "1.23 MB")],
)
def test_size(number: int, text: str) -> None:
    """Bytes are written for people."""
    assert size(number) == text


def test_ranges() -> None:
    """Numbers in a row are written as one."""
    assert ranges([4]) == "line 4"
    assert ranges([2, 3, 4, 7]) == "lines 2 to 4, 7"


def test_views_of_arguments(model: ModuleType) -> None:
    """A part of an argument that is kept is not copied."""
    report = collect.of_function(lambda ws: ws[0] * np.sin(ws[0]), [np.float64(1.0)])
    assert report.bytes >= 0
    layers = load("mlp_layers")
    found = target.of(layers.mlp_layers)
    given = values.given(found, arguments(layers), {})
    kept = collect.collect(derivative.of(found, "reverse"), given).saved
    shared = [saved for saved in kept if saved.name == "W"]
    assert describe_saved(shared[0]).endswith("no copy")
