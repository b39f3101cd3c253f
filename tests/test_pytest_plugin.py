"""The pytest plugin, as projects use it that are strict about warnings and markers."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

# pytester forgets what is imported while it runs in this process; these are to stay
import chainrule.api  # noqa: F401
import chainrule.checking.derivatives  # noqa: F401
import chainrule.checking.goldens  # noqa: F401
import chainrule.checking.samples  # noqa: F401
import chainrule.inspector.index  # noqa: F401
import chainrule.pipeline  # noqa: F401

pytest_plugins = ["pytester"]

# without a plugin that takes seconds to import, in each run anew
PLUGIN = ("-p", "chainrule.pytest_plugin", "-p", "no:hypothesispytest")
ROOT = Path(__file__).resolve().parent.parent

MODEL = """
import numpy as np
from chainrule import differentiate, rules

def damped(x):
    return np.exp(-x)

@rules.elementwise(damped)
def _(x, out):
    return out

@differentiate
def loss(w, X):
    return np.sum((X @ w) ** 2)

def decay(w):
    return np.sum(damped(w))
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a project with a model, strict in every way."""
    pytester.makepyprojecttoml(
        """
        [tool.pytest.ini_options]
        addopts = ["--strict-markers", "--strict-config", "-p", "no:cacheprovider"]
        filterwarnings = ["error"]
        """
    )
    pytester.makepyfile(model=MODEL)
    pytester.syspathinsert()
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the project's tests in this process."""
    return project.runpytest(*PLUGIN, *options)


RIGHT = """
import numpy as np
from model import loss

def test_loss(check_derivative):
    check_derivative(loss, np.ones(2), np.eye(3, 2), wrt=("w", "X"), order=2)
"""


def test_right_derivative_passes(project: pytest.Pytester) -> None:
    """The fixture needs no import and no setting."""
    project.makepyfile(RIGHT)
    run(project).assert_outcomes(passed=1)


