"""The report as one page of HTML that needs nothing else: no network, no script.

In: a `Report`. Out: the text of the page. Style and script are files of this folder,
written into the page. Without script the links between lines are anchors, and the
stages are chosen by style alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from chainrule.inspector.report import (
    DerivativeLine,
    Name,
    PrimalLine,
    Report,
    describe_saved,
    heading,
    quantity,
    ranges,
    size,
)
from chainrule.inspector.terminal import COMPARED, compared, verdict
from chainrule.inspector.tokens import Piece, pieces

KEYS = (
    "Point at a line, or move with <kbd>↑</kbd> <kbd>↓</kbd>, to see what it became;"
    " <kbd>←</kbd> <kbd>→</kbd> follows the link, a click or <kbd>Enter</kbd> keeps it,"
    " <kbd>Esc</kbd> lets go."
)
LEGEND = (
    '<span class="active">active</span>, <span class="cotangent">cotangent</span>,'
    ' <span class="tangent">tangent</span>, <span class="saved">saved for the reverse'
    " sweep</span>. The bars show the bytes that a line saves; the edge of the"
    " derivative tells the forward sweep from the reverse one."
)


def page(report: Report, live: str = "") -> str:
    """Return the page of a report; `live` is its version where a server watches it."""
    body = (
        _header(report)
        + f'<main>\n<section class="primal" aria-label="Primal">{_primal(report)}'
        + '</section>\n<section class="derivative" aria-label="Derivative">'
        + f"{_derivative(report)}</section>\n</main>\n"
        + _facts(report)
        + f"<footer>{LEGEND}</footer>\n"
        + f'<output id="detail" aria-live="polite">{KEYS}</output>\n'
        + f'<template id="source">{escape(report.source)}</template>\n'
    )
    return _document(f"{report.name}: derivative", body, live, _stage_rules(report))


def error_page(title: str, message: str, live: str = "") -> str:
    """Return a page that shows a diagnostic."""
    head = f"<header><h1>{escape(title)}</h1><p>There is no derivative to show.</p>"
    body = f'{head}</header>\n<pre class="error" role="alert">{escape(message)}</pre>\n'
    return _document(title, body, live)


def _document(title: str, body: str, live: str, rules: str = "") -> str:
    folder = files("chainrule.inspector")
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    script = folder.joinpath("page.js").read_text(encoding="utf-8")
    mark = f' data-live="{escape(live)}"' if live else ""
    return (
        f'<!doctype html>\n<html lang="en"{mark}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}{rules}</style>\n"
        "<noscript><style>.row .links { display: inline; }</style></noscript>\n"
        f"</head>\n<body>\n{body}<script>\n{script}</script>\n</body>\n</html>\n"
    )


def _header(report: Report) -> str:
    _, _, rest = heading(report).partition(", ")
    kept = quantity(len(report.saved), "value")
    memory = f", {size(report.bytes)}" if report.saved and not report.not_run else ""
    place = f"{Path(report.file).name}:{report.line}"
    lines = quantity(len(report.derivative), "line")
    arguments = ", ".join(
        f"<b>{escape(a.name)}</b>: {escape(a.type)}" for a in report.arguments
    )
    assumed = ""
    if report.assumed:
        assumed = f"<p>Assumed {escape('; '.join(report.assumed))}</p>"
    not_run = ""
    if report.not_run:
        not_run = f"<p>Not run, sizes are unknown: {escape(report.not_run)}</p>"
    return (
        f"<header><h1>{escape(report.name)} <small>{escape(rest)}</small></h1>"
        f'<p><b title="{escape(report.file)}">{escape(place)}</b>, {lines} of'
        f" derivative, {kept} saved for the reverse sweep{memory}.</p>"
        f"<p>At {arguments}.</p>{assumed}{not_run}</header>\n"
    )


# ---------------------------------------------------------------- the two texts


def _primal(report: Report) -> str:
    largest = max((line.bytes for line in report.primal), default=0)
    roles = [report.roles("primal", line.function) for line in report.primal]
    first = report.primal[0].function
    out = ['<div class="bar"><h2>Primal</h2></div>']
    out.append('<div class="code"><div class="inner">')
    function = first
    texts = _painted([line.text for line in report.primal], roles)
    for line, text in zip(report.primal, texts, strict=True):
        if line.function != function:
            function = line.function
            place = f"{Path(line.file).name}:{line.number}"
            out.append(f"<h3>called: {escape(function)} ({escape(place)})</h3>")
        out.append(_primal_row(line, text, report, largest))
    out.append("</div></div>")
    return "\n".join(out)


def _primal_row(line: PrimalLine, text: str, report: Report, largest: int) -> str:
    note = ""
    if line.saved:
        note = f"saves {', '.join(s.name for s in line.saved)}"
        note += f": {size(line.bytes)}" if not report.not_run else ""
    elif line.why:
        note = line.why
    links = ", ".join(f'<a href="#d{n}">{n}</a>' for n in line.became)
    if line.statement != line.key:
        links = ""
    links = f'<span class="links"> became {links}</span>' if links else ""
    bar = ""
    if line.bytes:
        width = max(8, round(100 * line.bytes / largest))
        bar = f'<span class="mem" style="width:{width}%" title="{size(line.bytes)}">'
        bar += "</span>"
    indent = len(line.text) - len(line.text.lstrip())
    if note or links:
        kind = "note" if note else "note links"
        style = f'style="--indent:{indent}ch"'
        note = f'<div class="{kind}" {style}>{escape(note)}{links}</div>'
    together = [
        f"p{other.key}"
        for other in report.primal
        if other.statement == line.statement and other is not line
    ]
    classes = "row gone" if line.why else "row"
    return (
        f'<div class="{classes}" id="p{line.key}" tabindex="-1"'
        f' data-to="{" ".join(f"d{n}" for n in line.became)}"'
        f' data-with="{" ".join(together)}"'
        f' data-detail="{escape(primal_detail(line))}">'
        f'<span class="gutter">{bar}</span>'
        f'<a href="#p{line.key}" tabindex="-1">{line.number}</a>'
        f'<span class="code-text">{text}</span>{note}</div>'
    )


def primal_detail(line: PrimalLine) -> str:
    """Return what is said of a line of the user's when it is pointed at."""
    parts = [f"Line {line.number}"]
    if line.became:
        parts[0] += f" became {ranges(line.became)} of the derivative."
    elif line.why:
        parts[0] += f" vanished: {line.why}."
    else:
        parts[0] += " leaves no trace by itself."
    if line.saved:
        parts.append(f"It saves {'; '.join(map(describe_saved, line.saved))}.")
    return " ".join(parts)


