"""Random numbers as functions of the parameters of their distribution.

In: location and scale of a distribution. Out: derivatives with the draw held fixed (the
pathwise derivative): the functions of `np.random`, and the methods of its generators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.rules import registry as rules

_GENERATORS = (np.random.Generator, np.random.RandomState)


@rules.elementwise(
    np.random.normal, np.random.laplace, np.random.logistic, np.random.gumbel
)
def location_scale(
    loc: Any = 0.0, scale: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    return np.ones_like(out), (out - loc) / scale, None


@rules.elementwise(
    *(g.normal for g in _GENERATORS),
    *(g.laplace for g in _GENERATORS),
    *(g.logistic for g in _GENERATORS),
    *(g.gumbel for g in _GENERATORS),
)
def location_scale_method(
    self: Any, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    return None, np.ones_like(out), (out - loc) / scale, None


@rules.elementwise(np.random.uniform)
def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, out: Any = None) -> Any:
    part = (out - low) / (high - low)
    return 1 - part, part, None


@rules.elementwise(*(g.uniform for g in _GENERATORS))
def uniform_method(
    self: Any, low: Any = 0.0, high: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    part = (out - low) / (high - low)
    return None, 1 - part, part, None


@rules.elementwise(np.random.exponential, np.random.rayleigh)
def scaled(scale: Any = 1.0, size: Any = None, out: Any = None) -> Any:
    return out / scale, None


@rules.elementwise(
    *(g.exponential for g in _GENERATORS), *(g.rayleigh for g in _GENERATORS)
)
def scaled_method(
    self: Any, scale: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    return None, out / scale, None


@rules.elementwise(np.random.lognormal)
def lognormal(
    mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    return out, out * (np.log(out) - mean) / sigma, None


@rules.elementwise(*(g.lognormal for g in _GENERATORS))
def lognormal_method(
    self: Any, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, out: Any = None
) -> Any:
    return None, out, out * (np.log(out) - mean) / sigma, None
