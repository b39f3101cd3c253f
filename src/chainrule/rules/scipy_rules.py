"""Rules of SciPy, loaded when the program itself has imported the part they are for.

In: nothing. Out: `load_if_imported`, to be called before a rule is looked up; importing
chainrule never imports SciPy.
"""

from __future__ import annotations

import importlib
import sys

PARTS = {
    "scipy.special": ("scipy_special", "scipy_parameters"),
    "scipy.linalg": ("scipy_linalg",),
}


def load_if_imported() -> None:
    """Enter the rules for those parts of SciPy that are imported by now."""
    for part, modules in PARTS.items():
        if part in sys.modules:
            for name in modules:
                importlib.import_module(f"chainrule.rules.{name}")
