"""An account of a derivative in words: what became of the user's program, and why.

In: a report of the inspector, which holds the facts. Out: an `Account`, a list of
`Remark`s by topic, and its text. What is saved says which lines of the reverse sweep
read it; what is not saved says whether it is computed again, was folded, or is not
active; what types did not settle is left to run time.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.errors import short_path
from chainrule.inspector.report import (
    DerivativeLine,
    PrimalLine,
    Report,
    Saved,
    describe_saved,
    heading,
    listed,
    quantity,
    ranges,
    size,
)
from chainrule.runtime import helpers

TITLES = {
    "saved": "saved for the reverse sweep",
    "copied": "copied",
    "recomputed": "computed again in the reverse sweep instead of saved",
    "inactive": "inactive, so that no derivative of it is computed",
    "folded": "settled when the derivative was made",
    "run time": "left to run time",
}
HELPERS = frozenset(
    n
    for n, f in vars(helpers).items()
    if callable(f) and f.__module__ == helpers.__name__
)


@dataclass(frozen=True)
class Remark:
    """One fact: its topic, the user's place (line 0 for an argument), what and why."""

    topic: str
    file: str
    line: int
    what: str
    why: str


@dataclass(frozen=True)
class Account:
    """All remarks on a derivative, by topic in the order of the program."""

    title: str
    remarks: tuple[Remark, ...]

    def about(self, topic: str) -> tuple[Remark, ...]:
        """Return the remarks of a topic."""
        return tuple(r for r in self.remarks if r.topic == topic)

    def text(self) -> str:
        """Return the account for people."""
        files = {r.file for r in self.remarks if r.file}
        lines = [self.title]
        for topic, title in TITLES.items():
            found = self.about(topic)
            lines += ["", title if found else f"{title}: nothing"]
            for each in found:
                lines += _wrapped(each, several=len(files) > 1)
        return "\n".join(lines)


class Explanation(str):
    """The text of an account, which prints itself; `account` holds it as data."""

    account: Account

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def explanation(report: Report) -> Explanation:
    """Return the account of a report as text."""
    made = account(report)
    out = Explanation(made.text())
    out.account = made
    return out


def account(report: Report) -> Account:
    """Return what there is to be said about a derivative."""
    topics = (_saved, _copied, _recomputed, _inactive, _folded, _at_run_time)
    remarks = [r for topic in topics for r in topic(report)]
    title = f"{heading(report)}: {quantity(len(report.saved), 'value')} saved"
    if report.not_run:
        title += f" (the derivative could not be run: {report.not_run})"
    else:
        title += f", {size(report.bytes)}"
    return Account(title, tuple(remarks))


