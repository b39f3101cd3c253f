"""Every code that is raised is explained, and its example triggers it."""

from __future__ import annotations

import linecache
import re
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.codes import CODES, explain
from chainrule.frontend import fence
from chainrule.frontend.source import load

PACKAGE = Path(chainrule.__file__).parent


def test_every_code_in_the_source_is_explained() -> None:
    """No diagnostic has a code that --explain does not know."""
    used = {
        code
        for path in PACKAGE.rglob("*.py")
        for code in re.findall(r"\bCR\d{3}\b", path.read_text("utf-8"))
    }
    assert "CR401" in used
    assert used <= set(CODES)


def test_an_explanation_has_all_its_parts() -> None:
    """Title, reason, example and remedy are there, in short lines."""
    for code, entry in CODES.items():
        assert re.fullmatch(r"CR[1-69]\d\d", code)
        assert all([entry.title, entry.why, entry.example, entry.fix])
        assert explain(code.lower()) == entry.text
        assert entry.text.startswith(f"{code} {entry.title}\n\n")
        assert max(map(len, entry.text.splitlines())) <= 88


def test_an_unknown_code_lists_the_known_ones() -> None:
    """A slip of the finger is answered with what there is."""
    assert explain("CR999").startswith(
        "no such code: CR999\nthe codes are CR101, CR102"
    )


@pytest.mark.parametrize(
    "code",
    [
        *("CR101", "CR102", "CR103", "CR104", "CR105", "CR106", "CR110", "CR114"),
        *("CR401", "CR405", "CR406"),
    ],
)
def test_an_example_triggers_its_code(code: str) -> None:
    """What the explanation shows is what is refused."""
    text = CODES[code].example
    name = f"<example {code}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {"np": np}
    exec(compile(text, name, "exec"), namespace)
    function = namespace.get("loss", namespace.get("f"))
    assert code in [d.code for d in fence.check(load(function))]
