"""The core IR: structured, typed, purely functional SSA.

In: nothing. Out: the dozen classes that every pass reads and writes.

A `Function` is a `Block`; a block is a list of statements and its results. There are no
jumps and no mutation: `break`, `continue` and early `return` are results of blocks
(`If` with the rest of the code in the other branch, `Loop` with a `stop` result), an
accumulation into a buffer is `index_add(buffer, i, v)` with a new value as result. The
backend turns both into the `break` and the `+=` that a person would write. What is pure
is easy to differentiate, and to differentiate again.

Values have identity, not names: a `Value` is defined once, by a statement, a block
parameter or a loop, and `hint` remembers what the user called it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainrule.types.lattice import NEVER, Type

_ids = itertools.count()


class Loc(NamedTuple):
    """A place in the user's text: line from 1, columns in characters from 0."""

    file: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    function: str = ""


@dataclass(eq=False, slots=True)
class Value:
    """The result of a statement, or a parameter of a block; compared by identity."""

    type: Type
    hint: str | None = None
    loc: Loc | None = None
    id: int = field(default_factory=_ids.__next__)

    def __repr__(self) -> str:
        return f"%{self.hint or ''}{self.id}"


@dataclass(frozen=True, eq=False, slots=True)
class Const:
    """An operand known at compile time: a number, None, a string, a slice, a function.

    `text` is how the user spelled it when the spelling must stay live or readable, as
    the dotted path of a global (`"np.pi"`).
    """

    value: Any
    text: str | None = None

    def __repr__(self) -> str:
        return self.text or repr(self.value)


@dataclass(frozen=True, slots=True)
class Undef:
    """The operand of a path on which a variable has no value (or the path ends)."""


UNDEF = Undef()
Operand = Value | Const | Undef


@dataclass(eq=False, slots=True)
class Apply:
    """`out = fn(*args, **kwargs)` of one primitive.

    `fn` is the canonical callable that rules and types are looked up by
    (`operator.mul`, `np.sum`, `math.sin`, a function of `ir.prims`); `form` says how
    the user spelled it: `"call"`, `"method"` (`x.sum(0)`), `"attribute"` (`x.T`);
    operators are always printed infix. An `effect` is kept and keeps its order.
    """

    out: Value
    fn: Callable[..., Any]
    args: tuple[Operand, ...]
    kwargs: tuple[tuple[str, Operand], ...] = ()
    form: str = "call"
    effect: bool = False
    loc: Loc | None = None
    text: str | None = None


@dataclass(eq=False, slots=True)
class Block:
    """Statements in order, then the results handed to whatever holds the block."""

    params: tuple[Value, ...] = ()
    stmts: list[Stmt] = field(default_factory=list)
    results: tuple[Operand, ...] = ()


@dataclass(eq=False, slots=True)
class If:
    """Run one of two blocks; both give one result for each of `outs`.

    `guard` marks an early exit: print `if c: ...; return` and go on unindented.
    """

    test: Operand
    then: Block
    orelse: Block
    outs: tuple[Value, ...] = ()
    loc: Loc | None = None
    guard: bool = False


@dataclass(eq=False, slots=True)
class Iter:
    """One iterable of a loop and the values that its element is unpacked into."""

    source: Operand
    elems: tuple[Value, ...]
    unpack: bool = False


@dataclass(eq=False, slots=True)
class Loop:
    """`for` (with `iters`, run in step like `zip`) or `while` (with a `header`).

    * `init`: what the carried values are before the first iteration;
    * `header`: block with the carried values as parameters, results `(test, *carried)`;
      run before every iteration; the body receives its carried results;
    * `body`: parameters are the carried values (elements are in `iters`), results are
      `(stop, *carried, *saved)`: `stop` true leaves the loop after this iteration;
    * `outs`: the carried values after the loop;
    * `tape`: a list with the tuple `saved` of every iteration that ran, or None;
      without `last_row`, of every iteration that did not stop;
    * `stopped`: whether the loop was left by `stop`, or None if nobody asks.
    """

    iters: tuple[Iter, ...]
    init: tuple[Operand, ...]
    body: Block
    outs: tuple[Value, ...]
    header: Block | None = None
    tape: Value | None = None
    stopped: Value | None = None
    loc: Loc | None = None
    last_row: bool = True