def _wrapped(each: Remark, several: bool) -> list[str]:
    where = f"{short_path(each.file)}:{each.line}" if several else f"line {each.line}"
    head = each.what if not each.line else f"{where}: {each.what}"
    return textwrap.wrap(
        f"{head}; {each.why}" if each.why else head,
        width=88,
        initial_indent="  ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    )


# ----------------------------------------------------------------- the topics


def _saved(report: Report) -> Iterator[Remark]:
    for line in report.primal:
        for saved in line.saved:
            yield _remark("saved", line, describe_saved(saved), _read_by(report, saved))


def _read_by(report: Report, saved: Saved) -> str:
    """Say which derivatives read a saved value."""
    if saved.type in ("bool", "bool_"):  # Python's, and that of either NumPy
        return "the reverse sweep takes the same branch"
    readers = [
        made
        for made in report.derivative
        if made.sweep != "forward"
        and saved.name in _names(made, ast.Load)
        and not made.text.strip().startswith(("for ", "def "))
    ]
    # Who only takes the shape of it says little.
    readers = [r for r in readers if "zeros_like(" not in r.text] or readers
    keys = {key for made in readers for key in made.origins}
    numbers = sorted({report.primal[key - 1].number for key in keys})
    if not numbers:
        return "the reverse sweep reads it"
    at = f"the derivative of {ranges(numbers)} reads it"
    return f"{at} ({readers[0].text.strip()})"


def _copied(report: Report) -> Iterator[Remark]:
    for made in report.derivative:
        for text in re.findall(r"[\w.\[\]]+\.copy\(\)", made.text):
            line = _origin(report, made)
            if line is None or text in line.text:
                continue
            why = "it is written later, and the other one has to stay as it is"
            yield _remark("copied", line, f"{text} ({made.text.strip()})", why)


def _recomputed(report: Report) -> Iterator[Remark]:
    roles = {n.name: n for n in report.names if n.side == "derivative"}
    for made in report.derivative:
        if made.sweep != "reverse":
            continue
        for name in sorted(_names(made, ast.Store)):
            line = _origin(report, made)
            plain = name in roles and roles[name].role in ("active", "inactive")
            if line is None or not plain or made.text.strip().startswith("for "):
                continue
            why = "that costs no memory, and what it needs is there"
            yield _remark("recomputed", line, made.text.strip(), why)


def _inactive(report: Report) -> Iterator[Remark]:
    wrt = listed(report.wrt)
    for argument in report.arguments:
        if not argument.active:
            what = f"argument {argument.name}: {argument.type}"
            yield Remark(
                "inactive", "", 0, what, f"the derivative is with respect to {wrt}"
            )
    for line in report.primal:
        if line.why.startswith(("not active", "not needed")):
            yield _remark("inactive", line, line.text.strip(), line.why)
    for name in report.names if report.order == 1 else ():
        if name.side == "primal" and name.role == "inactive":
            found = _assignment(report, name.function, name.name)
            if found is not None:
                why = f"it does not depend on {wrt}"
                yield _remark("inactive", found, name.name, why)


def _folded(report: Report) -> Iterator[Remark]:
    for line in report.primal:
        if line.why and not line.why.startswith(("not active", "not needed")):
            yield _remark("folded", line, line.text.strip(), line.why)


_FIXED = re.compile(r"for .+ in range\([-\d, ]+\):")


def _at_run_time(report: Report) -> Iterator[Remark]:
    for line in report.primal:
        text = line.text.strip()
        if not line.became:
            continue
        if text.startswith(("if ", "elif ")):
            yield _remark("run time", line, text, "the values of a call decide it")
        elif text.startswith(("for ", "while ")) and not _FIXED.match(text):
            why = "a call decides how often it runs"
            yield _remark("run time", line, text, why)
    for made in report.derivative:
        for name in sorted(_called(made) & HELPERS):
            line_ = _origin(report, made)
            if line_ is not None:
                doc = (getattr(helpers, name).__doc__ or "").split(". ")[0].split(".\n")
                why = f"types do not settle it: {' '.join(doc[0].split())}"
                yield _remark("run time", line_, f"a call of {name}", why.rstrip("."))


# ----------------------------------------------------------------- reading texts


def _remark(topic: str, line: PrimalLine, what: str, why: str) -> Remark:
    return Remark(topic, line.file, line.number, what.rstrip(":"), why)


def _origin(report: Report, made: DerivativeLine) -> PrimalLine | None:
    return report.primal[made.origins[0] - 1] if made.origins else None


def _assignment(report: Report, function: str, name: str) -> PrimalLine | None:
    """Return the line of a function that first assigns a name."""
    pattern = re.compile(rf"\s*(for )?{name}\b[^=]*( in |[^=]=[^=])")
    return next(
        (x for x in report.primal if x.function == function and pattern.match(x.text)),
        None,
    )


def _parsed(made: DerivativeLine) -> ast.AST | None:
    """Return the tree of a line, if it is a statement by itself or begins one."""
    text = made.text.strip()
    for whole in (text, f"{text} pass" if text.endswith(":") else text):
        try:
            return ast.parse(whole)
        except SyntaxError:
            continue
    return None


def _names(made: DerivativeLine, context: type[ast.expr_context]) -> set[str]:
    """Return the names that a line reads or assigns; all words where it is a part."""
    tree = _parsed(made)
    if tree is None:
        return set(re.findall(r"\w+", made.text)) if context is ast.Load else set()
    return {
        n.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Name) and isinstance(n.ctx, context)
    }


def _called(made: DerivativeLine) -> set[str]:
    return set(re.findall(r"(?<![\w.])(\w+)\(", made.text))


# ----------------------------------------------------------------- the door

MODES = {
    "grad": "reverse",
    "value_and_grad": "value-and-grad",
    "vjp": "vjp",
    "jvp": "forward",
}


def of_request(
    request: Any,
    args: list[Any],
    kwargs: dict[str, Any],
    differentiate: Callable[..., Any],
) -> Explanation:
    """Return the account of a derivative at the arguments of a call.

    `differentiate` makes a function decorated, as the inspector looks at it.
    """
    from chainrule.inspector import collect, derivative, target, values

    function, order = request.function, 1
    while hasattr(function, "transform"):
        function, order = function.target.function, order + 1
    if order > 2:
        raise TypeError("explain is for derivatives of first and second order")
    found = target.of(differentiate(has_aux=request.has_aux)(function))
    wrt = request.wrt[0] if len(request.wrt) == 1 else request.wrt
    made = derivative.of(found, MODES[request.transform], wrt, order)
    given = values.given(found, tuple(args), kwargs)
    return explanation(collect.collect(made, given))
