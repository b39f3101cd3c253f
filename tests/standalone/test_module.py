"""Modules that are written: they give the same numbers, and need no chainrule."""

from __future__ import annotations

import ast
import enum
import functools
import importlib
import math
import os
import pickle
import subprocess
import sys
import types
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, grad, hessian, jvp, value_and_grad, vjp
from chainrule.checking import structure
from chainrule.derivative import Derivative
from chainrule.errors import CannotExport
from chainrule.standalone.module import module_text
from chainrule.standalone.recipe import read
from fixtures.cases import CASES, Case
from tests.checks import quiet
from tests.programs import NAMES, arguments, load

LANGUAGE = Path(__file__).parent.parent.parent / "fixtures" / "language"
for _path in sorted(LANGUAGE.glob("[a-z]*.py")):
    importlib.import_module(f"fixtures.language.{_path.stem}")
SAMPLE = [case for case in CASES if case.raises is None][::25]
BARE = """\
import importlib.abc, pickle, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("chainrule", "gast", "astor", "fixtures"):
            raise ImportError(f"{name} is not here")
sys.meta_path.insert(0, Refuse())
sys.path[:0] = [folder, site]
import exported
sys.stdout.buffer.write(pickle.dumps(exported.answers()))
"""
RATE = 0.25
TABLE = np.array([1.0, 2.0, 4.0])
BIG = np.arange(5000.0)
W = np.array([0.3, 0.7, 1.1])
Pair = namedtuple("Pair", ["a", "b"])


@dataclass
class Line:
    """A record with a method that nothing needs."""

    slope: float
    shift: float = RATE

    def at(self, x: float) -> float:
        return self.slope * x + self.shift


class Broken(Exception):
    """Raised by the functions below."""


@functools.cache
def remembered(n: int) -> int:
    """Return what does not depend on a float."""
    return n * n


def power(x: float, n: int) -> float:
    return 1.0 if n == 0 else x * power(x, n - 1)


def loaded(text: str) -> types.ModuleType:
    """Run a module that was written; all that it refers to is there."""
    made = types.ModuleType("written")
    sys.modules["written"] = made  # dataclasses look there
    exec(compile(text, "written.py", "exec"), vars(made))
    return made


