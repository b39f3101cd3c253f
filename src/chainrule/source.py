"""Generated code as a string that notebooks and terminals show in colours.

In: the text of a derivative. Out: `GeneratedSource`, a `str` with the two methods that
IPython looks for. Pygments is used where it is installed, and imported only then.
"""

from __future__ import annotations

import html
import os
import sys
from typing import Any


class GeneratedSource(str):
    """The text of a derivative: a plain string that displays itself well."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        try:
            from pygments.formatters import (  # type: ignore[import-untyped,unused-ignore]
                HtmlFormatter,
            )
        except ImportError:
            return f"<pre>{html.escape(self)}</pre>"
        return _highlight(self, HtmlFormatter(noclasses=True, nobackground=True))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(painted(self) if paints() else str(self))


def paints() -> bool:
    """Say whether the shell that is running is a terminal that shows colours."""
    module = sys.modules.get("IPython.terminal.interactiveshell")
    if module is None or os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return False
    shell = sys.modules["IPython"].get_ipython()
    in_terminal = isinstance(shell, module.TerminalInteractiveShell)
    return in_terminal and shell.colors.lower() != "nocolor"


def painted(text: str) -> str:
    """Return a text with the escape sequences that colour it, if Pygments is there."""
    try:
        from pygments.formatters import (  # type: ignore[import-untyped,unused-ignore]
            TerminalFormatter,
        )
    except ImportError:
        return str(text)
    out = _highlight(text, TerminalFormatter())
    return out if text.endswith("\n") else out.removesuffix("\n")


def _highlight(text: str, formatter: Any) -> str:
    from pygments import highlight  # type: ignore[import-untyped,unused-ignore]
    from pygments.lexers import (  # type: ignore[import-untyped,unused-ignore]
        PythonLexer,
    )

    return str(highlight(str(text), PythonLexer(), formatter))
