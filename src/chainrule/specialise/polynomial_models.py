"""Polynomials as objects, as Python would write them.

In: what `np.poly1d` and `np.polynomial.Polynomial` are given. Out: objects that can be
called, differentiated, integrated and combined. Zeros that NumPy cuts off stay: that
changes no value. How many coefficients there are is then not known.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import polynomial as power_series


def trimmed(coefficients: Any) -> Any:
    """Refuse to tell the coefficients: `model_calls` interprets this."""
    raise NotImplementedError


class Poly1d:
    """An `np.poly1d`: coefficients, highest power first."""

    def __init__(self, c_or_r: Any) -> None:
        self.items = np.atleast_1d(np.asarray(c_or_r))

    @property
    def c(self) -> Any:
        """The coefficients."""
        return trimmed(self.items)

    coef = coeffs = coefficients = o = order = r = roots = c

    def __call__(self, val: Any) -> Any:
        return np.polyval(self.items, val)

    def deriv(self, m: int = 1) -> Any:
        """Differentiate."""
        return np.poly1d(np.polyder(self.items, m))

    def integ(self, m: int = 1) -> Any:
        """Integrate."""
        return np.poly1d(np.polyint(self.items, m))

    def __len__(self) -> Any:
        return trimmed(self.items)

    def __iter__(self) -> Any:
        return trimmed(self.items)

    def __getitem__(self, val: Any) -> Any:
        return trimmed(self.items)

    def __neg__(self) -> Any:
        return np.poly1d(-self.items)

    def __mul__(self, other: Any) -> Any:
        if is_number(other):
            return np.poly1d(self.items * other)
        return np.poly1d(np.convolve(self.items, items_of(other)))

    def __rmul__(self, other: Any) -> Any:
        if is_number(other):
            return np.poly1d(other * self.items)
        return np.poly1d(np.convolve(items_of(other), self.items))

    def __add__(self, other: Any) -> Any:
        return np.poly1d(np.polyadd(self.items, items_of(other)))

    def __radd__(self, other: Any) -> Any:
        return np.poly1d(np.polyadd(self.items, items_of(other)))

    def __sub__(self, other: Any) -> Any:
        return np.poly1d(np.polysub(self.items, items_of(other)))

    def __rsub__(self, other: Any) -> Any:
        return np.poly1d(np.polysub(items_of(other), self.items))

    def __truediv__(self, other: Any) -> Any:
        return np.poly1d(self.items / other)


def is_number(other: Any) -> bool:
    """Say whether something is no polynomial and no sequence."""
    return not isinstance(other, np.poly1d) and np.ndim(other) == 0


def items_of(other: Any) -> Any:
    """Return the coefficients of a polynomial, or of what becomes one."""
    if isinstance(other, np.poly1d):
        return other.items  # type: ignore[attr-defined]
    return np.atleast_1d(np.asarray(other))


class Polynomial:
    """An `np.polynomial.Polynomial` without domain: the lowest power comes first."""

    def __init__(self, coef: Any) -> None:
        self.items = np.atleast_1d(np.asarray(coef)) + 0.0
        self.exact = True

    @property
    def coef(self) -> Any:
        """The coefficients."""
        return self.items if self.exact else trimmed(self.items)

    def __call__(self, arg: Any) -> Any:
        return power_series.polyval(0.0 + 1.0 * np.asarray(arg), self.items)

    def degree(self) -> Any:
        """Return the highest power."""
        return len(self.coef) - 1

    def __len__(self) -> Any:
        return len(self.coef)

    def deriv(self, m: int = 1) -> Any:
        """Differentiate."""
        c = self.items
        for _ in range(m):
            c = c[1:] * np.arange(1, len(c))
        return np.polynomial.Polynomial(c)

    def integ(self, m: int = 1) -> Any:
        """Integrate from zero."""
        c = self.items
        for _ in range(m):
            c = np.concatenate((np.zeros(1), c / np.arange(1, len(c) + 1)))
        return np.polynomial.Polynomial(c)

    def combined(self, items: Any) -> Any:
        """Return a polynomial of which zeros may have been cut off."""
        out = np.polynomial.Polynomial(items)
        out.exact = False  # type: ignore[attr-defined]
        return out

    def __neg__(self) -> Any:
        return np.polynomial.Polynomial(-self.items)

    def __add__(self, other: Any) -> Any:
        mine, its = self.items[::-1], coefficients_of(other)[::-1]
        return self.combined(np.polyadd(mine, its)[::-1])

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        mine, its = self.items[::-1], coefficients_of(other)[::-1]
        return self.combined(np.polysub(mine, its)[::-1])

    def __rsub__(self, other: Any) -> Any:
        mine, its = self.items[::-1], coefficients_of(other)[::-1]
        return self.combined(np.polysub(its, mine)[::-1])

    def __mul__(self, other: Any) -> Any:
        return self.combined(np.convolve(self.items, coefficients_of(other)))

    def __rmul__(self, other: Any) -> Any:
        return self.combined(np.convolve(coefficients_of(other), self.items))


def coefficients_of(other: Any) -> Any:
    """Return the coefficients of a polynomial, or of what becomes one."""
    if isinstance(other, np.polynomial.Polynomial):
        return other.items  # type: ignore[attr-defined]
    return np.atleast_1d(np.asarray(other)) + 0.0