def written(made: Any, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Return the function of the module that is written for these arguments."""
    text = module_text(made, [(args, kwargs)], None)
    return public(loaded(text))


def public(module: types.ModuleType) -> Callable[..., Any]:
    """Return the one function of a module whose name says that it is a derivative."""
    endings = ("grad", "vjp", "jvp")
    names = [n for n in vars(module) if n.endswith(endings) and n[0] != "_"]
    assert len(names) == 1, names
    return getattr(module, names[0])


def same_numbers(a: Any, b: Any) -> bool:
    """Say whether two results hold the same numbers; classes may be copies.

    To the last digits: a derivative for all sizes may add up in another order.
    """
    one, two = structure.to_vector(a), structure.to_vector(b)
    return np.allclose(one, two, rtol=1e-13, atol=0.0, equal_nan=True)


def gradient_of_program(name: str) -> tuple[Derivative[..., Any], tuple[Any, ...]]:
    module = load(name)
    argnums = getattr(module, "WRT", 0)
    return grad(getattr(module, name), argnums=argnums), arguments(module)


@pytest.mark.parametrize("name", NAMES)
def test_programs(name: str) -> None:
    """Every program's gradient can be written, and gives the same numbers."""
    made, args = gradient_of_program(name)
    text = module_text(made, [(args, {})], None)
    assert same_numbers(public(loaded(text))(*args), made(*args))
    assert imported(text) <= {"numpy", "scipy", "__future__"} | sys.stdlib_module_names


def imported(text: str) -> set[str]:
    """Return the packages that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("case", SAMPLE, ids=[case.name for case in SAMPLE])
def test_language(case: Case) -> None:
    """Programs of all kinds: the same value and gradient, or a clear refusal."""
    made = value_and_grad(case.function, argnums=case.wrt)
    try:
        with quiet():
            found = written(made, *case.arguments())
    except CannotExport as refusal:
        assert "`" in str(refusal)
        return
    with quiet():
        assert same_numbers(found(*case.arguments()), made(*case.arguments()))


def test_sample_is_hardly_ever_refused() -> None:
    """The refusals above are the exception."""
    refused = 0
    for case in SAMPLE:
        try:
            with quiet():
                made = value_and_grad(case.function, argnums=case.wrt)
                module_text(made, [(case.arguments(), {})], None)
        except CannotExport:
            refused += 1
    assert refused <= len(SAMPLE) / 20


def test_without_chainrule(tmp_path: Path) -> None:
    """A module runs in an interpreter that has NumPy and refuses chainrule."""

    def gamma(x: float) -> float:
        return math.lgamma(x) * power(x, 3) + Line(x).at(x) * RATE

    jobs = [gradient_of_program(name) for name in ("gru", "kalman", "power_recursive")]
    jobs.append((grad(gamma), (2.5,)))
    jobs.append((grad(lambda xs: sum(xs[:2]) * xs[0]), ([2.0, 3.0, 4.0],)))
    for k, (made, args) in enumerate(jobs):
        module = module_text(made, [(args, {})], None)
        assert "import chainrule" not in module and "from chainrule" not in module
        (tmp_path / "exported.py").write_text(module + answers(args))
        site = str(Path(np.__file__).parent.parent)
        bare = f"folder, site = {str(tmp_path)!r}, {site!r}\n{BARE}"
        run = [sys.executable, "-I", "-S", "-B", "-c", bare]
        out = subprocess.run(run, capture_output=True, check=False)
        assert out.returncode == 0, out.stderr.decode()
        want = list(structure.to_vector(made(*args)))
        assert pickle.loads(out.stdout) == want, f"job {k}"


def answers(args: tuple[Any, ...]) -> str:
    """Return a function for the module that calls its derivative, results as floats."""

    def spell(x: Any) -> str:
        if isinstance(x, np.ndarray):
            return f"np.array({x.tolist()!r})"
        if hasattr(x, "_fields"):
            return f"{type(x).__name__}({', '.join(map(spell, x))})"
        return repr(x)

    return f"""

def answers():
    name = next(n for n in globals() if n.endswith("_grad") and n[0] != "_")
    out = globals()[name]({", ".join(map(spell, args))})
    flat = []
    def visit(x):
        if isinstance(x, (list, tuple)):
            for item in x:
                visit(item)
        else:
            flat.extend(np.asarray(x).ravel().tolist())
    visit(out)
    return flat
"""


def test_other_types_are_refused() -> None:
    """The error lists what the module was made for, and what it was given."""

    def loss(w: Any, n: Any) -> Any:
        return np.sum(w**2, axis=n)

    f = written(grad(loss), np.ones(3), 0)
    assert np.array_equal(f(np.array([1.0, 2.0]), 0), [2.0, 4.0])
    with pytest.raises(TypeError) as problem:
        f(np.ones((2, 2), np.float32), 0)
    assert str(problem.value) == (
        "loss_grad was made for\n"
        "    (w: float64 array of rank 1, n = 0), not for\n"
        "    (w: float32 array of shape (2, 2), n: int)"
    )
    for wrong in ((np.ones(3), 1), (np.ones(3), 0.0), ([1.0], 0), (1.0, 0), (None, 0)):
        with pytest.raises(TypeError, match="was made for"):
            f(*wrong)


def test_several_specialisations() -> None:
    """There is one function, and an `if` for each specialisation; none is repeated."""

    def f(x: Any, k: float = 2.0) -> Any:
        return np.sum(np.sin(x) * k)

    calls = [(x, {}) for x in ((2.0,), (np.ones(3),), (np.ones((2, 2)), 3.0), (1.0,))]
    text = module_text(grad(f), calls, None)
    made = loaded(text)
    assert text.count("    return _f_grad_") == 3
    for args, _ in calls:
        assert same_numbers(made.f_grad(*args), grad(f)(*args))
    assert same_numbers(made.f_grad(np.ones(4), k=0.5), grad(f)(np.ones(4), k=0.5))


def test_a_size_of_one_is_another_type() -> None:
    """What is assumed of the lengths of axes is tested and said."""
    f = written(grad(lambda x, y: np.sum(x * y)), np.ones((3, 1)), np.ones((3, 4)))
    with pytest.raises(TypeError, match="axis 1 of length 1"):
        f(np.ones((3, 4)), np.ones((3, 4)))


def test_integers_that_were_passed() -> None:
    """Integers that are taken as reals are taken by the module too."""
    f = written(grad(lambda x: x**2), 5)
    assert f(5) == 10.0 and f(2.5) == 5.0
    g = written(grad(lambda x: np.sum(x**2)), np.arange(3))
    assert g(np.arange(3)).dtype == np.float64
    h = written(grad(lambda p: p["a"] * p["b"]), {"a": 2, "b": 3.0})
    assert h({"a": 4, "b": 5.0}) == {"a": 5.0, "b": 4.0}


def test_arguments_that_are_written() -> None:
    """A module writes what the function writes, into memory that nothing else has."""

    def f(x: Any, y: Any) -> Any:
        x[1] = x[0] * y[0]
        return np.sum(x * y)

    x, y = np.array([2.0, 3.0]), np.array([4.0, 5.0])
    g, made = written(grad(f), x.copy(), y), grad(f)
    mine, own = x.copy(), x.copy()
    assert same_numbers(g(mine, y), made(own, y)) and same_numbers(mine, own)
    with pytest.raises(TypeError, match="x: .* in memory of its own"):
        g(x, x)

    def h(xs: list[Any]) -> Any:
        xs[0] *= xs[1]
        return np.sum(xs[0])

    pair = written(grad(h), [x.copy(), y])
    assert same_numbers(pair([x.copy(), y]), grad(h)([x.copy(), y]))
    with pytest.raises(TypeError):
        pair([x, x])


def test_modes() -> None:
    """Values, pullbacks, tangents, tuples, and other results."""

    def f(x: Any, y: Any) -> Any:
        return np.sin(x) * y

    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, pullback = written(differentiate(f).vjp, x, y)(x, y)
    want, pull = vjp(f, x, y)
    assert same_numbers(value, want)
    assert same_numbers(pullback(x), pull(x)) and same_numbers(pullback(y), pull(y))
    assert same_numbers(pullback([1, 2]), pull(np.array([1.0, 2.0])))
    with pytest.raises(ValueError, match="shape"):
        pullback(1.0)
    tangent = written(differentiate(argnums=(0, 1))(f).jvp, x, y)
    assert same_numbers(tangent(x, y, y, x), jvp(f, (x, y), (y, x)))
    with pytest.raises(TypeError, match="was made for"):
        tangent(x, y, np.ones(3), x)
    aux = value_and_grad(lambda a, b: (a * b, {"b": b}), argnums=(0,), has_aux=True)
    assert written(aux, 2.0, 3.0)(2.0, 3.0) == aux(2.0, 3.0)
    pair = grad(lambda a, b: a * b, argnums=(0,))
    assert written(pair, 2.0, 3.0)(2.0, 3.0) == (3.0,)


def test_signature() -> None:
    """The function takes what the user's function takes, in the same ways."""

    def f(
        a: float, /, b: float = 2.0, *rest: float, c: float = math.inf, **more: float
    ):
        return a * b + sum(rest) * a + more["d"] * a + min(a, c)

    g = written(grad(f), 1.0, 2.0, 3.0, d=4.0)
    assert g(1.0, 2.0, 5.0, d=4.0) == grad(f)(1.0, 2.0, 5.0, d=4.0)
    with pytest.raises(TypeError, match="argument: 'a'"):
        g(a=1.0, d=4.0)


def test_closure_and_classes() -> None:
    """Cells become constants; classes and wrapped functions are written out."""
    k = 3.0

    def f(p: Pair, line: Line, x: float) -> float:
        if x < 0:
            raise Broken(f"{x} is negative")
        return p.a * k * line.at(x) + p.b * remembered(2) + TABLE[1] * x

    made = grad(f, argnums=(0, 1, 2))
    args = (Pair(1.0, 2.0), Line(2.0, 3.0), 4.0)
    g = written(made, *args)
    assert same_numbers(g(*args), made(*args))
    with pytest.raises(Exception, match="-1.0 is negative") as problem:
        g(*args[:2], -1.0)
    assert type(problem.value).__name__ == "Broken"


class Kind(enum.Enum):
    """Which of two."""

    SINE = 1
    SQUARE = 2


def of_kind(x: float, kind: Kind = Kind.SINE) -> float:
    return math.sin(x) if kind is Kind.SINE else x * x


def test_enumerations() -> None:
    """Members of enumerations are recognised by name, also copies of the class."""
    g = written(grad(of_kind), 2.0)
    assert g(2.0) == g(2.0, Kind.SINE) == math.cos(2.0)
    with pytest.raises(TypeError, match="kind = Kind.SINE"):
        g(2.0, Kind.SQUARE)
    assert written(grad(of_kind), 2.0, Kind.SQUARE)(2.0, Kind.SQUARE) == 4.0


def opaque(x: float) -> float:
    return x * np.sum(BIG)


def of_function(f: Callable[[float], float], x: float) -> float:
    return f(x)


COUNTED = 0
LINES: list[str] = []


def counting() -> Callable[[float], float]:
    calls = 0

    def f(x: float) -> float:
        global COUNTED
        nonlocal calls
        COUNTED += 1
        calls += 2
        LINES.append("called")
        return x * x

    return f


def test_state_outside() -> None:
    """The module counts for itself, from where the count was."""
    module = loaded(module_text(grad(counting()), [((3.0,), {})], None))
    assert public(module)(3.0) == public(module)(3.0) == 6.0
    assert (module.COUNTED, module.calls, module.LINES) == (2, 4, ["called"] * 2)
    assert (COUNTED, LINES) == (0, [])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: written(grad(opaque), 2.0), "`BIG`.*5000 numbers.*pass it as"),
        (lambda: written(grad(of_function, 1), power, 2.0), "n"),
        (lambda: written(grad(of_function, 1), opaque, 2.0), "`opaque`.*recognise"),
        (lambda: written(hessian(lambda x: x**3), 2.0), "hessian.*export grad"),
    ],
)
def test_refusals(make: Callable[[], Any], message: str) -> None:
    """What cannot be written is named, with what to do."""
    with pytest.raises((CannotExport, TypeError), match=message):
        make()