def derivative_detail(line: DerivativeLine, report: Report) -> str:
    """Return what is said of a line of the derivative when it is pointed at."""
    found = [report.primal[key - 1] for key in line.origins]
    sweep = f" ({line.sweep} sweep)" if line.sweep in ("forward", "reverse") else ""
    if not found:
        return f"Line {line.number} of the derivative{sweep}."
    texts = "; ".join(f"line {p.number}, {p.text.strip()}" for p in found)
    return f"Line {line.number} of the derivative{sweep} comes from {texts}"


def _derivative(report: Report) -> str:
    inputs, labels, panels = [], [], []
    for stage in report.stages:
        final = stage.name == "text"
        name = "derivative" if final else stage.name
        checked = " checked" if final else ""
        inputs.append(
            f'<input class="stage-input" type="radio" name="stage"'
            f' id="s-{stage.name}"{checked} aria-label="stage: {escape(stage.title)}">'
        )
        shown = "source" if final else f"{name} IR" if name == "derivative" else name
        labels.append(
            f'<label for="s-{stage.name}" title="{escape(stage.title)}">{shown}</label>'
        )
        content = _rows(report) if final else _stage(stage.title, stage.text)
        panels.append(f'<div class="panel" id="stage-{stage.name}">{content}</div>')
    bar = (
        f'<div class="bar"><h2>Derivative</h2><div class="stages" role="group"'
        f' aria-label="Stages of the compiler">{"".join(labels)}</div>'
        '<button id="copy" type="button">Copy</button></div>'
    )
    return "".join(inputs) + bar + "\n" + "\n".join(panels)


