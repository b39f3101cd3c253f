"""The examples of README.md and of docstrings run, and what they show is true.

In README.md a block marked `python` is run; a block marked `python output` or `output`
after it is what it prints; `pytest --update-goldens` writes that. In docstrings, `>>>`
as usual.
"""

from __future__ import annotations

import contextlib
import copy
import doctest
import importlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Document, Example, Region, Sybil

from chainrule.rules.registry import RULES

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(
    r"^```(python|(?:python )?output)\n(.*?)^```$", re.DOTALL | re.MULTILINE
)
PRINTED = "printed by the last block"


def fences(document: Document) -> Iterator[Region]:
    """Yield the blocks to run and the blocks to compare."""
    for match in FENCE.finditer(document.text):
        evaluator = execute if match[1] == "python" else compare
        yield Region(match.start(), match.end(), match[2], evaluator)


def execute(example: Example) -> None:
    """Run a block as part of the file, so that its functions have a source."""
    lines = "\n" * example.line
    code = compile(lines + example.parsed, example.path, "exec")
    example.namespace.setdefault("__name__", "readme")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, example.namespace)
    example.namespace[PRINTED] = printed.getvalue().rstrip("\n") + "\n"


def compare(example: Example) -> str | None:
    """Say how what was printed differs from what the document shows."""
    printed = example.namespace[PRINTED]
    checker, flags = doctest.OutputChecker(), doctest.ELLIPSIS
    if checker.check_output(example.parsed, printed, flags):
        return None
    shown = doctest.Example("", example.parsed)
    return checker.output_difference(shown, printed, flags)


MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    for path in (ROOT / "src").rglob("*.py")
    if "    >>> " in path.read_text(encoding="utf-8")
)


def test_readme(request: pytest.FixtureRequest) -> None:
    """Every block of the README runs and prints what it says."""
    path = ROOT / "README.md"
    if request.config.getoption("--update-goldens"):
        update(path)
    examples = list(Sybil([fences]).parse(path).examples())
    for example in examples:
        example.evaluate()
    assert len(examples) >= 2


def update(path: Path) -> None:
    """Write what the blocks print into the blocks that show it."""
    document = Sybil([fences]).parse(path)
    text = document.text
    later: list[tuple[int, int, str]] = []
    for example in document.examples():
        if example.region.evaluator is execute:
            example.evaluate()
        else:
            start = text.index("\n", example.region.start) + 1
            end = start + len(example.parsed)
            later.append((start, end, example.namespace[PRINTED]))
    for start, end, printed in reversed(later):
        text = text[:start] + printed + text[end:]
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def rules() -> Iterator[None]:
    """Forget the rules that an example enters."""
    names = ("reverse", "forward", "inactive")
    saved = {name: copy.copy(getattr(RULES, name)) for name in names}
    yield
    for name, content in saved.items():
        table = getattr(RULES, name)
        table.clear()
        table.update(content)
    RULES.changed()


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.usefixtures("rules")
def test_docstrings(name: str) -> None:
    """Every example in a docstring gives what it shows."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    printed: list[str] = []
    for test in doctest.DocTestFinder().find(module):
        runner.run(test, out=printed.append)
    assert not runner.failures, "".join(printed)


def test_readme_commands() -> None:
    """The two commands at the top of the README exist, and CI runs the second."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(?:\$ )?(\./scripts/\w+)", text, re.MULTILINE)
    assert commands[:2] == ["./scripts/example", "./scripts/test"]
    for command in commands:
        assert (ROOT / command).stat().st_mode & 0o111
    assert "exec ./scripts/test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
