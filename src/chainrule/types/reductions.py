"""Types of reductions and of functions along an axis.

In: types or constants. Out: the type of the result, found by probing: whether it is an
array or a NumPy scalar, its dtype, and which axes are left.
"""

from __future__ import annotations

import numpy as np

from chainrule.types.infer import TYPE_RULES
from chainrule.types.probed import probe_checked, probed

probed(
    np,
    """sum prod mean std var max min amax amin ptp any all median average quantile
    percentile nansum nanprod nanmean nanstd nanvar nanmax nanmin nanmedian
    nanquantile nanpercentile count_nonzero argmax argmin nanargmax nanargmin cumsum
    cumprod nancumsum nancumprod cumulative_sum cumulative_prod diff ediff1d
    gradient trapezoid trapz cov corrcoef unwrap allclose array_equal array_equiv
    sometrue alltrue product cumproduct""",
)
TYPE_RULES.update(
    dict.fromkeys(
        (np.ufunc.reduce, np.ufunc.accumulate, np.ufunc.outer),
        probe_checked,
    )
)
