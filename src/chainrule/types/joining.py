"""Types of functions that join arrays or take them apart.

In: types or constants, arrays often in a list. Out: the type of the result, by probing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.types.infer import typed
from chainrule.types.lattice import Type
from chainrule.types.probe import probe_scaled
from chainrule.types.probed import probe_checked, probed

probed(
    np,
    """concatenate concat stack vstack hstack dstack column_stack row_stack block append
    array_split unstack""",
)


@typed(np.split, np.hsplit, np.vsplit, np.dsplit)
def split(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Type:
    """Split at positions, or into a number of parts that divides the size."""
    sections = args[1] if len(args) > 1 else kwargs.get("indices_or_sections")
    if isinstance(sections, int) and not isinstance(sections, bool) and sections > 0:
        # Only sizes that the number divides fit: sizes are multiples of it.
        return probe_scaled(sections, fn, args, kwargs)
    return probe_checked(fn, *args, **kwargs)