def _rows(report: Report) -> str:
    lines = report.derivative
    roles = [report.roles("derivative", line.function) for line in lines]
    out = ['<div class="code"><div class="inner">']
    texts = _painted([line.text for line in lines], roles)
    for line, text in zip(lines, texts, strict=True):
        links = ", ".join(
            f'<a href="#p{key}">{report.primal[key - 1].number}</a>'
            for key in line.origins
        )
        links = f'<span class="links comment">  # from {links}</span>' if links else ""
        out.append(
            f'<div class="row {line.sweep}" id="d{line.number}" tabindex="-1"'
            f' data-to="{" ".join(f"p{key}" for key in line.origins)}"'
            f' data-detail="{escape(derivative_detail(line, report))}">'
            f'<a href="#d{line.number}" tabindex="-1">{line.number}</a>'
            f'<span class="code-text">{text}{links}</span></div>'
        )
    out.append("</div></div>")
    return "\n".join(out)


def _stage(title: str, text: str) -> str:
    return f'<p>{escape(title)}</p><pre tabindex="0">{escape(text)}</pre>'


def _stage_rules(report: Report) -> str:
    """Return the style that shows the stage whose button is down."""
    rules = ""
    for name in (stage.name for stage in report.stages):
        rules += f"#s-{name}:checked ~ #stage-{name} {{ display: block; }}\n"
        rules += (
            f'#s-{name}:checked ~ .bar label[for="s-{name}"] {{ color: var(--fg);'
            " background: var(--hit); }\n"
            f'#s-{name}:focus-visible ~ .bar label[for="s-{name}"] {{'
            " outline: 2px solid var(--focus); }\n"
        )
    return rules


def _painted(
    lines: Sequence[str], roles: Sequence[Mapping[str, Name]]
) -> Iterable[str]:
    return ("".join(map(_span, line)) for line in pieces(lines, roles))


def _span(piece: Piece) -> str:
    classes = [piece.kind] if piece.kind not in ("", "inactive", "helper") else []
    classes += ["saved"] if piece.saved else []
    text = escape(piece.text)
    return f'<span class="{" ".join(classes)}">{text}</span>' if classes else text


# ---------------------------------------------------------------- numbers


def _facts(report: Report) -> str:
    stages = [
        (
            stage.name,
            stage.title,
            _number(stage.statements),
            _number(stage.numpy_calls),
            "" if stage.milliseconds is None else f"{stage.milliseconds:.1f} ms",
        )
        for stage in report.stages
    ]
    total = sum(stage.milliseconds or 0 for stage in report.stages)
    heads = ("stage", "", "statements", "NumPy calls", "time")
    foot = ("", "", "", "", f"{total:.1f} ms")
    compiled = _table("What the compiler made", heads, stages, foot, 2)
    kept = ""
    if report.saved:
        rows = [
            (
                f"line {line.number}",
                saved.name,
                saved.type,
                saved.how,
                _number(saved.entries),
                "" if saved.bytes is None else size(saved.bytes),
            )
            for line in report.primal
            for saved in line.saved
        ]
        columns = ("", "value", "type", "kept in", "entries", "size")
        whole = "" if report.not_run else size(report.bytes)
        sums = ("", "", "", "", "", whole)
        kept = _table("Saved for the reverse sweep", columns, rows, sums, 4)
    return (
        '<details class="facts"><summary>Statistics</summary><div class="tables">'
        f"{compiled}{kept}</div></details>\n{_check(report)}"
    )


def _check(report: Report) -> str:
    """Return the comparison with differences, if there was one."""
    if report.check is None:
        return ""
    rows = [compared(row) for row in report.check]
    said = verdict(report.check)
    shown = "" if said == "agrees" else " open"
    table = _table("Compared with differences", COMPARED, rows, ("",) * 6, 1)
    return (
        f'<details class="facts" id="check"{shown}><summary>Check: {escape(said)}'
        f'</summary><div class="tables">{table}</div></details>\n'
    )


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _table(
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    foot: Sequence[str],
    numbers_from: int,
) -> str:
    def cells(tag: str, row: Sequence[str]) -> str:
        out = ""
        for k, text in enumerate(row):
            kind = ' class="n"' if k >= numbers_from else ""
            out += f"<{tag}{kind}>{escape(text)}</{tag}>"
        return f"<tr>{out}</tr>"

    body = "\n".join(cells("td", row) for row in rows)
    return (
        f'<div class="scroll"><table><caption>{caption}</caption>'
        f"<thead>{cells('th', heads)}</thead>\n<tbody>{body}</tbody>"
        f"<tfoot>{cells('td', foot)}</tfoot></table></div>"
    )
