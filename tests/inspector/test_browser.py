"""The page in a real browser: links, stages, keys, themes, live; no errors, no network.

`scripts/test` gets a browser where it can, and says so where there is none.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.inspector import collect, watch
from chainrule.inspector.page import error_page, page
from chainrule.inspector.report import Report
from tests.inspector.browser import Browser
from tests.inspector.test_report import model as model

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return one browser for all tests."""
    with Browser() as made:
        yield made


@pytest.fixture(scope="module")
def report(model: Any) -> Report:
    """Return the report that is shown."""
    rng = np.random.default_rng(0)
    args = rng.normal(size=3), rng.normal(size=(5, 3)), rng.normal(size=5)
    return collect.of_function(model.loss, *args)


@pytest.fixture(scope="module")
def file(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page as a file."""
    path = tmp_path_factory.mktemp("page") / "loss.html"
    path.write_text(page(report), encoding="utf-8")
    return path


@pytest.fixture
def shown(browser: Browser, file: Path) -> Iterator[Browser]:
    """Return the browser with the page open; whatever happens, nothing is logged."""
    browser.log()
    browser.open(file)
    yield browser
    assert [entry["message"] for entry in browser.log()] == []


def lit(browser: Browser) -> set[str]:
    """Return the rows that are lit."""
    script = "return [...document.querySelectorAll('.row.hit')].map((r) => r.id)"
    return set(browser.run(script))


def detail(browser: Browser) -> str:
    """Return the line at the foot of the page."""
    return str(browser.run("return document.getElementById('detail').textContent"))


def key(report: Report, text: str) -> int:
    """Return the key of the primal line with this text."""
    [found] = [line.key for line in report.primal if line.text.strip() == text]
    return found


def linked(report: Report, primal: int) -> set[str]:
    """Return the rows that belong to a primal line, itself included."""
    line = report.primal[primal - 1]
    return {f"p{primal}", *(f"d{n}" for n in line.became)}


def test_every_row_is_linked_as_in_the_report(shown: Browser, report: Report) -> None:
    """The rows and their links are those of the report, and lead somewhere."""
    rows = shown.run(
        "return [...document.querySelectorAll('.row')].map((r) => [r.id, r.dataset.to,"
        " r.querySelector('.code-text').textContent])"
    )
    found = {row[0]: (set(row[1].split()), row[2]) for row in rows}
    expected = {
        f"p{line.key}": ({f"d{n}" for n in line.became}, line.text)
        for line in report.primal
    }
    for line in report.derivative:
        came = {f"p{k}" for k in line.origins}
        text = line.text
        assert found[f"d{line.number}"][0] == came
        assert found[f"d{line.number}"][1].startswith(text)
    assert {name: found[name] for name in expected} == expected
    assert len(found) == len(report.primal) + len(report.derivative)


def test_hover(shown: Browser, report: Report) -> None:
    """Pointing at a line lights what it became, and says what it saved."""
    line = key(report, "return 1 / (1 + e)")
    shown.point(f"#p{line} .code-text")
    assert lit(shown) == linked(report, line)
    assert "It saves p: float64 (5,), 40 bytes." in detail(shown)
    shown.point("h1")
    assert lit(shown) == set()
    assert "Point at a line" in detail(shown)


def test_hover_the_other_way(shown: Browser, report: Report) -> None:
    """Pointing at a line of the derivative lights the lines that it comes from."""
    line = next(d for d in report.derivative if d.text.strip().startswith("z_bar"))
    shown.point(f"#d{line.number} .code-text")
    assert lit(shown) == {f"d{line.number}", *(f"p{k}" for k in line.origins)}
    assert "(reverse sweep) comes from line" in detail(shown)


def test_why_a_line_vanished(shown: Browser, report: Report) -> None:
    """A line that left nothing says why, in the page and when pointed at."""
    line = key(report, "offset = np.sum(y)")
    shown.point(f"#p{line} .code-text")
    assert lit(shown) == {f"p{line}"}
    assert "vanished: not active: it does not depend on w" in detail(shown)
    note = shown.run(f"return document.querySelector('#p{line} .note').textContent")
    assert note == report.primal[line - 1].why


def test_lines_of_one_statement(shown: Browser, report: Report) -> None:
    """The lines of a statement are lit together."""
    line = key(report, "(p - y) ** 2")
    shown.point(f"#p{line} .code-text")
    assert {f"p{line - 1}", f"p{line}", f"p{line + 1}"} <= lit(shown)


def test_click_keeps_the_light(shown: Browser, report: Report) -> None:
    """A click pins a line, so that it can be linked to; another click lets go."""
    line = key(report, "z = X @ w")
    shown.click(f"#p{line} .code-text")
    shown.point("h1")
    assert lit(shown) == linked(report, line)
    assert shown.run("return location.hash") == f"#p{line}"
    shown.click(f"#p{line} .code-text")
    shown.point("h1")
    assert lit(shown) == set()
    assert shown.run("return location.hash") == ""


def test_link_to_a_line(shown: Browser, report: Report, file: Path) -> None:
    """A page opened at a line shows that line's links."""
    line = key(report, "z = X @ w")
    shown.open(f"{file.as_uri()}#p{line}")
    assert lit(shown) == linked(report, line)


def test_keyboard(shown: Browser, report: Report) -> None:
    """One tab leads to the lines; arrows move, follow links; Enter pins."""
    active = "return document.activeElement.id"
    shown.press("Tab")
    assert shown.run(active) == "p1"
    steps = key(report, "z = X @ w") - 1
    shown.press(*["Down"] * steps)
    assert shown.run(active) == f"p{steps + 1}"
    assert lit(shown) == linked(report, steps + 1)
    shown.press("Right")
    first = min(report.primal[steps].became)
    assert shown.run(active) == f"d{first}"
    shown.press("Up", "Down", "Left")
    assert shown.run(active).startswith("p")
    shown.press("Enter")
    assert shown.run("return document.querySelectorAll('.row.pin').length") == 1
    shown.press("Escape")
    assert shown.run("return document.querySelectorAll('.row.pin').length") == 0


def visible_panels(browser: Browser) -> list[str]:
    """Return the stages that are shown."""
    script = (
        "return [...document.querySelectorAll('.panel')]"
        ".filter((e) => getComputedStyle(e).display !== 'none').map((e) => e.id)"
    )
    return list(browser.run(script))


def test_stages(shown: Browser, report: Report) -> None:
    """Each stage can be chosen, and only that one is shown, with its text."""
    assert visible_panels(shown) == ["stage-text"]
    for stage in report.stages[:-1]:
        shown.click(f"label[for=s-{stage.name}]")
        assert visible_panels(shown) == [f"stage-{stage.name}"]
        script = "return document.querySelector(arguments[0] + ' pre').textContent"
        assert shown.run(script, f"#stage-{stage.name}").strip() == stage.text.strip()
    shown.click("label[for=s-text]")
    assert visible_panels(shown) == ["stage-text"]


def test_stages_by_keyboard(shown: Browser, report: Report) -> None:
    """The stages are a group of buttons of which arrows choose one."""
    shown.run("document.getElementById('s-text').focus()")
    shown.press("Left")
    assert visible_panels(shown) == [f"stage-{report.stages[-2].name}"]


def test_bars_are_as_long_as_what_is_saved(shown: Browser, report: Report) -> None:
    """A line has a bar if it saves something, in proportion to the bytes."""
    found = shown.run(
        "return Object.fromEntries([...document.querySelectorAll('.mem')].map((m) =>"
        " [m.closest('.row').id, m.getBoundingClientRect().width]))"
    )
    expected = {f"p{line.key}": line.bytes for line in report.primal if line.bytes}
    assert found.keys() == expected.keys()
    most, longest = max(expected.values()), max(found.values())
    for name, number in expected.items():
        assert found[name] / longest == pytest.approx(number / most, abs=0.06)


def test_copy(shown: Browser, report: Report) -> None:
    """The button copies the derivative, in the old way if need be."""
    grant = {
        "cmd": "Browser.grantPermissions",
        "params": {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    }
    shown.call("POST", f"{shown.session}/goog/cdp/execute", grant)
    clipboard = "return navigator.clipboard.readText()"
    label = "return document.getElementById('copy').textContent"
    shown.click("#copy")
    until(lambda: shown.run(label) == "Copied")
    assert shown.run(clipboard) == report.source
    shown.run("navigator.clipboard.writeText('other')")
    shown.run("navigator.clipboard.writeText = () => Promise.reject()")
    until(lambda: shown.run(label) == "Copy")
    shown.click("#copy")
    until(lambda: shown.run(label) == "Copied")
    assert shown.run(clipboard) == report.source


def test_no_network(shown: Browser, file: Path) -> None:
    """The page asks for nothing but itself."""
    shown.log("performance")
    shown.open(file)
    asked = [url for url in shown.requests() if not url.startswith("data:")]
    assert [url for url in asked if url != "about:blank"] == [file.as_uri()]


def contrast(one: str, two: str) -> float:
    """Return the contrast of two colours `rgb(1, 2, 3)`, as the WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [
            int(n) / 255 for n in colour[colour.index("(") + 1 : -1].split(",")[:3]
        ]
        linear = [
            c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(shown: Browser, scheme: str) -> None:
    """Both themes are what the system asks for, and every colour can be read."""
    shown.emulate(prefers_color_scheme=scheme)
    colour = "getComputedStyle(document.body).backgroundColor"
    background = shown.run(f"return {colour}")
    white = contrast(background, "rgb(255, 255, 255)")
    assert (white < 1.5) is (scheme == "light")
    kinds = ("keyword", "number", "string", "comment", "active", "cotangent", "tangent")
    for kind in kinds:
        script = (
            "const e = document.createElement('span'); e.className = arguments[0];"
            " document.body.append(e); const c = getComputedStyle(e).color; e.remove();"
            " return c"
        )
        assert contrast(shown.run(script, kind), background) >= 4.5, kind
    shown.emulate()


def test_narrow(shown: Browser) -> None:
    """On a narrow screen the texts stand below each other and the page does not scroll
    sideways.
    """
    size = f"{shown.session}/window/rect"
    before = shown.call("GET", size)
    shown.call("POST", size, {"width": 520, "height": 900})
    try:
        tops = shown.run(
            "return [...document.querySelectorAll('main > section')]"
            ".map((s) => s.getBoundingClientRect().top)"
        )
        wide = shown.run("return document.documentElement.scrollWidth - innerWidth")
        assert tops[0] < tops[1]
        assert wide <= 0
    finally:
        shown.call("POST", size, before)


def test_print(shown: Browser) -> None:
    """On paper there are no buttons, and both texts are there."""
    shown.emulate(media="print")
    script = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert shown.run(script, "#copy") == "none"
    assert shown.run(script, "#detail") == "none"
    assert shown.run(script, ".row") == "grid"
    shown.emulate()


def test_without_script(file: Path, report: Report) -> None:
    """Without script the links are anchors, and the stages can still be chosen."""
    with Browser(script=False) as plain:
        plain.open(file)
        # Scripts of the driver run nevertheless; the page's own did not.
        assert plain.run("return document.documentElement.className") == ""
        assert visible_panels(plain) == ["stage-text"]
        line = report.primal[key(report, "z = X @ w") - 1]
        number = line.became[0]
        plain.click(f"#p{line.key} .links a")
        assert plain.run("return location.hash") == f"#d{number}"
        target = "return document.querySelector('.row:target').id"
        assert plain.run(target) == f"d{number}"
        plain.click("label[for=s-optimised]")
        assert visible_panels(plain) == ["stage-optimised"]


def test_an_error(browser: Browser, tmp_path: Path) -> None:
    """A page with a diagnostic shows it as it stands."""
    path = tmp_path / "error.html"
    path.write_text(error_page("loss", "CR401 a < b\n  --> m.py:1:2"), encoding="utf-8")
    browser.log()
    browser.open(path)
    script = "return document.querySelector('[role=alert]').textContent"
    assert browser.run(script) == "CR401 a < b\n  --> m.py:1:2"
    assert browser.log() == []


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens soon."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_live(browser: Browser, tmp_path: Path) -> None:
    """The page follows the file: changed, broken, and mended."""
    path = tmp_path / "live_model.py"
    path.write_text("def f(x: float):\n    return x * x\n")
    target = f"{path}:f"
    live = watch.Live(target, [target, "--watch"])
    live.refresh()
    with watch.server(live, 0) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        text = "return document.body.textContent"
        browser.log()
        browser.open(f"http://127.0.0.1:{made.server_port}/")
        assert "2 * x" in browser.run(text)
        for new, expected in [
            ("import math\n\ndef f(x: float):\n    return math.sin(x)\n", "math.cos"),
            ("def f(x: float:\n", "SyntaxError"),
            ("def f(x: float):\n    return 7 * x\n", "7"),
        ]:
            path.write_text(new)
            until(live.refresh)
            until(lambda expected=expected: expected in browser.run(text))  # type: ignore[misc]
        made.shutdown()
    assert [e["message"] for e in browser.log() if "ERR_" not in e["message"]] == []
