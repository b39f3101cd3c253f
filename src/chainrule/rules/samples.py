"""The module `statistics`: means and variances of sequences of numbers.

In: lists, tuples or vectors. Out: one cotangent for each element.
"""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np

from chainrule.rules import registry as rules
from chainrule.rules.sequences import inner, repeated, scaled


@rules.linear(statistics.mean, wrt="data")
def mean(out_bar: Any, data: Any) -> Any:
    return repeated(out_bar / len(data), data)


@rules.linear(statistics.fmean, wrt="data")
def fmean(out_bar: Any, data: Any) -> Any:
    return repeated(out_bar / len(data), data)


def centred(data: Any) -> Any:
    """Return how far elements are from their mean."""
    centre = statistics.fmean(data)
    if isinstance(data, np.ndarray):
        return data - centre
    return [x - centre for x in data]


@rules.reverse(statistics.pvariance)
def pvariance(data: Any) -> Any:
    out = statistics.pvariance(data)

    def pullback(out_bar: Any) -> Any:
        return scaled(2 * out_bar / len(data), centred(data))

    return out, pullback


@rules.forward(statistics.pvariance)
def pvariance_forward(data: Any, data_dot: Any) -> Any:
    return 2 * inner(centred(data), data_dot) / len(data)


@rules.reverse(statistics.variance)
def variance(data: Any) -> Any:
    out = statistics.variance(data)

    def pullback(out_bar: Any) -> Any:
        return scaled(2 * out_bar / (len(data) - 1), centred(data))

    return out, pullback


@rules.forward(statistics.variance)
def variance_forward(data: Any, data_dot: Any) -> Any:
    return 2 * inner(centred(data), data_dot) / (len(data) - 1)


@rules.reverse(statistics.pstdev)
def pstdev(data: Any) -> Any:
    out = statistics.pstdev(data)

    def pullback(out_bar: Any) -> Any:
        factor = 0.0 if out == 0 else out_bar / (out * len(data))
        return scaled(factor, centred(data))

    return out, pullback


@rules.forward(statistics.pstdev)
def pstdev_forward(data: Any, data_dot: Any, out: Any) -> Any:
    factor = 0.0 if out == 0 else 1 / (out * len(data))
    return factor * inner(centred(data), data_dot)


@rules.reverse(statistics.stdev)
def stdev(data: Any) -> Any:
    out = statistics.stdev(data)

    def pullback(out_bar: Any) -> Any:
        factor = 0.0 if out == 0 else out_bar / (out * (len(data) - 1))
        return scaled(factor, centred(data))

    return out, pullback


@rules.forward(statistics.stdev)
def stdev_forward(data: Any, data_dot: Any, out: Any) -> Any:
    factor = 0.0 if out == 0 else 1 / (out * (len(data) - 1))
    return factor * inner(centred(data), data_dot)
