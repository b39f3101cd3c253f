"""The digest of a function's code: what changes it, and what does not."""

from __future__ import annotations

import pytest

from chainrule.standalone.digest import digest

TEXT = "def f(x):\n    y = x * 2\n    return 'a' if y else '# b'\n"


@pytest.mark.parametrize(
    "other",
    [
        "def f(x):\n    # why\n    y = x * 2  # here\n\n    return 'a' if y else '# b'",
        "def f(x):\n    '''Say\n\n    more.'''\n    y = x * 2\n"
        "    return 'a' if y else '# b'\n",
        "    def f(x):\n        y = x * 2   \n        return 'a' if y else '# b'\n",
    ],
)
def test_remarks_change_nothing(other):
    assert digest(other) == digest(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [("* 2", "* 3"), ("'# b'", "'# c'"), ("x * 2", "x * (2)"), ("'a'", '"a"')],
)
def test_code_changes_it(old, new):
    assert digest(TEXT.replace(old, new)) != digest(TEXT)


def test_a_part_of_an_expression_has_one_too():
    assert digest("lambda x: (x,") != digest("lambda x: (y,")
