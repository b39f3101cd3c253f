"""The magic `%%derivative`: primal and derivative of a cell's functions, in view.

In: IPython's shell, which `%load_ext chainrule` passes here; then a cell. Out: the cell
is run, and a `SideBySide` of each function that it defines, which notebooks show as
HTML and terminals as text.
"""

from __future__ import annotations

import ast
import dataclasses
import html
import inspect
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import TransformerManager
from IPython.display import display

from chainrule.errors import NotDifferentiable
from chainrule.source import GeneratedSource, painted, paints

if TYPE_CHECKING:
    from chainrule.inspector.target import Target

USAGE = """\
%%derivative [--wrt NAMES] [--mode MODE] [CALL]
%derivative [--wrt NAMES] [--mode MODE] CALL

Run the cell, and show the derivative of each function that it defines; with one `%`
there is no cell, and the function is there already.

CALL, as in `%%derivative loss(w, X, y)`, says of which function, for which arguments.
Without it, arguments are variables of the same name, else defaults, else made up from
the annotations. NAMES are the parameters to differentiate by: `--wrt w,b`. MODE is
reverse, forward, value-and-grad or vjp; by default reverse, or vjp where the function
returns more than one number."""
_OPTION = re.compile(r"\s*--(\w+)[ =]\s*(\S+)")
SEPARATOR = "  │  "


@dataclass(frozen=True)
class Pair:
    """A function beside its derivative, and what was assumed of the arguments.

    `refusal` says why there is no derivative, instead of it.
    """

    primal: str
    derivative: str = ""
    assumed: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True)
class SideBySide:
    """Functions beside their derivatives, for notebooks and terminals to display."""

    pairs: tuple[Pair, ...]

    def _repr_html_(self) -> str:
        return "\n".join(map(_html, self.pairs))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        width = shutil.get_terminal_size().columns
        texts = [_text(pair, width, paints()) for pair in self.pairs]
        printer.text("\n\n".join(texts))


def load(shell: Any) -> None:
    """Give a shell the magic."""

    show: Any = display

    def derivative(line: str, cell: str | None = None) -> None:
        options, call = parse(line)
        if cell is None and not call:
            raise UsageError(f"name a call, such as %derivative loss(w, X)\n\n{USAGE}")
        # a cell that fails shows its error itself
        if cell is None or shell.run_cell(cell, store_history=False).success:
            show(compare(shell.user_ns, cell or "", call, **options))

    derivative.__doc__ = USAGE
    shell.register_magic_function(derivative, "line_cell", "derivative")