def test_formatted(tmp_path: Path) -> None:
    """A formatter has nothing to change, a linter nothing to say."""
    ruff = [sys.executable, "-m", "ruff"]
    for name in ("gru", "kalman", "layer_norm", "mlp", "power_recursive", "nbody"):
        made, args = gradient_of_program(name)
        text = module_text(made, [(args, {})], None)
        (tmp_path / f"{name}.py").write_text(text)

    def writes(xs: list[Any]) -> Any:
        xs[0] *= xs[1]
        return np.sum(xs[0])

    text = module_text(grad(writes), [(([W, 2 * W],), {})], None)
    (tmp_path / "writes.py").write_text(text)
    options = ["--isolated", "--no-cache", str(tmp_path)]
    for command in (["format", "--check"], ["check", "--select", "E4,E7,E9,F,I"]):
        out = subprocess.run(
            [*ruff, *command, *options], capture_output=True, text=True
        )
        assert out.returncode == 0, out.stdout + out.stderr


def test_deterministic(tmp_path: Path) -> None:
    """The text does not depend on the order of hashes."""
    program = (
        "from chainrule import grad\n"
        "from tests.standalone.test_module import gradient_of_program, module_text\n"
        "made, args = gradient_of_program('gru')\n"
        "print(module_text(made, [(args, {})], None))\n"
    )
    texts = set()
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent.parent.parent,
        )
        texts.add(out.stdout)
    assert len(texts) == 1


def test_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`.export` writes a module that says how to write it again."""
    monkeypatch.chdir(tmp_path)
    grad(power).export("power_grad.py", 2.0, 3)
    text = Path("power_grad.py").read_text()
    assert public(loaded(text))(2.0, 3) == 12.0
    command = read(text)
    assert command is not None and command.path == "power_grad.py"
    assert command.argv[1:] == ("--args", "2.0, 3", "--wrt", "x")


def test_no_command_for_local_functions() -> None:
    """What no command line can name is not claimed to be."""
    assert read(module_text(grad(lambda x: x * x), [((2.0,), {})], None)) is None


class Sized:
    """An object whose class has what its instances may have too."""

    scale = 2.0

    def area(self, x: float) -> float:
        return x * x * self.scale


def test_an_attribute_that_hides_one_of_the_class_is_refused() -> None:
    """What the class had is a constant of the module, what an object has is not."""
    made = written(grad(Sized.area, argnums=1), Sized(), 3.0)
    one = Sized()
    assert made(one, 3.0) == 12.0
    one.scale = 5.0
    with pytest.raises(TypeError, match="was made for"):
        made(one, 3.0)
