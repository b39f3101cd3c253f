"""A compiler for tests of what surrounds it: hand-written derivatives, real guards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.request import Built, Input, Known, Request
from chainrule.types.lattice import Type
from chainrule.types.typeof import type_of


def param(name: str, value: Any) -> Input:
    """Return the input that says that inference used the whole type of an argument."""
    t = type_of(value, (name,))
    return Input("param", name, (), t if isinstance(t, Type) else Known(t))


class FakePipeline:
    """Builds by a table from transformations to functions; keeps a list of requests."""

    def __init__(self, **calls: Callable[..., Any]) -> None:
        self.calls = calls
        self.requests: list[tuple[Request, dict[str, Any]]] = []
        self.consume: Callable[[dict[str, Input]], None] = lambda inputs: None
        self.more: Callable[[Request], list[Input]] = lambda request: []

    def build(
        self, request: Request, arguments: dict[str, Any], general: bool = False
    ) -> Built:
        """Return the functions of the table, guarded by the types of all arguments."""
        self.requests.append((request, dict(arguments)))
        inputs = {name: param(name, value) for name, value in arguments.items()}
        self.consume(inputs)
        calls = self.calls[request.transform](request)
        text = f"# {request.transform} of {', '.join(request.wrt)}\n"
        calls = calls if isinstance(calls, tuple) else (calls,)
        return Built(calls, text, (*inputs.values(), *self.more(request)))