def unload(shell: Any) -> None:
    """Take the magic away again."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("derivative", None)


def parse(line: str) -> tuple[dict[str, str], str]:
    """Return the options of the magic, and the call after them."""
    options: dict[str, str] = {}
    while match := _OPTION.match(line):
        if match[1] not in ("wrt", "mode"):
            raise UsageError(f"there is no option --{match[1]}\n\n{USAGE}")
        options[match[1]] = match[2]
        line = line[match.end() :]
    return options, line.strip()


def compare(
    namespace: dict[str, Any],
    cell: str,
    call: str = "",
    *,
    wrt: str | None = None,
    mode: str | None = None,
) -> SideBySide:
    """Return the functions of a cell that was run, or the one called, side by side."""
    from chainrule.inspector import derivative

    if mode not in (None, *derivative.MODES):
        raise UsageError(f"--mode is one of {', '.join(derivative.MODES)}, not {mode}")
    functions = list(called(call) if call else defined(cell, wrt))
    if not functions:
        of = f" of {wrt}" if wrt else ""
        raise UsageError(f"the cell defines no function{of}\n\n{USAGE}")
    pairs, refused = [], []
    for name, given in functions:
        found = target_of(namespace, name)
        try:
            pairs.append(pair_of(found, given, wrt, mode))
        except Refusal as problem:
            refused.append(str(problem))
            pairs.append(Pair(primal(found), refusal=str(problem)))
    if len(refused) == len(pairs):
        raise UsageError("\n\n".join(refused))
    return SideBySide(tuple(pairs))


class Refusal(Exception):
    """There is no such derivative of a function."""


def pair_of(
    found: Target, given: str | None, wrt: str | None, mode: str | None
) -> Pair:
    """Return a function beside its derivative for these arguments."""
    from chainrule.inspector import derivative, target, values

    known = variables(found) if given is None else []
    text = ", ".join(f"{name}={name}" for name in known) if given is None else given
    try:
        chosen = derivative.of(found, mode or "reverse", values.active(found, wrt))
        arguments = values.choose(found, text, chosen.wrt)
        try:
            code = chosen.source(arguments)
        except derivative.Refused:
            if mode is not None:
                raise
            code = dataclasses.replace(chosen, mode="vjp").source(arguments)
    except (target.UsageError, derivative.Refused) as problem:
        raise Refusal(str(problem).replace("--args", "the call")) from None
    except NotDifferentiable as problem:
        raise Refusal(str(problem)) from None
    notes = [f"{name} = the variable {name}" for name in known]
    return Pair(primal(found), code, (*notes, *arguments.assumed))


def defined(cell: str, wrt: str | None) -> Iterator[tuple[str, None]]:
    """Yield the functions at the top level of a cell that have the parameters."""
    manager: Any = TransformerManager
    tree = ast.parse(manager().transform_cell(cell))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    wanted = {name for name in re.split(r"[\s,]+", wrt or "") if name.isidentifier()}
    for node in {node.name: node for node in functions}.values():
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if wanted <= {argument.arg for argument in arguments}:
            yield node.name, None


def called(call: str) -> Iterator[tuple[str, str]]:
    """Yield the function of a call, and the text of its arguments."""
    try:
        tree = ast.parse(call, mode="eval").body
    except SyntaxError:
        tree = None
    if not isinstance(tree, ast.Call):
        raise UsageError(f"{call!r} is not a call such as loss(w, X)\n\n{USAGE}")
    function = ast.get_source_segment(call, tree.func) or ""
    yield function, call[len(function) :].strip()[1:-1]


def target_of(namespace: dict[str, Any], name: str) -> Target:
    """Return the function of that name, as the command `inspect-derivative` has it."""
    from chainrule.inspector import target

    try:
        found = eval(name, namespace)
    except Exception as problem:
        raise UsageError(f"{name}: {type(problem).__name__}: {problem}") from None
    if not callable(found) or isinstance(found, type):
        raise UsageError(f"{name} is not a function")
    function = found.__wrapped__ if target.is_decorated(found) else found
    return target.Target(name, found, function, None, namespace)


def variables(found: Target) -> list[str]:
    """Return the parameters without default that have variables of their names."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        name
        for name, parameter in found.signature.parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in by_name
        and name in found.namespace
    ]


def primal(found: Target) -> str:
    """Return the text of a function."""
    from chainrule.frontend import source
    from chainrule.target import target_of as taken_apart

    return source.load(taken_apart(found.object).base).text.rstrip("\n")


def _html(pair: Pair) -> str:
    """Return two columns, one above the other where there is no room."""
    column = '<div style="flex: 1 1 24em; min-width: 0; overflow-x: auto">{}</div>'
    columns = [column.format(GeneratedSource(pair.primal)._repr_html_())]
    other = f'<pre style="white-space: pre-wrap">{html.escape(pair.refusal)}</pre>'
    if not pair.refusal:
        other = GeneratedSource(pair.derivative)._repr_html_()
    columns.append(column.format(other))
    notes = [
        f"<div><small>assumed {html.escape(n)}</small></div>" for n in pair.assumed
    ]
    style = "display: flex; flex-wrap: wrap; gap: 2em; text-align: left"
    return "\n".join([f'<div style="{style}">', *columns, "</div>", *notes])


def _text(pair: Pair, width: int, colours: bool) -> str:
    """Return two columns of text, or one below the other where there is no room."""
    texts = pair.primal.rstrip(), (pair.refusal or pair.derivative).rstrip()
    left, right = (text.split("\n") for text in texts)
    paint = (colours, colours and not pair.refusal)
    shown = [
        (painted(text) if coloured else text).split("\n")
        for text, coloured in zip(texts, paint, strict=True)
    ]
    first = max(map(len, left))
    notes = [f"assumed {note}" for note in pair.assumed]
    if first + len(SEPARATOR) + max(map(len, right)) > width:
        return "\n".join([*notes, *shown[0], "", *shown[1]])
    for lines, plain in zip(shown, (left, right), strict=True):
        missing = max(len(left), len(right)) - len(lines)
        lines += [""] * missing
        plain += [""] * missing
    rows = zip(left, *shown, strict=True)
    joined = [
        (primal + " " * (first - len(plain)) + SEPARATOR + other).rstrip()
        for plain, primal, other in rows
    ]
    return "\n".join([*notes, *joined])
