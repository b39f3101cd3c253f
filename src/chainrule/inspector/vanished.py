"""Why a line of the user's has no line in the derivative.

In: `Facts`, and a statement that nothing in the text comes from. Out: one sentence. The
last stage that still held the statement says which pass removed it; whether it was
reached at all is seen by running the function.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

from chainrule.inspector.facts import Facts, Place
from chainrule.inspector.primal import Section

SETTLED = "settled beforehand: it depends on types and constants only"
UNREACHED = "not reached with these arguments"
UNUSED = "not needed: nothing that is differentiated uses it"
LINEAR = "active, but linear: its partial derivatives are constants, and were folded"
INACTIVE = "not active: it does not depend on {}, and the derivative does not need it"
NAMES = "a constant or another name: there is nothing to compute"
RESULT = "returns the value: the reverse sweep starts here, with cotangent 1"
MERGED = "became part of another line"


def reached(function: Callable[[], Any], files: Collection[str]) -> set[Place] | None:
    """Run a function; return the lines of these files that ran, None if it raises."""
    found: set[Place] = set()

    def line(frame: FrameType, event: str, arg: Any) -> Any:
        found.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    def enter(frame: FrameType, event: str, arg: Any) -> Any:
        return line(frame, event, arg) if frame.f_code.co_filename in files else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            function()
    except Exception:
        return None
    finally:
        sys.settrace(before)
    return found


def reason(
    facts: Facts,
    ran: set[Place] | None,
    place: Place,
    section: Section,
    tree: ast.stmt,
    wrt: str,
) -> str:
    """Return why nothing in the text comes from a statement."""
    if place not in facts.places["specialised"]:
        if ran is not None and place not in ran:
            return UNREACHED
        if isinstance(tree, ast.Return) and not section.inlined:
            return RESULT
        return NAMES if _only_names(tree) else SETTLED
    if place not in facts.places["primal"]:
        return UNUSED
    if place not in facts.places["optimised"]:
        here = [v for v in facts.active if v.loc and (v.loc.file, v.loc.line) == place]
        return LINEAR if here else INACTIVE.format(wrt)
    return MERGED


def _only_names(tree: ast.stmt) -> bool:
    """Say whether a statement assigns names and constants, or returns one."""
    value = getattr(tree, "value", None)
    plain = (ast.Name, ast.Constant, ast.Attribute, ast.Tuple)
    return isinstance(tree, ast.Assign | ast.Return | ast.AnnAssign) and isinstance(
        value, plain
    )
