"""Names: what each one means while a function is interpreted.

In: a function's tree and where it came from. Out: `Frame`, the variables of one
activation, and `lookup`, which finds a name as Python would: local, enclosing, cell,
global, builtin. What is read from outside the function is recorded as an input: the
guard checks it, and numbers and arrays stay live (the generated code reads the same
name at each call).
"""

from __future__ import annotations

import builtins
import math
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import gast
import numpy as np

from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Const, Loc, Operand, Undef, Value
from chainrule.request import Input, Known, Lacks, Missing
from chainrule.specialise.builder import Builder
from chainrule.specialise.memory import Now
from chainrule.specialise.mirrors import Mirror
from chainrule.specialise.places import Places
from chainrule.specialise.values import Cell, Closure, Poison, is_const
from chainrule.types import lattice as lt
from chainrule.types.typeof import type_of

CTL, RET, ERROR = "$ctl", "$ret", "$error"
NEXT, BREAK, CONTINUE, RETURN, RAISED = map(Const, range(5))
BY_RAISE = {0: False, 1: False, 2: False, 3: False, 4: True}


class State(dict[str, Operand]):
    """The variables of a frame at one point of a path, and the memory there."""

    def __init__(self, env: dict[str, Operand], now: Now) -> None:
        super().__init__(env)
        self.now = dict(now)


@dataclass(eq=False, slots=True)
class Frame:
    """The variables of one activation of one function."""

    tree: Any
    file: str
    name: str
    globals: dict[str, Any]
    cells: dict[str, types.CellType] = field(default_factory=dict)
    parent: Frame | None = None
    function: Callable[..., Any] | None = None
    env: dict[str, Operand] = field(default_factory=dict)
    locals: frozenset[str] = frozenset()
    live: bool = False
    consumer: Any = None

    def loc(self, node: Any) -> Loc | None:
        """Return the place of a node in the user's file."""
        line = getattr(node, "lineno", None)
        if line is None:
            return None
        return Loc(
            self.file,
            line,
            node.col_offset or 0,
            getattr(node, "end_lineno", None) or line,
            getattr(node, "end_col_offset", None) or 0,
            self.name,
        )


@dataclass(eq=False, slots=True)
class Context:
    """All that one specialisation shares: the builder, the inputs, the call stack."""

    builder: Builder
    inputs: dict[tuple[Any, ...], Input] = field(default_factory=dict)
    stack: list[Any] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    arguments: list[dict[str, Operand]] = field(default_factory=list)
    params: dict[Value, str] = field(default_factory=dict)
    root_globals: dict[str, Any] | None = None
    functions: dict[Any, Any] = field(default_factory=dict)
    copies: dict[Any, int] = field(default_factory=dict)
    splicing: bool = False
    iterated: dict[int, tuple[Any, int, Loc | None]] = field(default_factory=dict)
    step: int = 0
    turns: int = 0
    sites: dict[int, tuple[Any, Loc]] = field(default_factory=dict)
    stepped: frozenset[Loc] = frozenset()
    keyed: frozenset[Loc] = frozenset()
    lists: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    samples: dict[Value, Any] = field(default_factory=dict)
    ordered: dict[Value, Callable[[], bool]] = field(default_factory=dict)
    mirrors: dict[Value, list[tuple[Value, Mirror]]] = field(default_factory=dict)
    places: Places = field(default_factory=Places)
    # Exceptions that are followed; see `escapes`.
    followed: list[Any] = field(default_factory=list)
    taken_apart: dict[int, tuple[Any, list[Any]]] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))
    entered: int = 0
    landing: Any = None
    armed: bool = False
    thrown: Operand | None = None
    native: Operand | None = None  # an exception that Python has raised itself

    def known(
        self, root: str, name: str, owner: Any, path: tuple[Any, ...], value: Any
    ) -> None:
        """Record that this input must stay the same object."""
        self.inputs.setdefault(
            (root, id(owner), name, path), Input(root, name, path, Known(value), owner)
        )

    def lacks(self, root: str, name: str, owner: Any) -> None:
        """Record that an object, or those of a class, must get no such attribute."""
        key = ("lacks", root, id(owner), name)
        self.inputs.setdefault(key, Input(root, name, (), Lacks(), owner))

    def missing(
        self, root: str, name: str, owner: Any, path: tuple[Any, ...], key: Any
    ) -> None:
        """Record that this input, a container, must not get such a key."""
        self.inputs.setdefault(
            (root, id(owner), name, path, "missing", key),
            Input(root, name, path, Missing(key), owner),
        )

    def typed(
        self, root: str, name: str, owner: Any, path: tuple[Any, ...], t: lt.Type
    ) -> None:
        """Record that this input must stay of the same type."""
        self.inputs.setdefault(
            (root, id(owner), name, path), Input(root, name, path, t, owner)
        )


def here(ctx: Context, frame: Frame) -> State:
    """Return the state of the path that is being interpreted."""
    return State(frame.env, ctx.builder.memory.now)


