"""Random arrays for the tests of rules, the same in every run."""

from __future__ import annotations

import numpy as np


def real(*shape: int, seed: int = 7) -> np.ndarray:
    """Return a random real array; arrays of different shape differ."""
    return np.random.default_rng((seed, *shape)).standard_normal(shape)


def complex_(*shape: int, seed: int = 7) -> np.ndarray:
    """Return a random complex array."""
    return real(*shape, seed=seed) + 1j * real(*shape, seed=seed + 1)
