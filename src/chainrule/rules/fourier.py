"""Fourier transforms: every transform is linear, its adjoint is a transform too.

In: a signal and the axes of the transform. Out: the transform in the other direction,
with the other normalisation; padding and truncation (`n`, `s`) are undone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import along, axes_tuple, positive_axis


@rules.static
def swapped(norm: Any) -> Any:
    """Return the normalisation that makes the inverse transform the adjoint."""
    return {None: "forward", "backward": "forward", "ortho": "ortho"}.get(norm)


@rules.linear(np.fft.fft, wrt="a")
def fft(out_bar: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The inverse transform, not scaled."""
    if axis == -1:
        g = np.fft.ifft(out_bar, norm=swapped(norm))
    else:
        g = np.fft.ifft(out_bar, axis=axis, norm=swapped(norm))
    return g if n is None else fitted(g, a, n, positive_axis(axis, a.ndim))


@rules.linear(np.fft.ifft, wrt="a")
def ifft(out_bar: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The transform, scaled like the inverse."""
    if axis == -1:
        g = np.fft.fft(out_bar, norm=swapped(norm))
    else:
        g = np.fft.fft(out_bar, axis=axis, norm=swapped(norm))
    return g if n is None else fitted(g, a, n, positive_axis(axis, a.ndim))


@rules.linear(np.fft.rfft, wrt="a")
def rfft(out_bar: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The real part of the inverse transform; the missing half counts as zero."""
    k = positive_axis(axis, a.ndim)
    size = a.shape[k] if n is None else n
    if axis == -1:
        g = np.real(np.fft.ifft(out_bar, size, norm=swapped(norm)))
    else:
        g = np.real(np.fft.ifft(out_bar, size, axis, swapped(norm)))
    return rules.of_shape(g, a) if n is None else fitted(g, a, n, k)


@rules.linear(np.fft.irfft, wrt="a")
def irfft(out_bar: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The transform; frequencies that stand for two count twice."""
    k = positive_axis(axis, a.ndim)
    size = out_bar.shape[k]
    if axis == -1:
        g = np.fft.rfft(out_bar, norm=swapped(norm))
    else:
        g = np.fft.rfft(out_bar, axis=axis, norm=swapped(norm))
    g = g * multiplicity(size, a.ndim - k - 1)
    return rules.of_shape(g, a) if n is None else fitted(g, a, size // 2 + 1, k)


def multiplicity(n: Any, trailing: int) -> Any:
    """Return how often each frequency of a half spectrum is in the whole one."""
    k = np.arange(n // 2 + 1)
    weights = np.where((k == 0) | (2 * k == n), 1.0, 2.0)
    if trailing == 0:
        return weights
    return weights[(slice(None),) + (None,) * trailing]


def fitted(g: Any, a: Any, n: Any, axis: int) -> Any:
    """Return a cotangent of size `n` on an axis in the size of the operand.

    What was padded is cut off; what was cut off is zero. Slices that reach beyond the
    end are cut at the shorter of both sizes.
    """
    shape = (*g.shape[:axis], a.shape[axis], *g.shape[axis + 1 :])
    kept = g[along(axis, None, a.shape[axis])]
    return prims.index_add(np.zeros(shape, g.dtype), along(axis, None, n), kept)


@rules.static
def transformed_axes(ndim: int, s: Any, axes: Any) -> tuple[int, ...]:
    """Return the axes of a transform of several dimensions."""
    if axes is not None:
        return axes_tuple(tuple(axes), ndim)
    count = ndim if s is None else len(s)
    return tuple(range(ndim - count, ndim))


def fitted_all(g: Any, a: Any, s: Any, axes: tuple[int, ...]) -> Any:
    """Fit a cotangent to the operand on all axes that were padded or cut."""
    if s is None:
        return rules.of_shape(g, a)
    for k in range(len(axes)):
        g = fitted(g, a, s[k], axes[k])
    return g


@rules.linear(np.fft.fftn, wrt="a")
def fftn(
    out_bar: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    """The inverse transform, not scaled."""
    over = transformed_axes(a.ndim, s, axes)
    g = np.fft.ifftn(out_bar, axes=over, norm=swapped(norm))
    return fitted_all(g, a, s, over)


@rules.linear(np.fft.ifftn, wrt="a")
def ifftn(
    out_bar: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    """The transform, scaled like the inverse."""
    over = transformed_axes(a.ndim, s, axes)
    g = np.fft.fftn(out_bar, axes=over, norm=swapped(norm))
    return fitted_all(g, a, s, over)


@rules.linear(np.fft.rfftn, wrt="a")
def rfftn(
    out_bar: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    """The real part of the inverse transform; the missing half counts as zero."""
    over = transformed_axes(a.ndim, s, axes)
    sizes: tuple[Any, ...] = ()
    for k in over:
        sizes = (*sizes, a.shape[k])
    if s is not None:
        sizes = tuple(s)
    g = np.real(np.fft.ifftn(out_bar, sizes, over, swapped(norm)))
    return fitted_all(g, a, s, over)


@rules.linear(np.fft.irfftn, wrt="a")
def irfftn(
    out_bar: Any, a: Any, s: Any = None, axes: Any = None, norm: Any = None
) -> Any:
    """The transform; frequencies that stand for two count twice."""
    over = transformed_axes(a.ndim, s, axes)
    last = over[-1]
    size = out_bar.shape[last]
    g = np.fft.rfftn(out_bar, axes=over, norm=swapped(norm))
    g = g * multiplicity(size, a.ndim - last - 1)
    if s is None:
        return rules.of_shape(g, a)
    return fitted_all(g, a, (*s[:-1], size // 2 + 1), over)


@rules.linear(np.fft.fft2, wrt="a")
def fft2(
    out_bar: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    """The inverse transform, not scaled."""
    return fftn(out_bar, a, s, axes, norm)


@rules.linear(np.fft.ifft2, wrt="a")
def ifft2(
    out_bar: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    """The transform, scaled like the inverse."""
    return ifftn(out_bar, a, s, axes, norm)


@rules.linear(np.fft.rfft2, wrt="a")
def rfft2(
    out_bar: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    """The real part of the inverse transform."""
    return rfftn(out_bar, a, s, axes, norm)


@rules.linear(np.fft.irfft2, wrt="a")
def irfft2(
    out_bar: Any, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None
) -> Any:
    """The transform; frequencies that stand for two count twice."""
    return irfftn(out_bar, a, s, axes, norm)


@rules.composite(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The real inverse transform of the conjugate, scaled like the transform."""
    return np.fft.irfft(np.conj(a), n, axis, swapped_names(norm))


@rules.composite(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """The conjugate of the real transform, scaled like the inverse."""
    return np.conj(np.fft.rfft(a, n, axis, swapped_names(norm)))


@rules.static
def swapped_names(norm: Any) -> Any:
    """Return the normalisation of the other direction, by name."""
    return "backward" if norm == "forward" else swapped(norm)


@rules.linear(np.fft.fftshift, wrt="x")
def fftshift(out_bar: Any, x: Any, axes: Any = None) -> Any:
    """Shift back."""
    return np.fft.ifftshift(out_bar, axes)


@rules.linear(np.fft.ifftshift, wrt="x")
def ifftshift(out_bar: Any, x: Any, axes: Any = None) -> Any:
    """Shift back."""
    return np.fft.fftshift(out_bar, axes)


@rules.composite(np.fft.fftfreq)
def fftfreq(n: Any, d: Any = 1.0) -> Any:
    """Frequencies in cycles per sample, over the spacing."""
    return np.fft.fftfreq(n) / d


@rules.composite(np.fft.rfftfreq)
def rfftfreq(n: Any, d: Any = 1.0) -> Any:
    """Frequencies in cycles per sample, over the spacing."""
    return np.fft.rfftfreq(n) / d
