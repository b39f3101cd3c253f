"""What has no derivative: comparisons, rounding, indices, shapes, tests, new arrays.

In: nothing. Out: entries of the table; nothing is inactive by default.
"""

from __future__ import annotations

import cmath
import math
import operator
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.types.python import REPORTING


def _functions(module: Any, names: str) -> list[Any]:
    """Return the functions of these names that this version of the module has."""
    return [getattr(module, n) for n in names.split() if hasattr(module, n)]


rules.inactive(
    *_functions(
        operator,
        """
        lt le eq ne ge gt not_ truth is_ is_not and_ or_ xor invert inv lshift rshift
        floordiv contains countOf indexOf index length_hint
        """,
    ),
    *_functions(
        math,
        """
        ceil floor trunc comb factorial gcd lcm perm isqrt isclose isfinite isinf isnan
        ulp
        """,
    ),
    *(cmath.isclose, cmath.isfinite, cmath.isinf, cmath.isnan),
    *_functions(
        np,
        """
        less less_equal equal not_equal greater greater_equal array_equal array_equiv
        isclose allclose logical_and logical_or logical_not logical_xor
        bitwise_and bitwise_or bitwise_xor bitwise_not invert bitwise_invert
        left_shift right_shift bitwise_left_shift bitwise_right_shift bitwise_count
        gcd lcm packbits unpackbits
        floor ceil rint trunc fix round around floor_divide
        sign signbit spacing
        isnan isinf isfinite isposinf isneginf isreal iscomplex isrealobj iscomplexobj
        isscalar isnat
        any all count_nonzero
        argmax argmin nanargmax nanargmin argsort argpartition argwhere lexsort nonzero
        flatnonzero searchsorted digitize isin unravel_index ravel_multi_index
        shape ndim size
        zeros zeros_like ones ones_like empty empty_like eye identity tri indices
        tril_indices triu_indices tril_indices_from triu_indices_from diag_indices
        diag_indices_from mask_indices ndindex
        hanning hamming blackman bartlett
        finfo iinfo dtype result_type can_cast promote_types min_scalar_type common_type
        issubdtype isdtype
        may_share_memory shares_memory iterable broadcast_shapes
        array2string array_repr array_str set_printoptions get_printoptions errstate
        seterr geterr base_repr binary_repr format_float_positional
        format_float_scientific isfortran typename mintypecode info
        """,
    ),
)
rules.inactive(
    *(bool, int, str, repr, format, print, isinstance, issubclass, type, id, hash),
    *(len, range, callable, hasattr, any, all, chr, ord, ascii, bin, hex, oct, round),
)

rules.inactive(prims.stop)
rules.inactive(*REPORTING)

# random numbers whose distribution has no parameters
rules.inactive(
    *_functions(
        np.random,
        """
        default_rng seed get_state set_state rand randn randint random random_sample
        ranf sample standard_normal standard_exponential bytes
        """,
    ),
    *_functions(np.random.Generator, "random integers standard_normal bytes spawn"),
    *_functions(
        np.random.RandomState,
        "rand randn randint random random_sample seed standard_normal bytes tomaxint",
    ),
)
