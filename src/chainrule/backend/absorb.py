"""Which variables of the user's may give way to the expression that reads them.

In: the nodes of a program, and how often each value is read. Out: values that are read
once, and whose name does not help where they are read: in what has a name of the user's
itself (`centred = x - x.mean()`), in a function of one argument (`np.tanh(u + v)`), and
in what is returned; for each of them how many operations it may have.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.backend import program as p
from chainrule.backend import sizes
from chainrule.backend.program import Nodes, Op
from chainrule.ir import nodes as ir
from chainrule.ir.nodes import Operand, Value

OURS = ("_bar", "_dot")
LONGEST, RETURNED = 2, 3
RETURNED_WIDTH = 60


def absorbed(nodes: Nodes, uses: Mapping[Value, int]) -> dict[Value, int]:
    """Return the variables of the user's that may be nested."""
    found: dict[Value, int] = {}
    _list(nodes, uses, found)
    return found


def is_users(value: Value) -> bool:
    """Say whether a value has a name of the user's."""
    return value.hint is not None and not value.hint.endswith(OURS)


def _list(nodes: Nodes, uses: Mapping[Value, int], found: dict[Value, int]) -> None:
    made: dict[Value, Op] = {}

    def once(operand: Operand) -> bool:
        return operand in made and uses.get(operand) == 1

    def take(op: Op, longest: int) -> None:
        """Note what is read in an expression."""
        for operand in p.op_operands(op):
            if isinstance(operand, Value) and once(operand):
                if is_users(operand):
                    found[operand] = longest
                elif operand.hint is None:
                    take(made[operand], longest)

    def width(op: Op) -> int:
        """Return how wide an expression prints with all that it may take in."""
        widths = [
            width(made[a]) if once(a) else sizes.operand_width(a)  # type: ignore[index]
            for a in p.op_operands(op)
        ]
        return sizes.width(op, widths)

    for node in nodes:
        if isinstance(node, p.Let):
            made[node.out] = node.op
            if is_users(node.out):
                take(node.op, LONGEST)
            elif node.out.hint is None and (argument := _argument(node.op)):
                inner = made.get(argument) if argument.hint is None else None
                if inner is not None and once(argument):
                    argument = _shifted(inner) or argument
                if once(argument) and is_users(argument):
                    found[argument] = LONGEST
        elif isinstance(node, p.Unpack):
            if all(v is None or is_users(v) for v in node.outs):
                take(node.op, LONGEST)
        elif isinstance(node, p.Return):
            op = made.get(node.value) if once(node.value) else None  # type: ignore[arg-type]
            if op is not None and width(op) <= RETURNED_WIDTH:
                take(op, RETURNED)
        else:
            for inner_nodes in p.parts(node):
                _list(inner_nodes, uses, found)


def _argument(op: Op) -> Value | None:
    """Return the argument of a function that has no other."""
    if not isinstance(op, ir.Apply) or op.kwargs or op.fn in sizes.INFIX:
        return None
    if sizes.is_statement(op) or sizes.is_loose(op) or sizes.is_read(op):
        return None
    if len(op.args) != 1 or op.form == "attribute" or op.fn in sizes.UNARY:
        return None
    [argument] = op.args
    return argument if isinstance(argument, Value) else None


def _shifted(op: Op) -> Value | None:
    """Return the operand of an operation that takes nothing else but a number."""
    if not isinstance(op, ir.Apply) or op.fn not in sizes.BINARY:
        return None
    values = [a for a in op.args if isinstance(a, Value)]
    return values[0] if len(values) == 1 else None
