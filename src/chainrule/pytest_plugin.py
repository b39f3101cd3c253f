"""The pytest plugin: fixtures that check derivatives and compare generated code.

In: pytest, which loads this by its entry point in every project that has chainrule
installed. Out: the fixtures `check_derivative`, `golden_derivative` and
`derivative_cache`, the marker `argument_types`, and the options `--update-goldens` and
`--derivative-report`.

Projects that do not use chainrule pay nothing: this module imports pytest only, the
package above it is lazy, and NumPy and the compiler come with the first fixture.
"""

from __future__ import annotations

import dataclasses
import re
import types
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest

if TYPE_CHECKING:
    from chainrule.cache.isolated import Isolated

Wrt = int | str | tuple[int, ...] | tuple[str, ...] | None
# What tests tell the end of the session: as user properties, which xdist passes on.
WRITTEN = "golden written"
REPORTED = "derivative"


class CheckDerivative(Protocol):
    """The type of the fixture `check_derivative`."""

    def __call__(
        self,
        f: Callable[..., Any],
        /,
        *args: Any,
        wrt: Wrt = None,
        order: int = 1,
        rtol: float | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None: ...


class GoldenDerivative(Protocol):
    """The type of the fixture `golden_derivative`."""

    def __call__(
        self,
        f: Callable[..., Any],
        /,
        *args: Any,
        wrt: Wrt = None,
        transform: str = "grad",
        file: str | Path | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the project may set."""
    parser.getgroup("chainrule").addoption(
        "--derivative-report",
        metavar="DIR",
        help="write a page of HTML for each derivative that the tests check, and a list"
        " of them, DIR/index.html",
    )
    parser.addini(
        "derivative_goldens",
        "folder of generated code to compare with, relative to the root folder"
        " (default: `goldens` beside each test file)",
        default="",
    )


@pytest.hookimpl(trylast=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> None:
    """Add `--update-goldens`, unless the project has an option of this name already.

    That is why it is added here, after other plugins and conftest files: two options of
    one name would keep pytest from starting. Theirs then serves for both.
    """
    try:
        parser.getgroup("chainrule").addoption(
            "--update-goldens",
            action="store_true",
            help="write generated code to the files it is compared with",
        )
    except ValueError:
        pass


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known: projects may be strict about markers."""
    if config.getoption("derivative_report"):
        folder = config.invocation_params.dir / config.getoption("derivative_report")
        config.option.derivative_report = str(folder)
        if not hasattr(config, "workerinput"):  # the list is for the main process
            config.pluginmanager.register(DerivativeReport(folder))
    config.addinivalue_line(
        "markers",
        "argument_types(names, types, low=-1.0, high=1.0): run the test with arguments"
        ' of each of these types, such as "float" or "float32[3, 2]"',
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise over argument types; several markers give every combination."""
    for mark in metafunc.definition.iter_markers("argument_types"):
        try:
            names, cases = argument_cases(*mark.args, **mark.kwargs)
        except (TypeError, ValueError) as problem:
            pytest.fail(f"argument_types: {problem}", pytrace=False)
        metafunc.parametrize(names, cases)


def argument_cases(
    names: str | list[str], types: list[Any], *, low: float = -1.0, high: float = 1.0
) -> tuple[list[str], list[Any]]:
    """Return the names and the values for `parametrize`."""
    import numpy as np

    from chainrule.checking.samples import label, sample

    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")]
    cases = []
    for case in types:
        given = case if isinstance(case, _ParameterSet) else pytest.param(case)
        spec = given.values[0] if len(given.values) == 1 else given.values
        specs = (spec,) if len(names) == 1 else spec
        if not isinstance(specs, tuple) or len(specs) != len(names):
            raise ValueError(f"{spec!r} is not a tuple of {len(names)} types")
        title = str(given.id or "-".join(map(label, specs)))
        rng = np.random.default_rng(zlib.crc32(title.encode()))
        values = [sample(each, rng, low, high) for each in specs]
        cases.append(pytest.param(*values, id=title, marks=given.marks))
    return names, cases


_ParameterSet = type(pytest.param())


@pytest.fixture
def check_derivative(request: pytest.FixtureRequest) -> CheckDerivative:
    """Check a derivative: `check_derivative(f, *args)`.

    Reverse mode is compared with differences at several steps, entry by entry, and with
    forward mode by an inner product. The failure names each argument, index and all
    three numbers, and shows where the function reads the argument.

    Parameters
    ----------
    f : callable
        The function itself, decorated or not; it may return arrays and containers.
    *args
        What to call it with.
    wrt : int, str or tuple of them, optional
        What to differentiate by: as decorated, or the first argument, by default.
    order : int
        2 also checks the second derivative, and so on.
    rtol : float, optional
        The tolerance relative to the largest entry of each gradient; 1e-6 in double
        precision, 2e-4 in single precision.
    kwargs : dict, optional
        What to pass by keyword.

    Raises
    ------
    AssertionError
        If the derivative is wrong.
    """

    def check_derivative(
        f: Callable[..., Any],
        /,
        *args: Any,
        wrt: Wrt = None,
        order: int = 1,
        rtol: float | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        __tracebackhide__ = True
        from chainrule.checking.derivatives import check

        call = (f, args, kwargs or {}, wrt)
        try:
            outcome = check(f, args, kwargs, wrt=wrt, order=order, rtol=rtol)
        except Exception as error:
            record(request, "check", call, (False, str(error)))
            reraise(error)
        call = (f, args, kwargs or {}, outcome.names)
        result = (outcome.ok, outcome.text)
        record(request, "check", call, result, outcome.transform)
        if not outcome.ok:
            raise AssertionError(outcome.text)

    return check_derivative


@pytest.fixture
def golden_derivative(request: pytest.FixtureRequest) -> GoldenDerivative:
    """Compare generated code with a committed file: `golden_derivative(f, *args)`.

    The file is `goldens/<test file>/<test>.py` beside the test file; the ini option
    `derivative_goldens` names another folder than `goldens`. `pytest --update-goldens`
    writes it. The text depends only on the function and the types of the arguments.

    Parameters
    ----------
    f : callable
        A function, or a derivative such as `loss.grad` or `hessian(loss)`.
    *args
        Arguments of the function, for their types.
    wrt : int, str or tuple of them, optional
        What to differentiate by: as decorated, or the first argument, by default.
    transform : str
        `"grad"`, `"value_and_grad"`, `"vjp"`, `"jvp"`, `"jacobian"`, `"hessian"` or
        `"hvp"`.
    file : str or Path, optional
        Another name in that folder, or an absolute path; needed where one test compares
        several derivatives.
    kwargs : dict, optional
        What to pass by keyword.

    Raises
    ------
    AssertionError
        If the code differs; the message is a unified diff.
    """
    used: set[Path] = set()

    def golden_derivative(
        f: Callable[..., Any],
        /,
        *args: Any,
        wrt: Wrt = None,
        transform: str = "grad",
        file: str | Path | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        __tracebackhide__ = True
        from chainrule.checking import goldens

        path = golden_folder(request) / (file or golden_name(request))
        if path in used:
            raise ValueError(
                f"this test compares with {path.name} already: give file=..."
            )
        used.add(path)
        call = (f, args, kwargs or {}, wrt)
        try:
            text = goldens.code(f, args, kwargs or {}, wrt=wrt, transform=transform)
        except Exception as error:
            record(request, "golden", call, (False, str(error)), transform)
            reraise(error)
        shown = _relative(path, request.config)
        difference = goldens.difference(text, path, shown)
        if difference and request.config.getoption("update_goldens", False):
            goldens.write(text, path)
            request.node.user_properties.append((WRITTEN, shown))
            difference = ""
        outcome = (not difference, f"{shown}\n{difference}".rstrip())
        record(request, "golden", call, outcome, transform)
        if difference:
            raise AssertionError(
                f"the generated code is not that of {shown}\n{difference}\n"
                "(pytest --update-goldens writes the file: read what changed)"
            )

    return golden_derivative


@pytest.fixture
def derivative_cache() -> Iterator[Isolated]:
    """Start without compiled derivatives, and leave none behind.

    `len(derivative_cache)` counts what was compiled since, one for each set of argument
    types; iteration tells what; `clear()` forgets it.
    """
    from chainrule.cache.isolated import isolated

    with isolated() as cache:
        yield cache


def golden_folder(request: pytest.FixtureRequest) -> Path:
    """Return the folder for the files of one test module."""
    chosen = request.config.getini("derivative_goldens")
    folder = request.path.parent / "goldens"
    if chosen:
        folder = request.config.rootpath / chosen
    return folder / request.path.stem


def golden_name(request: pytest.FixtureRequest) -> str:
    """Return the name of a test's file, one that pytest does not take for a test."""
    parts = request.node.nodeid.partition("::")[2].split("::")
    name = ".".join(re.sub(r"^(test_)+", "", part) for part in parts)
    return re.sub(r"[^\w.=+-]+", "-", name).strip("-") + ".py"


def record(
    request: pytest.FixtureRequest,
    what: str,
    call: tuple[Any, tuple[Any, ...], dict[str, Any], Any],
    outcome: tuple[bool, str],
    transform: str = "grad",
) -> None:
    """Write the page of a check for `--derivative-report`, if that is asked for."""
    folder = request.config.getoption("derivative_report")
    if not folder:
        return
    from chainrule.inspector import index

    told = request.node.user_properties
    number = sum(name == REPORTED for name, _ in told)
    row = index.add(
        Path(folder),
        request.node.nodeid,
        what,
        call,
        outcome,
        transform=transform,
        number=number,
    )
    told.append((REPORTED, dataclasses.asdict(row)))


class DerivativeReport:
    """Collects what was checked, also by the workers of xdist, and writes the list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test told, once it is over."""
        if report.when == "teardown":
            told = report.user_properties
            self.rows += [row for name, row in told if name == REPORTED]  # type: ignore[misc]

    def pytest_sessionfinish(self) -> None:
        """Write the list."""
        from chainrule.inspector import index

        index.write(self.folder, [index.Checked(**row) for row in self.rows])

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where the list is."""
        count = f"{len(self.rows)} derivative{'' if len(self.rows) == 1 else 's'}"
        terminalreporter.section("derivative report")
        terminalreporter.line(f"{count} in {self.folder / 'index.html'}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which files were written: they are to be reviewed."""
    reports = terminalreporter.getreports("passed")
    properties = [pair for report in reports for pair in report.user_properties]
    written = sorted({text for name, text in properties if name == WRITTEN})
    if written:
        terminalreporter.section("goldens written")
        for path in written:
            terminalreporter.line(path)


def reraise(error: Exception) -> NoReturn:
    """Raise an error again, with the user's frames and without our own."""
    __tracebackhide__ = True
    frames = []
    tb = error.__traceback__
    while tb is not None:
        module = str(tb.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != "chainrule":
            frames.append(tb)
        tb = tb.tb_next
    kept = None
    for tb in reversed(frames):
        kept = types.TracebackType(kept, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    raise error.with_traceback(kept)


def _relative(path: Path, config: pytest.Config) -> str:
    root = config.rootpath
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
