"""Make the page once, for `watch`: run as `python -m chainrule.inspector.live`.

In: the arguments of the command. Out: on standard output, as JSON: the page, or what
was said instead, and the user's files that were imported for it.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from chainrule.inspector.main import main


def make(argv: Sequence[str]) -> dict[str, object]:
    """Return the page, the messages, and the files they were made from."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([*argv, "--html", "-", "--color", "never"])
    text = out.getvalue() if status == 0 else ""
    return {"page": text, "messages": err.getvalue(), "files": sorted(users_files())}


def users_files() -> Iterator[str]:
    """Yield the files of imported modules that are not part of an installation."""
    installed = {Path(path).resolve() for path in sysconfig.get_paths().values()}
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if name and not installed.intersection(Path(name).resolve().parents):
            yield name


if __name__ == "__main__":
    json.dump(make(sys.argv[1:]), sys.stdout)