@dataclass(eq=False, slots=True)
class Call:
    """Call of another IR function, the one way to express recursion."""

    out: Value
    callee: Function
    args: tuple[Operand, ...]
    loc: Loc | None = None


@dataclass(eq=False, slots=True)
class Handler:
    """`except classes as name:`; `classes` is None for a bare `except`."""

    classes: Operand | None
    name: Value | None
    block: Block


@dataclass(eq=False, slots=True)
class Try:
    """`try` with handlers; all blocks give one result for each of `outs`.

    `final` has no results: it is for effects only.
    """

    body: Block
    handlers: tuple[Handler, ...]
    outs: tuple[Value, ...]
    final: Block | None = None
    loc: Loc | None = None


@dataclass(eq=False, slots=True)
class With:
    """`with context as name:`; not entered again in the reverse sweep."""

    context: Operand
    name: Value | None
    body: Block
    outs: tuple[Value, ...]
    loc: Loc | None = None


Stmt = Apply | If | Loop | Call | Try | With


@dataclass(eq=False, slots=True)
class Function:
    """A function: parameters, one block with one result, and where it came from.

    `params` are in the order of `signature`; `signature` holds the parameter list as
    the user wrote it (an `inspect.Signature`), or None for functions we make.
    `namespace` is the user's live globals, `cells` the closure cells that the text
    reads by name; `captured` are values of the caller that the last parameters stand
    for.
    """

    name: str
    params: tuple[Value, ...]
    body: Block
    loc: Loc | None = None
    signature: Any = None
    doc: str | None = None
    namespace: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Any] = field(default_factory=dict)
    result: Type = NEVER
    captured: tuple[Value, ...] = ()


# Most statements are `Apply`: that case comes first below.


def operands(stmt: Stmt) -> tuple[Operand, ...]:
    """Return the operands that a statement reads itself, not those of its blocks."""
    match stmt:
        case Apply(args=args, kwargs=kwargs):
            return (*args, *(v for _, v in kwargs)) if kwargs else args
        case If(test=test):
            return (test,)
        case Loop(iters=iters, init=init):
            return (*(it.source for it in iters), *init)
        case Call(args=args):
            return args
        case With(context=context):
            return (context,)
        case Try(handlers=handlers):
            return tuple(h.classes for h in handlers if h.classes is not None)


def blocks(stmt: Stmt) -> tuple[Block, ...]:
    """Return the blocks inside a statement, in the order in which they run."""
    match stmt:
        case Apply():
            return ()
        case If(then=then, orelse=orelse):
            return then, orelse
        case Loop(header=header, body=body):
            return (body,) if header is None else (header, body)
        case Try(body=body, handlers=handlers, final=final):
            tail = () if final is None else (final,)
            return (body, *(h.block for h in handlers), *tail)
        case With(body=body):
            return (body,)
    return ()


def outputs(stmt: Stmt) -> tuple[Value, ...]:
    """Return the values that a statement defines for the statements after it."""
    match stmt:
        case Apply(out=out) | Call(out=out):
            return (out,)
        case If(outs=outs) | Try(outs=outs) | With(outs=outs):
            return outs
        case Loop(outs=outs, tape=tape, stopped=stopped):
            return (*outs, *(v for v in (tape, stopped) if v is not None))


def inner_values(stmt: Stmt) -> tuple[Value, ...]:
    """Return the values that a statement defines for its own blocks."""
    match stmt:
        case Apply():
            return ()
        case Loop(iters=iters):
            return tuple(v for it in iters for v in it.elems)
        case Try(handlers=handlers):
            return tuple(h.name for h in handlers if h.name is not None)
        case With(name=name) if name is not None:
            return (name,)
    return ()
