"""Generated code as a string that notebooks and terminals show in colours.

In: the text of a derivative. Out: `GeneratedSource`, a `str` with the two methods that
IPython looks for. Pygments is used where it is installed, and imported only then.
"""

from __future__ import annotations

import html
from typing import Any


class GeneratedSource(str):
    """The text of a derivative: a plain string that displays itself well."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        try:
            from pygments import highlight  # type: ignore[import-untyped,unused-ignore]
            from pygments.formatters import (  # type: ignore[import-untyped,unused-ignore]
                HtmlFormatter,
            )
            from pygments.lexers import (  # type: ignore[import-untyped,unused-ignore]
                PythonLexer,
            )
        except ImportError:
            return f"<pre>{html.escape(self)}</pre>"
        formatter = HtmlFormatter(noclasses=True, nobackground=True)
        return str(highlight(str(self), PythonLexer(), formatter))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))
