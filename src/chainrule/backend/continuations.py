"""What is done with the results of a block.

In: nothing. Out: the continuations that `exits` lowers blocks with: join the results
after an `If`, return them, end an iteration with them, or let the `If` that follows
decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.ir import nodes as ir
from chainrule.ir.nodes import Operand, Value

Env = dict[Value, Operand]
Results = tuple[Operand, ...]


@dataclass(slots=True)
class Join:
    """The results become the values `outs`, and control goes on behind the block."""

    outs: tuple[Value, ...]


@dataclass(slots=True)
class Leave:
    """The result is what the function returns."""


@dataclass(slots=True)
class Follow:
    """What follows a statement: the `If` that tests one of its results, and the rest.

    `flag` is the value tested; `results` and `env` belong to the block that holds both,
    `then` is where that block's results go, `jump` the branch that ends in a jump.
    """

    flag: Value
    test: ir.If
    results: Results
    env: Env
    then: Continuation
    jump: bool = True


@dataclass(slots=True)
class Thread:
    """The results become `outs`, or the `If` that follows is taken at once."""

    outs: tuple[Value, ...]
    follow: Follow


@dataclass(slots=True)
class Turn:
    """The results end an iteration."""

    loop: ir.Loop
    append: bool
    follow: Follow | None = None
    on_break: tuple[tuple[Value, Operand], ...] = ()


Continuation = Join | Leave | Thread | Turn


def resolve(operand: Operand, env: Env) -> Operand:
    """Replace a value by what is known of it on this path."""
    while isinstance(operand, Value) and operand in env:
        operand = env[operand]
    return operand
