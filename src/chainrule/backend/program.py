"""The form between IR and text: statements of Python over SSA values.

In: nothing. Out: the node classes that `exits` makes, `nest`, `live` and `buffers`
rewrite and `statements` prints. What is implicit in the IR is a statement here: the
copies that carry values round a loop or out of an `if`, the append to the tape,
`break`, `continue`, `return`. Lists of nodes are changed in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value


@dataclass(eq=False, slots=True)
class Choice:
    """`a if test else b`, or `test and then`, or `test or orelse`."""

    test: Operand
    then: Operand
    orelse: Operand
    word: str = ""
    loc: ir.Loc | None = None


Op = ir.Apply | ir.Call | Choice


@dataclass(eq=False, slots=True)
class Let:
    """`out = op`; `mode` is how the backend writes it (see `buffers`)."""

    out: Value
    op: Op
    mode: str = ""


@dataclass(eq=False, slots=True)
class Unpack:
    """`a, _, c = op`: parts that nobody reads are None."""

    outs: tuple[Value | None, ...]
    op: Op


@dataclass(eq=False, slots=True)
class Copies:
    """Assignments that happen at once: `a, b = b, a`."""

    pairs: list[tuple[Value, Operand]]
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class Branch:
    """`if`; with `word`, one branch is empty and means `out = test` (`a and b`)."""

    test: Operand
    then: Nodes
    orelse: Nodes
    loc: ir.Loc | None = None
    word: str = ""
    out: Value | None = None


@dataclass(eq=False, slots=True)
class For:
    """`for`; `carried` are the variables that live from one iteration to the next."""

    iters: tuple[ir.Iter, ...]
    carried: tuple[Value, ...]
    body: Nodes
    orelse: Nodes
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class While:
    """`while`; `header` runs before each test."""

    carried: tuple[Value, ...]
    header: Nodes
    test: Operand
    body: Nodes
    orelse: Nodes
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class NewTape:
    tape: Value


@dataclass(eq=False, slots=True)
class Append:
    tape: Value
    items: tuple[Operand, ...]
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class Exit:
    """`break` or `continue`."""

    word: str
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class Return:
    value: Operand
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class Handler:
    classes: Operand | None
    name: Value | None
    body: Nodes


@dataclass(eq=False, slots=True)
class Try:
    body: Nodes
    handlers: list[Handler]
    final: Nodes
    loc: ir.Loc | None = None


@dataclass(eq=False, slots=True)
class With:
    context: Operand
    name: Value | None
    body: Nodes
    loc: ir.Loc | None = None


Node = (
    Let
    | Unpack
    | Copies
    | Branch
    | For
    | While
    | NewTape
    | Append
    | Exit
    | Return
    | Try
    | With
)
Nodes = list[Node]


@dataclass(slots=True)
class Program:
    """The nodes of one function.

    `same` are values that must share one variable; `kept` are those that the caller
    sees after the function has returned.
    """

    function: ir.Function
    nodes: Nodes
    same: list[tuple[Value, Value]] = field(default_factory=list)
    kept: list[Value] = field(default_factory=list)


# Most nodes are a `Let` of an `Apply`: that case comes first below.


def op_operands(op: Op) -> tuple[Operand, ...]:
    """Return what an operation reads, in the order of evaluation."""
    if isinstance(op, Choice):
        return op.test, op.then, op.orelse
    return ir.operands(op)


def reads(node: Node) -> tuple[Operand, ...]:
    """Return what a node itself reads; not what the nodes inside it read."""
    match node:
        case Let(op=ir.Apply() as op):
            return ir.operands(op)
        case Let(op=op) | Unpack(op=op):
            return op_operands(op)
        case Copies(pairs=pairs):
            return tuple(source for _, source in pairs)
        case Branch(test=test) | While(test=test):
            return (test,)
        case For(iters=iters):
            return tuple(it.source for it in iters)
        case Append(tape=tape, items=items):
            return tape, *items
        case Return(value=value):
            return (value,)
        case With(context=context):
            return (context,)
        case Try(handlers=handlers):
            return tuple(h.classes for h in handlers if h.classes is not None)
    return ()


def parts(node: Node) -> tuple[Nodes, ...]:
    """Return the lists of nodes inside a node."""
    match node:
        case Let():
            return ()
        case Branch(then=then, orelse=orelse):
            return then, orelse
        case For(body=body, orelse=orelse):
            return body, orelse
        case While(header=header, body=body, orelse=orelse):
            return header, body, orelse
        case Try(body=body, handlers=handlers, final=final):
            return body, *(handler.body for handler in handlers), final
        case With(body=body):
            return (body,)
    return ()


def walk(nodes: Nodes) -> list[Node]:
    """Return all nodes, outer before inner, in the order of the text."""
    found: list[Node] = []
    _walk(nodes, found)
    return found


def _walk(nodes: Nodes, found: list[Node]) -> None:
    for node in nodes:
        found.append(node)
        if not isinstance(node, Let):
            for inner in parts(node):
                _walk(inner, found)


def defines(node: Node) -> tuple[Value, ...]:
    """Return what a node assigns, the variables of loops and handlers included."""
    match node:
        case Let(out=out):
            return (out,)
        case Unpack(outs=outs):
            return tuple(v for v in outs if v is not None)
        case Copies(pairs=pairs):
            return tuple(v for v, _ in pairs)
        case For(iters=iters):
            return tuple(v for it in iters for v in it.elems)
        case NewTape(tape=tape):
            return (tape,)
        case With(name=name) if name is not None:
            return (name,)
        case Try(handlers=handlers):
            return tuple(h.name for h in handlers if h.name is not None)
    return ()


def ends(nodes: Nodes) -> bool:
    """Say whether control never comes past the last of these nodes."""
    if not nodes:
        return False
    match nodes[-1]:
        case Exit() | Return():
            return True
        case Let(op=op):
            return isinstance(op, ir.Apply) and op.fn is prims.raise_
        case Branch(then=then, orelse=orelse):
            return ends(then) and ends(orelse)
    return False


def is_false(operand: Operand) -> bool:
    """Say whether an operand is the constant False."""
    return isinstance(operand, Const) and operand.value is False


Change = Callable[[Operand], Operand]


def map_op(op: Op, change: Change) -> Op:
    """Return an operation with its operands changed."""
    if isinstance(op, Choice):
        return replace(
            op,
            test=change(op.test),
            then=change(op.then),
            orelse=change(op.orelse),
        )
    args = tuple(map(change, op.args))
    if isinstance(op, ir.Call):
        return replace(op, args=args)
    kwargs = tuple((name, change(value)) for name, value in op.kwargs)
    return replace(op, args=args, kwargs=kwargs)


def rewrite(nodes: Nodes, change: Change) -> None:
    """Change the operands of all nodes, in place."""
    for node in walk(nodes):
        match node:
            case Let() | Unpack():
                node.op = map_op(node.op, change)
            case Copies():
                node.pairs = [(out, change(s)) for out, s in node.pairs]
            case Branch() | While():
                node.test = change(node.test)
            case For():
                node.iters = tuple(
                    replace(it, source=change(it.source)) for it in node.iters
                )
            case Append():
                node.items = tuple(map(change, node.items))
            case Return():
                node.value = change(node.value)
            case With():
                node.context = change(node.context)
            case Try():
                for handler in node.handlers:
                    if handler.classes is not None:
                        handler.classes = change(handler.classes)