def test_wrong_derivative_fails(project: pytest.Pytester) -> None:
    """The failure shows the test's line, the numbers, and the primal line."""
    project.makepyfile(
        """
        import numpy as np
        from model import decay

        def test_decay(check_derivative):
            check_derivative(decay, np.array([0.5, 0.7]))
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*check_derivative(decay, np.array([[]0.5, 0.7[]]))",
            "E *AssertionError: the derivative of `decay` with respect to w is wrong:"
            " differences give other numbers",
            "E * reverse *forward *differences",
            "E * w[[]0[]] * 0.60653* 0.60653* -0.60653* +- *",
            "E * w[[]1[]] *",
            "E *--> model.py:16",
            "E *16 |     return np.sum(damped(w))",
            "E * ^",
        ]
    )
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_errors_end_in_the_users_code(project: pytest.Pytester) -> None:
    """Frames of chainrule are left out, those of the function are not."""
    project.makepyfile(
        """
        import numpy as np

        def refused(x):
            return eval("x")

        def broken(x):
            raise KeyError("mine")

        def test_refused(check_derivative):
            check_derivative(refused, 1.0)

        def test_broken(check_derivative):
            check_derivative(broken, 1.0)

        def test_golden(golden_derivative):
            golden_derivative(refused, 1.0)
        """
    )
    result = run(project)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*raise KeyError*", "E *KeyError: 'mine'"])
    result.stdout.fnmatch_lines(["*chainrule.NotDifferentiable: CR*"])
    result.stdout.no_re_match_line(r".*chainrule/\w+/\w+\.py:\d+")


GOLDEN = """
import numpy as np
from model import loss

class TestLoss:
    def test_grad(self, golden_derivative):
        golden_derivative(loss, np.ones(2), np.eye(3, 2))

def test_several(golden_derivative):
    golden_derivative(loss.hvp, np.ones(2), np.eye(3, 2), file="hvp.py")
    golden_derivative(loss, np.ones(2), np.eye(3, 2), wrt="X")
"""


def test_golden_is_written_and_compared(project: pytest.Pytester) -> None:
    """No file fails; the update writes; a change fails with a diff."""
    project.makepyfile(test_model=GOLDEN)
    folder = project.path / "goldens" / "test_model"
    result = run(project)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*(no such file)", "*pytest --update-goldens*"])
    assert not folder.exists()
    result = run(project, "--update-goldens")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*goldens written*", "goldens/test_model/TestLoss.grad.py"]
    )
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["TestLoss.grad.py", "hvp.py", "several.py"]
    golden = folder / "TestLoss.grad.py"
    golden.write_text(golden.read_text().replace("w", "W", 1))
    result = run(project)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*is not that of goldens/test_model/TestLoss.grad.py",
            "*--- goldens/test_model/TestLoss.grad.py",
            "*+++ generated now",
            "*-def loss_grad(W, X):",
            "*+def loss_grad(w, X):",
        ]
    )


def test_golden_folder_and_name(project: pytest.Pytester) -> None:
    """The folder is the project's choice; names do not look like tests."""
    with (project.path / "pyproject.toml").open("a") as file:
        file.write('\nderivative_goldens = "review/code"\n')
    project.mkdir("checks").joinpath("test_it.py").write_text(
        "import numpy as np, pytest\n"
        "@pytest.mark.argument_types('x', ['float', 'float32[2, 3]'])\n"
        "def test_test_square(x, golden_derivative):\n"
        "    golden_derivative(lambda x: np.sum(x**2), x)\n"
    )
    run(project, "--update-goldens").assert_outcomes(passed=2)
    folder = project.path / "review" / "code" / "test_it"
    written = sorted(path.name for path in folder.iterdir())
    assert written == ["square-float.py", "square-float32-2-3.py"]
    run(project, str(project.path)).assert_outcomes(passed=2)


def test_golden_used_twice(project: pytest.Pytester) -> None:
    """Two derivatives in one file would write over each other."""
    project.makepyfile(
        """
        def test_twice(golden_derivative):
            golden_derivative(lambda x: x**2, 1.0)
            golden_derivative(lambda x: x**3, 1.0)
        """
    )
    result = run(project, "--update-goldens")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ValueError: *twice.py already: give file=..."])


def test_cache_is_isolated(project: pytest.Pytester) -> None:
    """Each test sees what it compiled itself."""
    project.makepyfile(
        """
        import pytest
        from model import loss
        import numpy as np

        @pytest.mark.parametrize("n", [2, 3])
        def test_compiles_once(n, derivative_cache):
            for k in range(3):
                loss.grad(np.ones(n), np.eye(4, n))
            assert [made.function for made in derivative_cache] == ["loss"]
            derivative_cache.clear()
            assert len(derivative_cache) == 0
        """
    )
    run(project).assert_outcomes(passed=2)


def test_argument_types(project: pytest.Pytester) -> None:
    """The marker runs a test for each type, with every combination of several."""
    project.makepyfile(
        """
        import numpy as np
        import pytest

        @pytest.mark.argument_types(
            "w, X",
            [
                ("float64[2]", "float64[3, 2]"),
                pytest.param(({"a": "float32[2]"}, "int"), id="mixed"),
            ],
            low=0.5,
        )
        @pytest.mark.argument_types("k", ["float", "complex64"])
        def test_types(w, X, k, check_derivative):
            if isinstance(w, dict):
                assert w["a"].dtype == np.float32 and type(X) is int
            else:
                assert w.shape == (2,) and np.all(X >= 0.5)
            check_derivative(lambda k: abs(k) ** 2, k)
        """
    )
    result = run(project, "-v")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*test_types[[]float-float64[[]2[]]-float64[[]3, 2[]]] PASSED*",
            "*test_types[[]float-mixed[]] PASSED*",
        ]
    )


@pytest.mark.parametrize("mark", ['"x", ["text"]', '"x, y", ["float"]', '"x"'])
def test_argument_types_that_are_none(project: pytest.Pytester, mark: str) -> None:
    """A mistake in the marker is told when tests are collected."""
    project.makepyfile(
        "import pytest\n"
        f"@pytest.mark.argument_types({mark})\n"
        "def test_types(x):\n    pass\n"
    )
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["argument_types: *"])


