"""Types of functions that join arrays or take them apart.

In: types or constants, arrays often in a list. Out: the type of the result, by probing.
"""

from __future__ import annotations

import numpy as np

from chainrule.types.probed import probed

probed(
    np,
    """concatenate concat stack vstack hstack dstack column_stack row_stack block append
    insert split array_split hsplit vsplit dsplit unstack""",
)
