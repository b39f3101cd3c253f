"""The pages of everything that tests checked, and the list of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import differentiate, grad
from chainrule.inspector import index


class Page(HTMLParser):
    """A page: its text, its links, and whether its elements are closed in order."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text, self.links, self.open = "", [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)
        self.links += [v for k, v in attrs if tag == "a" and k == "href"]
        assert not any(v.startswith("http") for k, v in attrs if k in ("src", "href"))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def loss(w, X, scale=1.0):
    h = X @ w
    return scale * np.sum(h**2)


decorated = differentiate(loss)
ARGS = (np.ones(2), np.eye(3, 2))


def add(folder: Path, call: Any, **options: Any) -> tuple[index.Checked, Page]:
    row = index.add(folder, "test_x", "check", call, (True, "fine"), **options)
    return row, Page(folder / row.page)


@pytest.mark.parametrize("transform", index.MODES)
def test_page_of_every_transformation(tmp_path: Path, transform: str) -> None:
    """The primal and its derivative are on the page."""
    call = (loss, ARGS, {"scale": 2.0}, None)
    row, page = add(tmp_path, call, transform=transform)
    assert (row.function, row.wrt) == ("loss", "w")
    assert "h = X @ w" in page.text and re.search(r"def \w*loss_\w+\(w, X", page.text)
    assert "cannot be shown" not in page.text


@pytest.mark.parametrize(
    ("f", "args", "wrt"),
    [
        (decorated, ARGS, "X"),
        (decorated.value_and_grad, ARGS, "w"),
        (decorated.jvp, (ARGS, ARGS), "w"),
        (decorated.hvp, (*ARGS, 1.0, ARGS[0]), "w"),
        (grad(loss, argnums=(0, 1)), ARGS, "w, X"),
    ],
)
def test_derivatives_are_shown_as_they_are(
    tmp_path: Path, f: Any, args: Any, wrt: str
) -> None:
    """What was decorated, and derivatives, say themselves by what."""
    chosen = "X" if f is decorated else None
    row, page = add(tmp_path, (f, args, {}, chosen))
    assert (row.function, row.wrt) == ("loss", wrt)
    assert "h = X @ w" in page.text and "cannot be shown" not in page.text


def test_function_without_text_is_shown_alone(tmp_path: Path) -> None:
    """The derivative is there, the reason too."""
    _, page = add(tmp_path, (np.sin, (1.0,), {}, None))
    assert "np.cos" in page.text and "CR204" in page.text


def test_refusal_has_a_page(tmp_path: Path) -> None:
    """It shows the diagnostic."""
    _, page = add(tmp_path, (lambda x: eval("x"), (1.0,), {}, None))
    assert "CR105" in page.text and "There is no derivative" in page.text


def test_arguments_are_not_changed(tmp_path: Path) -> None:
    """The page is made with copies."""
    w = np.ones(2)
    add(tmp_path, (loss, (w, ARGS[1]), {}, None))
    assert np.array_equal(w, np.ones(2))


def test_list(tmp_path: Path) -> None:
    """Failures first, every page linked, names escaped, all in one file."""
    fine = index.Checked("b::t", "golden", "f", "x", True, "f.py", "b.html")
    bad = index.Checked("c::t", "check", "<lambda>", "x", False, "a<b\nrow", "c.html")
    page = Page(index.write(tmp_path / "new", [fine, bad]))
    assert page.links == ["c.html", "b.html"]
    assert "2 derivatives checked, 1 failed." in page.text
    assert "<lambda>" in page.text and "a<b" in page.text and "row" in page.text
    page = Page(index.write(tmp_path, [fine]))
    assert "1 derivative checked, all as they should be." in page.text


def test_file_names() -> None:
    """Each test has its own, also where only signs differ, and each check."""
    names = {index.file_name(test, 0) for test in ("t[a-b]", "t[a/b]", "t[a b]")}
    assert len(names) == 3
    assert index.file_name("t", 0) != index.file_name("t", 1)
