"""Types of methods of what has no derivative: strings, numbers as such, sets.

In: a class, the name of a method and its arguments. Out: the type of the result.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.types.infer import Unknown
from chainrule.types.lattice import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    ListT,
    OpaqueT,
    ScalarT,
    TupleT,
    Type,
)

_STRING: dict[str, Type] = {
    **dict.fromkeys("find rfind index rindex count".split(), INT),
    **dict.fromkeys(
        """startswith endswith isalnum isalpha isascii isdecimal isdigit isidentifier
        islower isnumeric isprintable isspace istitle isupper""".split(),
        BOOL,
    ),
    **dict.fromkeys("split rsplit splitlines".split(), ListT(None, STR)),
    **dict.fromkeys("partition rpartition".split(), TupleT((STR, STR, STR))),
    "encode": OpaqueT(bytes),
}
_WRITES = frozenset(
    """add discard remove pop clear update difference_update intersection_update
    symmetric_difference_update""".split()
)
_NUMBER: dict[str, Type] = {
    "is_integer": BOOL,
    "bit_length": INT,
    "bit_count": INT,
    "as_integer_ratio": TupleT((INT, INT)),
    "hex": STR,
}


def infer_method(
    cls: type, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Type:
    """Return the type of a method call on an object of a class without a derivative.

    For strings, Python numbers, sets, generators of random numbers, regular
    expressions.
    """
    if cls in (str, bytes):
        if name in _STRING:
            return _STRING[name]
        if hasattr(cls, name):
            return OpaqueT(cls)
    if cls in (float, int, bool, complex) and name in _NUMBER and hasattr(cls, name):
        return _NUMBER[name]
    if cls in (float, int, bool, complex) and name == "conjugate":
        return {float: FLOAT, complex: ScalarT("complex")}.get(cls, INT)
    if cls in (tuple, list, range) and name in ("index", "count"):
        return INT
    if cls in (set, frozenset) and hasattr(cls, name):
        if name in _WRITES:
            return OpaqueT() if name == "pop" else NONE
        return BOOL if name.startswith("is") else OpaqueT(cls)
    if cls in (re.Pattern, re.Match, types.ModuleType) and hasattr(cls, name):
        return OpaqueT()
    raise Unknown(f"{cls.__name__}.{name}")
