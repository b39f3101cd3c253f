"""A compiler for tests of what surrounds it: hand-written derivatives, real guards."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from chainrule.request import Built, Input
from chainrule.types.lattice import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    STR,
    ArrayT,
    DictT,
    ListT,
    OpaqueT,
    ScalarT,
    Sym,
    TupleT,
)

SCALARS = {float: FLOAT, int: INT, bool: BOOL, complex: COMPLEX, str: STR}
SCALARS[type(None)] = NONE


def type_of(value, path):
    """Return the type of a value; a simple stand-in for `types.typeof`."""
    if type(value) in SCALARS:
        return SCALARS[type(value)]
    if isinstance(value, np.ndarray):
        dims = tuple(
            1 if n == 1 else Sym((path, i), 0, True) for i, n in enumerate(value.shape)
        )
        return ArrayT(value.dtype, dims)
    if isinstance(value, np.generic):
        return ScalarT("float", value.dtype)
    if isinstance(value, tuple):
        items = tuple(type_of(v, (path, i)) for i, v in enumerate(value))
        return TupleT(items, type(value))
    if isinstance(value, list):
        return ListT(tuple(type_of(v, (path, i)) for i, v in enumerate(value)))
    if isinstance(value, dict):
        items = tuple((k, type_of(v, (path, k))) for k, v in value.items())
        return DictT(items, type(value))
    return OpaqueT(type(value))


class FakePipeline(SimpleNamespace):
    """Builds from a table `(function name, transform, wrt) -> functions`."""

    def __init__(self, **calls):
        super().__init__(calls=calls, requests=[], consume=lambda types: None)
        self.inputs = lambda request, arguments: ()

    def build(self, request, arguments, static=frozenset()):
        """Return the functions of the table, guarded by all types of the arguments."""
        self.requests.append((request, dict(arguments)))
        types = {name: type_of(v, name) for name, v in arguments.items()}
        self.consume(types)
        inputs = tuple(Input("param", n, (), t) for n, t in types.items())
        made = self.calls[request.transform](request)
        calls = made if isinstance(made, tuple) else (made,)
        text = f"# {request.transform} by {', '.join(request.wrt)}\n"
        return Built(calls, text, inputs + tuple(self.inputs(request, arguments)))