def resume(ctx: Context, frame: Frame, state: State) -> None:
    """Go on from a state."""
    frame.env = dict(state)
    ctx.builder.memory.now = dict(state.now)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of an interpretation to which it may have to go back."""

    frame: Frame
    statements: int
    state: State
    first: int

    def back(self, ctx: Context) -> None:
        """Begin again from here, as if nothing had been interpreted since."""
        del ctx.builder.block.stmts[self.statements :]
        ctx.builder.memory.forget(self.first)
        resume(ctx, self.frame, self.state)


def mark(ctx: Context, frame: Frame) -> Mark:
    """Note the point to which the interpretation has come."""
    count = len(ctx.builder.block.stmts)
    return Mark(frame, count, here(ctx, frame), Value(lt.NEVER).id)


def lookup(ctx: Context, frame: Frame, node: gast.Name) -> Operand:
    """Return what a name means here."""
    name = node.id
    where: Frame | None = frame
    of_module = name in scope.global_names(frame.tree)
    while where is not None and not of_module:
        if name in where.env:
            op = where.env[name]
            if is_const(op, Cell):
                op = ctx.builder.memory.now.get(op.value, UNDEF)
                if isinstance(op, Undef):
                    raise unbound(frame, node)
            check(ctx, frame, node, op)
            now = ctx.builder.memory.current(op)
            if now is not op:
                check(ctx, frame, node, now)
            return now
        if name in where.locals:
            raise unbound(frame, node)
        if name in where.cells:
            return from_cell(ctx, where, frame, node)
        if where.parent is None:
            break
        where = where.parent
    assert where is not None
    if name in where.globals:
        text = name if where.globals is ctx.root_globals else None
        value = where.globals[name]
        return outside(ctx, "global", name, where.globals, value, text)
    if hasattr(builtins, name):
        if not ctx.splicing:
            ctx.lacks("global", name, where.globals)  # none that hides it
        return Const(getattr(builtins, name), name)
    from chainrule.specialise import outside_state

    raise outside_state.unknown_name(ctx, where, name) or unbound(frame, node)


def check(ctx: Context, frame: Frame, node: Any, op: Operand) -> None:
    """Refuse the use of a name that has no usable value."""
    if isinstance(op, Const) and isinstance(op.value, Poison):
        op.value.begin_again()
        raise not_differentiable(
            op.value.code,
            frame.loc(node),
            f"`{node.id}` {op.value.reason}",
            label="used here",
            help=op.value.help,
        )


def unbound(frame: Frame, node: gast.Name) -> Exception:
    """Return the error for a name without a value; the primal fails here too."""
    error = not_differentiable(
        "CR107",
        frame.loc(node),
        f"`{node.id}` has no value here",
        label="not assigned yet",
    )
    error.primal_fails = True
    return error


def from_cell(ctx: Context, owner: Frame, frame: Frame, node: gast.Name) -> Operand:
    """Read a variable that a Python closure captured."""
    cell = owner.cells[node.id]
    try:
        value = cell.cell_contents
    except ValueError:
        raise unbound(frame, node) from None
    text = node.id if owner.live else None
    return outside(ctx, "cell", node.id, cell, value, text)


def outside(
    ctx: Context, root: str, name: str, owner: Any, value: Any, text: str | None
) -> Operand:
    """Turn an object from outside the function into an operand,
    and record the input.
    """
    if ctx.splicing:
        return Const(value)
    from chainrule.specialise import outside_state

    written = outside_state.read_name(ctx, root, name, owner, value, text)
    if written is not None:
        return written
    if is_data(value) and not is_infinite(value):
        t = type_of(value, (root, name))
        if isinstance(t, lt.Type) and text is not None and not isinstance(value, int):
            ctx.typed(root, name, owner, (), t)
            return ctx.builder.apply(prims.live, Const(value, text), type_=t)
    ctx.known(root, name, owner, (), value)
    return Const(value, text)


def is_infinite(value: Any) -> bool:
    """Say whether a number is `inf`: a choice that is made once, not data."""
    return isinstance(value, float) and math.isinf(value)


def is_data(value: Any) -> bool:
    """Say whether an object is numbers, or a container of them."""
    if isinstance(value, bool | str | bytes | type):
        return False
    if isinstance(value, int | float | complex | np.ndarray | np.generic):
        return True
    if isinstance(value, tuple | list) and value:
        return all(map(is_data, value))
    if isinstance(value, dict) and value:
        return all(map(is_data, value.values()))
    return False


def frame_of_function(fn: types.FunctionType, source: Any) -> Frame:
    """Return a frame for a Python function, before its arguments are bound."""
    cells = dict(zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True))
    return Frame(
        tree=source.tree,
        file=source.filename,
        name=fn.__qualname__.rpartition(".")[2],
        globals=fn.__globals__,
        cells=cells,
        function=fn,
        locals=local_names(source.tree),
    )


def frame_of_closure(closure: Closure) -> Frame:
    """Return a frame for a function defined inside the program."""
    outer = closure.frame
    return Frame(
        tree=closure.tree,
        file=outer.file,
        name=closure.name,
        globals=outer.globals,
        parent=outer,
        locals=local_names(closure.tree),
    )


def local_names(tree: Any) -> frozenset[str]:
    """Return the local names of a function; they are kept with its tree."""
    names: frozenset[str] | None = getattr(tree, "names", None)
    if names is None:
        names = tree.names = frozenset(scope.local_names(tree))
    return names