@pytest.mark.parametrize("place", ["conftest", "before", "after"])
def test_option_of_the_same_name(project: pytest.Pytester, place: str) -> None:
    """A project or another plugin may have `--update-goldens`: it serves for both."""
    name = "conftest" if place == "conftest" else "otherplugin"
    project.makepyfile(
        **{
            name: "def pytest_addoption(parser):\n"
            "    parser.addoption('--update-goldens', action='store_true')\n"
        }
    )
    project.makepyfile(test_model=GOLDEN)
    other = () if place == "conftest" else ("-p", "otherplugin")
    plugins = (*other, *PLUGIN) if place == "before" else (*PLUGIN, *other)
    result = project.runpytest(*plugins, "--update-goldens")
    result.assert_outcomes(passed=2)
    assert (project.path / "goldens" / "test_model" / "hvp.py").is_file()


def test_help_lists_options_and_marker(project: pytest.Pytester) -> None:
    """What there is can be found out."""
    result = run(project, "--help")
    result.stdout.fnmatch_lines(["*--derivative-report*DIR*", "*--update-goldens*"])
    run(project, "--markers").stdout.fnmatch_lines(["*argument_types(names, types*"])
    result = run(project, "--fixtures")
    result.stdout.fnmatch_lines(["check_derivative*", "golden_derivative*"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_report(project: pytest.Pytester, workers: tuple[str, ...]) -> None:
    """A page for every check, also of those that fail, and a list of all."""
    wrong = """
        import numpy as np
        from model import decay

        def test_decay(check_derivative):
            check_derivative(decay, np.array([0.5, 0.7]))

        def test_refused(golden_derivative):
            golden_derivative(lambda x: eval("x"), 1.0)
        """
    project.makepyfile(test_right=RIGHT, test_model=GOLDEN, test_wrong=wrong)
    options = ("--update-goldens", "--derivative-report", "out/pages")
    result = run(project, *options, *workers)
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        ["*derivative report*", "6 derivatives in */out/pages/index.html"]
    )
    result.stdout.fnmatch_lines(["*goldens written*", "goldens/test_model/hvp.py"])
    folder = project.path / "out" / "pages"
    listed = (folder / "index.html").read_text()
    pages = re.findall(r'<td><a href="(.*?)">', listed)
    assert sorted(["index.html", *pages]) == sorted(p.name for p in folder.iterdir())
    assert "6 derivatives checked, 2 failed." in listed
    assert "CR105" in listed and "differences give other numbers" in listed
    assert listed.index("test_decay") < listed.index("test_loss")
    (page,) = [name for name in pages if "test_loss" in name]
    assert "loss_grad" in (folder / page).read_text()


def test_readme(project: pytest.Pytester) -> None:
    """What the README shows of tests is a file of tests that pass."""
    text = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    introduction, *_ = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    _, _, chapter = text.partition("## In your tests\n")
    blocks = re.findall(
        r"^```python\n(.*?)^```$", chapter.partition("\n## ")[0], re.M | re.S
    )
    project.makepyfile(test_model="\n".join([introduction, *blocks]))
    result = run(project, "--update-goldens")
    result.assert_outcomes(passed=5)
    (golden,) = re.findall(r"`(goldens/\S+\.py)`", text)
    assert project.path.joinpath(golden).is_file()


def test_pytest_starts_without_numpy(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not use chainrule does not pay for it: the entry point is cheap."""
    described = project.mkdir("site").joinpath("chainrule-0.dist-info")
    described.mkdir()
    described.joinpath("METADATA").write_text("Name: chainrule\nVersion: 0\n")
    text = ROOT.joinpath("pyproject.toml").read_text(encoding="utf-8")
    points = tomllib.loads(text)["project"]["entry-points"]["pytest11"]
    ((name, target),) = points.items()
    described.joinpath("entry_points.txt").write_text(
        f"[pytest11]\n{name} = {target}\n"
    )
    project.makepyfile(
        """
        import sys

        def test_nothing(request):
            assert request.config.pluginmanager.has_plugin("chainrule.pytest_plugin")
            assert "chainrule" in sys.modules
            loaded = {name.partition(".")[0] for name in sys.modules}
            assert not loaded & {"numpy", "gast", "astor", "rich"}
            assert "chainrule.api" not in sys.modules

        def test_fixture(derivative_cache):
            assert len(derivative_cache) == 0
        """
    )
    paths = [str(described.parent), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    others = ("benchmark", "hypothesispytest", "sybil", "timeout", "xdist")
    disabled = [part for other in others for part in ("-p", f"no:{other}")]
    result = project.run(sys.executable, "-m", "pytest", *disabled)
    result.assert_outcomes(passed=2)
