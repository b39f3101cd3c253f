"""One random program run with its derivatives, everything compared.

In: a module with `f` and `arguments`. Out: nothing, or `Wrong`, which says what differs
from what; and what chainrule raises.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import grad, hvp, jvp, value_and_grad, vjp
from chainrule.checking.differences import derivative
from chainrule.checking.structure import numbers
from tests.checks import same_bits
from tests.fuzz.directions import Directions, has_reals

TOO_LARGE = 1e8


class Wrong(Exception):
    """Something that was compared is not equal."""


class Trial:
    """One program, its arguments, one random direction, and what is known of it."""

    def __init__(self, module: types.ModuleType, seed: int) -> None:
        self.f: Callable[..., Any] = module.f
        self.make: Callable[[], tuple[Any, ...]] = module.arguments
        args = self.make()
        self.wrt = tuple(i for i, x in enumerate(args) if has_reals(x))
        self.directions = Directions(self.make, self.wrt, np.random.default_rng(seed))
        self.value = self.f(*args)
        self.after = args
        self.wanted, self.error = self._differences(lambda a: float(self.f(*a)))
        self.size = max(abs(self.wanted), abs(float(self.value)), 1.0)

    @property
    def tame(self) -> bool:
        """Say whether differences can judge here: no jump, overflow or tie near by."""
        known = self.size < TOO_LARGE and self.error < 1e-5 * self.size
        return known and not self._bent()

    def _bent(self) -> bool:
        """Say whether the slopes to the left and to the right differ, as at a tie.

        Central differences are their mean, whatever the step. Of a smooth function the
        slopes come as much closer as the step gets smaller; what is left is the bend.
        """

        def gap(step: float) -> float:
            left, right = (
                float(self.f(*self.directions.moved(t))) for t in (-step, step)
            )
            return (left - 2 * float(self.value) + right) / step

        far, near = gap(1e-4), gap(1e-5)
        return abs(10 * near - far) / 9 > 1e-6 * self.size

    def check_first(self, entries: tuple[str, ...]) -> None:
        """Check value, arguments, gradient, tangent, and whose memory it is."""
        args = self.make()
        value, tangent = jvp(self.f, args, self.directions.tangents(args))
        self._same("jvp value", value, self.value)
        self._same("jvp arguments", args, self.after)
        gradients = [self._gradient(entry) for entry in entries]
        product, scale = self.directions.along(gradients[0])
        self._compare(entries[0], product, float(tangent), scale)
        for entry, gradient in zip(entries[1:], gradients[1:], strict=True):
            self._close(f"{entry} against {entries[0]}", gradient, gradients[0])

    def _gradient(self, entry: str) -> tuple[Any, ...]:
        """Return the gradient by one of the entries, after checking all else of it."""
        if entry == "vjp":
            return self._by_vjp()
        calls = {"grad": grad, "value_and_grad": value_and_grad}
        derivative_of = calls[entry](self.f, argnums=self.wrt)
        results: list[Any] = []
        given: list[Any] = []
        for _ in range(2):
            args = self.make()
            found = derivative_of(*args)
            if entry == "value_and_grad":
                value, found = found
                self._same("value", value, self.value)
            self._same(f"{entry} arguments", args, self.after)
            results.append(found)
            given.append(args)
        self._same(f"{entry} called again", results[1], results[0])
        self._no_sharing(entry, results, given)
        gradient: tuple[Any, ...] = results[0]
        return gradient

    def _by_vjp(self) -> tuple[Any, ...]:
        args = self.make()
        value, pullback = vjp(self.f, *args)
        self._same("vjp value", value, self.value)
        self._same("vjp arguments", args, self.after)
        one = np.ones(()) if isinstance(self.value, np.ndarray) else 1.0
        bars = pullback(one)
        self._same("cotangent after pullback", np.asarray(one), np.ones(()))
        again = pullback(one)
        self._same("pullback called again", again, bars)
        self._same("arguments after pullback", args, self.after)
        self._no_sharing("pullback", [bars, again], args)
        return tuple(bars[i] for i in self.wrt)

    def check_second(self) -> None:
        """Check a Hessian-vector product against differences of the gradient."""
        gradient = grad(self.f, argnums=self.wrt)
        wanted, error = self._differences(
            lambda a: self.directions.along(gradient(*a))[0]
        )
        if not error < 1e-4 * max(abs(wanted), 1.0):
            return
        args = self.make()
        tangents = self.directions.tangents(args)
        product = hvp(self.f, argnums=self.wrt)(
            *args, tuple(tangents[i] for i in self.wrt)
        )
        found, scale = self.directions.along(product)
        if not abs(found - wanted) <= 10 * error + 1e-5 * scale:
            raise Wrong(f"second: {found!r}, differences {wanted!r} +- {error:.1e}")

    def _differences(self, value: Callable[[Any], float]) -> tuple[float, float]:
        def phi(t: float) -> Any:
            return np.array([value(self.directions.moved(t))])

        (estimate,), (error,) = derivative(phi, 1.0)
        return float(estimate), float(error) if math.isfinite(error) else math.inf

    # comparisons

    def _compare(
        self, entry: str, reverse: float, forward: float, scale: float
    ) -> None:
        close = 10 * self.error + 1e-6 * scale
        reverse_ok = abs(reverse - self.wanted) <= close
        forward_ok = abs(forward - self.wanted) <= close
        numbers = f"{entry} {reverse!r}, jvp {forward!r}, differences {self.wanted!r}"
        if reverse_ok and forward_ok:
            if not abs(reverse - forward) <= 1e-9 * scale:
                raise Wrong(f"{entry} against jvp: {numbers}")
            return
        wrong = [entry] * (not reverse_ok) + ["jvp"] * (not forward_ok)
        raise Wrong(f"{' and '.join(wrong)}: {numbers}")

    def _same(self, what: str, found: Any, wanted: Any) -> None:
        if not same_bits(found, wanted):
            raise Wrong(f"{what}: {found!r}, not {wanted!r}")

    def _close(self, what: str, found: Any, wanted: Any) -> None:
        pairs = zip(numbers(found), numbers(wanted), strict=True)
        for (_, p), (_, q) in pairs:
            close = np.allclose(p, q, rtol=1e-9, atol=1e-9 * max(1, np.max(np.abs(q))))
            if type(p) is not type(q) or not close:
                raise Wrong(f"{what}: {found!r}, not {wanted!r}")

    def _no_sharing(self, what: str, results: Any, args: Any) -> None:
        fresh = [x for _, x in numbers(_plain(results)) if isinstance(x, np.ndarray)]
        given = [x for _, x in numbers(_plain(args)) if isinstance(x, np.ndarray)]
        for i, x in enumerate(fresh):
            if any(np.may_share_memory(x, y) for y in fresh[:i]):
                raise Wrong(f"{what} shares memory: with another result")
            if any(np.may_share_memory(x, y) for y in given):
                raise Wrong(f"{what} shares memory: with an argument")


def _plain(x: Any) -> Any:
    return list(x) if isinstance(x, tuple) else x
