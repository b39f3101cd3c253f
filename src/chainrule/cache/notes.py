"""Notes on exceptions that a derivative raises: which line of the user's it was.

In: an exception on its way through an entry. Out: the same, with a note.
"""

from __future__ import annotations

import importlib
from types import TracebackType

from chainrule.request import Request


def add_note(error: BaseException, request: Request) -> None:
    """Name the user's line of the innermost generated frame, once."""
    place = None
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        found = user_line(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        place = found or place
        traceback = traceback.tb_next
    if place is None:
        return
    file, line = place
    name = getattr(request.function, "__name__", "the function")
    note = f'derivative of {name}, from File "{file}", line {line}'
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def user_line(filename: str, line: int) -> tuple[str, int] | None:
    """Return file and line of the user's code for a line of generated code."""
    if not filename.startswith("<chainrule"):
        return None
    link = importlib.import_module("chainrule.backend.link")
    place: tuple[str, int] | None = link.user_line(filename, line)
    return place
