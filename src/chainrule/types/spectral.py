"""Types of Fourier transforms, and of functions of SciPy once it is imported.

In: types or constants. Out: the type of the result, by probing. The functions of
`scipy.special` that are ufuncs need no entry.
"""

from __future__ import annotations

import numpy as np

from chainrule.types.infer import SCIPY_RULES
from chainrule.types.probed import probe_checked, probed

probed(
    np.fft,
    """fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn
    irfftn fftfreq rfftfreq fftshift ifftshift""",
)

_SCIPY: dict[str, str] = {
    "special": "logsumexp softmax log_softmax polygamma factorial comb multigammaln",
    "linalg": """inv det solve solve_triangular cholesky cho_factor cho_solve expm norm
    pinv eigh eigvalsh svd svdvals qr toeplitz block_diag""",
    "fft": "fft ifft rfft irfft fft2 ifft2 fftn ifftn dct idct fftfreq rfftfreq",
}
for _module, _names in _SCIPY.items():
    SCIPY_RULES[f"scipy.{_module}"] = dict.fromkeys(_names.split(), probe_checked)
