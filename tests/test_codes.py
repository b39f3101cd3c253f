"""Every code that is raised is explained, and its example triggers it."""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.codes import CODES, explain
from chainrule.frontend import fence
from chainrule.frontend.source import load

PACKAGE = Path(chainrule.__file__).parent
VECTOR = np.arange(1.0, 7.0)


def example(code: str) -> Any:
    """Return the function of an example, which has its text."""
    text = CODES[code].example.split("\ngrad(")[0]
    name = f"<example {code}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {"np": np}
    exec(compile(text, name, "exec"), namespace)
    return namespace.get("loss", namespace.get("f"))


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
    ["CR101", "CR102", "CR103", "CR105", "CR110", "CR114"],
)
def test_an_example_triggers_its_code(code: str) -> None:
    """What the explanation shows is what is refused."""
    assert code in [d.code for d in fence.check(load(example(code)))]


@pytest.mark.parametrize(
    ("code", "args"),
    [
        ("CR104", (2.0,)),
        ("CR106", (2.0,)),
        ("CR401", (2.0,)),
        ("CR403", (VECTOR,)),
        ("CR404", (VECTOR,)),
        ("CR405", (VECTOR,)),
        ("CR406", (2.0,)),
        ("CR407", (2.0,)),
        ("CR410", (2.0,)),
        ("CR411", (VECTOR,)),
        ("CR412", (2.0,)),
        ("CR413", (VECTOR.reshape(2, 3),)),
        ("CR414", (2.0,)),
        ("CR415", (2.0,)),
        ("CR417", (2.0,)),
        ("CR416", (VECTOR[:4], [VECTOR[2:]])),
        ("CR418", (VECTOR,)),
    ],
)
def test_an_example_of_a_write_triggers_its_code(code: str, args: Any) -> None:
    """What is refused where types are known is what the explanation shows."""
    with pytest.raises(chainrule.NotDifferentiable) as caught:
        chainrule.grad(example(code))(*args)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_code_that_is_no_longer_raised_keeps_its_meaning() -> None:
    """What older releases refused as CR402 is differentiated, and still explained."""
    assert chainrule.grad(example("CR402"))(2.0) == 3.0
    assert "no longer raised" in CODES["CR402"].why
