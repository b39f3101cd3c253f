"""SciPy's functions against differences."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import linalg, special

from chainrule import NotDifferentiable, grad, jvp, rules
from chainrule.rules.scipy_rules import load_if_imported
from tests.rules.harness import check_rule
from tests.rules.samples import complex_, real

load_if_imported()
UNIT = np.array([[0.2, 0.5, 0.9], [0.35, 0.6, 0.75]])
SIGNED = np.array([-1.7, -0.4, 0.3, 1.2])

ON_LINE = (
    "expit log_expit erf erfc erfcx erfi dawsn ndtr log_ndtr exp10 exp2 expm1 cosm1"
)
ON_UNIT = (
    "logit erfinv erfcinv ndtri gamma rgamma gammaln loggamma digamma entr log1p cbrt "
    "j0 j1 y0 y1 i0 i1 i0e i1e k0 k1 k0e k1e"
)
OF_TWO = "beta betaln xlogy xlog1py rel_entr kl_div huber pseudo_huber"


@pytest.mark.parametrize("name", ON_LINE.split())
def test_functions_on_the_line(name: str) -> None:
    """Functions of any real number."""
    check_rule(getattr(special, name), SIGNED)
    check_rule(getattr(special, name), 0.7)


@pytest.mark.parametrize("name", ON_UNIT.split())
def test_functions_between_zero_and_one(name: str) -> None:
    """Functions of numbers between zero and one at least."""
    check_rule(getattr(special, name), UNIT)


@pytest.mark.parametrize("name", OF_TWO.split())
def test_functions_of_two_numbers(name: str) -> None:
    """Both arguments have derivatives, and are broadcast."""
    check_rule(getattr(special, name), UNIT, UNIT[0] + 0.33)


def test_bessel_functions_at_zero() -> None:
    """The slopes have no division by the argument where they are finite."""
    assert rules.RULES.reverse[special.j1].template(0.0, 0.0) == 0.5
    assert rules.RULES.reverse[special.i1].template(0.0, 0.0) == 0.5


def test_xlogy_at_zero() -> None:
    """Where x is zero, y has no influence, even at zero."""
    with np.errstate(invalid="raise", divide="ignore"):
        _, dy = rules.RULES.reverse[special.xlogy].template(0.0, 0.0, 0.0)
    assert dy == 0.0


def test_log_ndtr_in_the_tail() -> None:
    """Far in the tail, the slope is that of the exponent."""
    x = -40.0
    slope = rules.RULES.reverse[special.log_ndtr].template(x, special.log_ndtr(x))
    h = 1e-3
    differences = (special.log_ndtr(x + h) - special.log_ndtr(x - h)) / (2 * h)
    np.testing.assert_allclose(slope, differences, rtol=1e-6)


WITH_ORDER = [
    ("polygamma", (2,)),
    ("jv", (1.5,)),
    ("yv", (0.5,)),
    ("yn", (2,)),
    ("iv", (1.5,)),
    ("ive", (1.5,)),
    ("kv", (1.5,)),
    ("kn", (2,)),
    ("gammainc", (1.7,)),
    ("gammaincc", (1.7,)),
    ("betainc", (1.7, 0.6)),
]


@pytest.mark.parametrize(("name", "orders"), WITH_ORDER)
def test_functions_with_an_order(name: str, orders: tuple) -> None:
    """The last argument has a derivative."""
    check_rule(getattr(special, name), *orders, UNIT)


def of_order(v: float, z: float) -> float:
    """Depend on the order too."""
    return special.jv(v, z)


def test_an_order_that_is_active_is_refused() -> None:
    """In both modes, with the same words."""
    words = "the rule of jv has no derivative for `v`"
    with pytest.raises(NotDifferentiable, match=words):
        grad(of_order)(1.5, 2.0)
    with pytest.raises(NotDifferentiable, match=words):
        jvp(of_order, (1.5, 2.0), (1.0, 0.0))


AXES = [{}, {"axis": 0}, {"axis": -1}, {"axis": (0, 1)}]


@pytest.mark.parametrize("kwargs", AXES)
def test_reductions(kwargs: dict) -> None:
    """Log-sum-exp and its kin along axes."""
    check_rule(special.logsumexp, real(2, 3), **kwargs)
    check_rule(special.logsumexp, real(2, 3), keepdims=True, **kwargs)
    check_rule(special.logsumexp, real(2, 3), b=UNIT, **kwargs)
    check_rule(special.softmax, real(2, 3), **kwargs)
    check_rule(special.log_softmax, real(2, 3), **kwargs)


def regular(make: object) -> np.ndarray:
    """Return a well-conditioned matrix."""
    return make(3, 3) + 3 * np.eye(3)


def positive(make: object) -> np.ndarray:
    """Return a positive definite matrix."""
    x = regular(make)
    return x @ np.conj(x.T) + np.eye(3)


@pytest.mark.parametrize("make", [real, complex_])
def test_systems(make: object) -> None:
    """Inverse, determinant and solutions."""
    check_rule(linalg.inv, regular(make))
    check_rule(linalg.det, regular(make))
    check_rule(linalg.solve, regular(make), make(3))
    check_rule(linalg.solve, regular(make), make(3, 2))
    check_rule(linalg.expm, make(3, 3))


@pytest.mark.parametrize("make", [real, complex_])
@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower", [False, True])
def test_triangular_systems(make: object, trans: object, lower: bool) -> None:
    """All three matrices that a triangle may stand for."""
    kwargs = {"trans": trans, "lower": lower}
    check_rule(linalg.solve_triangular, regular(make), make(3), **kwargs)
    check_rule(linalg.solve_triangular, regular(make), make(3, 2), **kwargs)
    check_rule(
        linalg.solve_triangular, regular(make), make(3), unit_diagonal=True, **kwargs
    )


@pytest.mark.parametrize("make", [real, complex_])
@pytest.mark.parametrize("lower", [False, True])
def test_cholesky(make: object, lower: bool) -> None:
    """Both triangles; the equivalents of factor and solution have the same values."""
    a = positive(make)
    check_rule(linalg.cholesky, a, lower=lower)
    check_rule(linalg.cho_factor, a, lower=lower)
    check_rule(linalg.cho_solve, linalg.cho_factor(a, lower), make(3))
    check_rule(linalg.cho_solve, linalg.cho_factor(a, lower), make(3, 2))


def test_norm() -> None:
    """SciPy's norm has the values of NumPy's."""
    check_rule(linalg.norm, real(3, 4), "fro")
    check_rule(linalg.norm, real(3, 4), 1, axis=0)


def test_functions_are_differentiated_as_they_are() -> None:
    """`grad(logsumexp)` uses the rule; it does not compile SciPy's own source."""
    x = real(3)
    np.testing.assert_allclose(grad(special.logsumexp)(x), special.softmax(x))


def test_structures_are_refused() -> None:
    """A solver that reads a part of the matrix only is refused."""
    with pytest.raises(rules.Refused, match="pos"):
        check_rule(linalg.solve, positive(real), real(3), assume_a="pos")
    with pytest.raises(rules.Refused, match="complex"):
        check_rule(special.ive, 1.5, complex_(2))


def test_scipy_is_not_imported() -> None:
    """Importing the rules, and asking for SciPy's, imports no SciPy."""
    code = (
        "import sys, chainrule.rules.scipy_rules as s; s.load_if_imported();"
        "assert not [m for m in sys.modules if m.startswith('scipy')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
