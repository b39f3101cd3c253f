"""Fourier transforms against differences, over sizes, axes and normalisations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

NORMS = [None, "backward", "ortho", "forward"]
ONE = [
    ((6,), {}),
    ((5,), {}),
    ((1,), {}),
    ((3, 4), {"axis": 0}),
    ((3, 5), {"axis": -1}),
    ((2, 3, 4), {"axis": 1}),
    ((4,), {"n": 7}),
    ((7,), {"n": 4}),
    ((3, 5), {"n": 4, "axis": 0}),
    ((3, 5), {"n": 2, "axis": 0}),
]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("shape", "kwargs"), ONE)
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_one_axis(name: str, shape: tuple, kwargs: dict, norm: str | None) -> None:
    """Even and odd sizes, padded and cut."""
    fn = getattr(np.fft, name)
    if name == "irfft" and shape == (1,):
        kwargs = {"n": 1}
    if name != "rfft":
        check_rule(fn, complex_(*shape), norm=norm, **kwargs)
    check_rule(fn, real(*shape), norm=norm, **kwargs)


SEVERAL = [
    ((3, 4), {}),
    ((2, 3, 5), {"axes": (0, 2)}),
    ((2, 3, 4), {"axes": (2, 0)}),
    ((3, 4), {"s": (5, 6), "axes": (0, 1)}),
    ((5, 6), {"s": (3, 4), "axes": (0, 1)}),
    ((5, 6), {"s": (7, 3), "axes": (1, 0)}),
]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("shape", "kwargs"), SEVERAL)
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_several_axes(name: str, shape: tuple, kwargs: dict, norm: str | None) -> None:
    """Any axes in any order, padded and cut."""
    fn = getattr(np.fft, name)
    if not name.startswith("r"):
        check_rule(fn, complex_(*shape), norm=norm, **kwargs)
    check_rule(fn, real(*shape), norm=norm, **kwargs)


@pytest.mark.parametrize("name", ["fft2", "ifft2", "rfft2", "irfft2"])
def test_two_axes(name: str) -> None:
    """The last two axes, or any two."""
    fn = getattr(np.fft, name)
    x = real if name == "rfft2" else complex_
    check_rule(fn, x(3, 4))
    check_rule(fn, x(2, 3, 5), norm="ortho")
    check_rule(fn, x(2, 3, 4), axes=(0, 1))


@pytest.mark.parametrize("norm", NORMS)
def test_hermitian_transforms(norm: str | None) -> None:
    """The equivalents have the same values."""
    check_rule(np.fft.hfft, complex_(4), norm=norm)
    check_rule(np.fft.hfft, complex_(4, 3), n=5, axis=0, norm=norm)
    check_rule(np.fft.ihfft, real(5), norm=norm)


def test_shifts_and_frequencies() -> None:
    """Shifts go back; frequencies depend on the spacing."""
    check_rule(np.fft.fftshift, complex_(5))
    check_rule(np.fft.ifftshift, real(4, 5), axes=1)
    check_rule(np.fft.fftfreq, 5, 0.3)
    check_rule(np.fft.rfftfreq, 5, 0.3)
