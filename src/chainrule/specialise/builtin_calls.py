"""Built-ins that are interpreted, by theme: importing a theme fills the table.

In: a function from outside the program. Out: its treatment, if it has one.
"""

from __future__ import annotations

from typing import Any

from chainrule.specialise import (
    container_calls,
    extremes,
    folds,
    function_calls,
    iterator_calls,
    itertools_calls,
    model_calls,
    numpy_calls,
    object_calls,
    question_calls,
    sequence_calls,
    surgery,
    writers,
)
from chainrule.specialise.specials import SPECIAL, Special

THEMES = (
    container_calls,
    extremes,
    folds,
    function_calls,
    iterator_calls,
    itertools_calls,
    model_calls,
    numpy_calls,
    object_calls,
    question_calls,
    sequence_calls,
    surgery,
    writers,
)


def treatment(fn: Any) -> Special | None:
    """Return how a call of a built-in is interpreted; None for ordinary functions."""
    try:
        return SPECIAL.get(fn)
    except TypeError:  # it has no hash
        return None
