"""Types of random numbers: the legacy functions, and methods of generators.

In: types or constants. Out: the type of the sample. Its layout is that of the shape
asked for, or of the parameters broadcast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.types import opaque
from chainrule.types.infer import TYPE_RULES, Unknown, known
from chainrule.types.lattice import NONE, OpaqueT, Type
from chainrule.types.probed import is_open, probe_checked, probe_open

Fn = Callable[..., Any]

METHODS = frozenset(
    """beta binomial bytes chisquare choice dirichlet exponential f gamma
    geometric gumbel hypergeometric integers laplace logistic lognormal
    logseries multinomial multivariate_hypergeometric multivariate_normal
    negative_binomial noncentral_chisquare noncentral_f normal pareto
    permutation permuted poisson power rand randint randn random
    random_integers random_sample ranf sample rayleigh standard_cauchy
    standard_exponential standard_gamma standard_normal standard_t tomaxint
    triangular uniform vonmises wald weibull zipf""".split()
)


def infer_method(
    cls: type, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Type:
    """Return the type of a method call on an object without a derivative."""
    if cls not in (np.random.Generator, np.random.RandomState):
        return opaque.infer_method(cls, name, args, kwargs)
    if name == "seed":
        return NONE
    if name not in METHODS or not hasattr(cls, name):
        raise Unknown(f"{cls.__name__}.{name}")
    named = {k: known(v) for k, v in kwargs.items()}
    return draw(_unbound(cls, name), *map(known, args), **named)


_UNBOUND: dict[tuple[type, str], Fn] = {}


def _unbound(cls: type, name: str) -> Fn:
    """Return the method of a generator of our own, not of the user's."""
    key = (cls, name)
    if key not in _UNBOUND:
        owner: Any = np.random.RandomState(0)
        if cls is np.random.Generator:
            owner = np.random.Generator(np.random.PCG64(0))
        _UNBOUND[key] = getattr(owner, name)
    return _UNBOUND[key]


def draw(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Probe the method of a private generator."""
    if any(map(is_open, (*args, *kwargs.values()))):
        return probe_open(fn, args, kwargs)
    return probe_checked(fn, *args, **kwargs)


def legacy(fn: Fn, *args: Any, **kwargs: Any) -> Type:
    """Draw from a private state instead of the global one."""
    return draw(_unbound(np.random.RandomState, fn.__name__), *args, **kwargs)


def seed(fn: Fn, *args: Any) -> Type:
    """Give None."""
    return NONE


def generator(fn: Fn, *args: Any) -> Type:
    """Give a generator."""
    cls = np.random.Generator if fn is np.random.default_rng else np.random.RandomState
    return OpaqueT(cls)


for _name in METHODS:
    if hasattr(np.random, _name) and hasattr(np.random.RandomState, _name):
        TYPE_RULES[getattr(np.random, _name)] = legacy
TYPE_RULES[np.random.seed] = seed
TYPE_RULES[np.random.default_rng] = generator
TYPE_RULES[np.random.RandomState] = generator
