"""Types of Fourier transforms, and of the special functions of SciPy if it is there.

In: types or constants. Out: the type of the result, by probing. The functions of
`scipy.special` that are ufuncs need no entry.
"""

from __future__ import annotations

import numpy as np

from chainrule.types.probed import probed

probed(
    np.fft,
    """fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftfreq
    rfftfreq fftshift ifftshift""",
)
