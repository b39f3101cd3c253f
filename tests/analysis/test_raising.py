"""What may raise stays in its `try`; what certainly does not may leave it."""

from __future__ import annotations

import math
import operator

from chainrule.analysis.raising import may_raise
from chainrule.ir.nodes import Apply, Const, Value
from chainrule.types import lattice as lt


def test_float_arithmetic_does_not_raise() -> None:
    """A product of floats is never an exception."""
    x = Value(lt.FLOAT)
    assert not may_raise(Apply(Value(lt.FLOAT), operator.mul, (x, Const(2))))


def test_division_roots_and_powers_may_raise() -> None:
    """What has a domain may be outside of it; a power of floats may overflow."""
    x = Value(lt.FLOAT)
    assert may_raise(Apply(Value(lt.FLOAT), operator.truediv, (Const(1), x)))
    assert may_raise(Apply(Value(lt.FLOAT), math.sqrt, (x,)))
    assert may_raise(Apply(Value(lt.FLOAT), operator.pow, (x, Const(2))))


def test_part_that_the_type_promises_is_there() -> None:
    """Reading a part of a tuple raises only beyond its end."""
    pair = Value(lt.TupleT((lt.FLOAT, lt.FLOAT)))
    assert not may_raise(Apply(Value(lt.FLOAT), operator.getitem, (pair, Const(1))))
    assert may_raise(Apply(Value(lt.FLOAT), operator.getitem, (pair, Const(2))))
