"""What the interpreter knows at compile time beyond plain constants.

In: nothing. Out: the classes that a `Const` may hold: functions of the program with
what they captured, bound methods, iterables taken apart, and the two states of a name
without a usable value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeGuard

from chainrule.ir.nodes import Const, Loc, Operand, Value
from chainrule.types import lattice as lt

if TYPE_CHECKING:
    import gast

    from chainrule.specialise.frames import Frame


@dataclass(eq=False, slots=True)
class Cell:
    """A variable that lives in the memory: functions inside the one that owns it assign
    it (`nonlocal`), or a generator runs meanwhile. `id` says when it came about.
    """

    name: str
    id: int = field(default_factory=lambda: Value(lt.NEVER).id)


def unstarted() -> Cell:
    """Return what is in the memory from when an iterator has been run over."""
    return Cell("started")


@dataclass(eq=False, slots=True)
class Closure:
    """A function or lambda of the program; `frame` is where it was defined."""

    tree: gast.AST
    frame: Frame
    defaults: tuple[Operand, ...] = ()
    kw_defaults: tuple[Operand | None, ...] = ()
    name: str = "<lambda>"

    def __repr__(self) -> str:
        return self.name  # not all that its frame knows


@dataclass(eq=False, slots=True)
class Method:
    """A callable with its first arguments filled in: bound methods and partials."""

    function: Operand
    args: tuple[Operand, ...] = ()
    kwargs: tuple[tuple[str, Operand], ...] = ()


@dataclass(eq=False, slots=True)
class ArrayMethod:
    """`x.sum` of an array or number, before it is called."""

    base: Operand
    name: str


@dataclass(eq=False, slots=True)
class Items:
    """An iterable whose elements are known one by one (zipped tuples, dict views).

    Only a view can be run over more than once. `again` reads the elements anew, when
    what they are read from may have changed.
    """

    items: tuple[Operand, ...]
    view: bool = False
    started: Cell = field(default_factory=unstarted)
    born: Any = None
    again: Callable[[], tuple[Operand, ...]] | None = None

    def now(self) -> tuple[Operand, ...]:
        """Return the elements as they are at this point."""
        return self.items if self.again is None else self.again()


@dataclass(eq=False, slots=True)
class Streams:
    """Iterables that run in step, and how an element is put together from theirs."""

    sources: tuple[Operand, ...]
    compose: Callable[[list[Operand]], Operand]
    started: Cell = field(default_factory=unstarted)
    born: Any = None


@dataclass(eq=False, slots=True)
class Generator:
    """A generator expression, run when it is consumed."""

    tree: gast.AST
    frame: Frame
    env: dict[str, Operand] = field(default_factory=dict)
    started: Cell = field(default_factory=unstarted)


@dataclass(eq=False, slots=True)
class Generated:
    """What a call of a generator function returns; it runs where it is consumed."""

    frame: Frame
    key: Any
    started: Cell
    steady: dict[Value, Operand] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Managed:
    """A context manager that a generator function makes; see `managers`."""

    generator: Generated


@dataclass(eq=False, slots=True)
class Poison:
    """A name whose value cannot be used here; `reason` is said when it is."""

    reason: str
    code: str = "CR501"
    help: str = ""
    site: Loc | None = None  # where a dict was made that has other keys elsewhere

    def begin_again(self) -> None:
        """Begin again with another dict, if that is what cannot be used."""
        if self.site is not None:
            raise Unforeseen(self.site)


class Unforeseen(Exception):
    """A dict that was made here gets keys that nobody knows: begin again (`keyed`)."""

    def __init__(self, site: Loc) -> None:
        super().__init__(site)
        self.site = site


@dataclass(eq=False, slots=True)
class Back:
    """A part that leads back to the container which holds it; see `cycles`."""

    home: Value


@dataclass(eq=False, slots=True)
class Getter:
    """An `operator.itemgetter`, `attrgetter` or `methodcaller`;
    `read` reads one key.
    """

    read: Callable[..., Operand]
    keys: tuple[Operand, ...]
    kwargs: tuple[tuple[str, Operand], ...] = ()


@dataclass(eq=False, slots=True)
class Choice:
    """One of two functions, as a test known at run time decides."""

    test: Operand
    then: Operand
    orelse: Operand


@dataclass(eq=False, slots=True)
class Maybe:
    """A container that is None where a test known at run time says so.

    Its parts have no values there, like variables that the path did not assign.
    """

    absent: Operand
    there: Operand


@dataclass(eq=False, slots=True)
class Super:
    """`super()` in a method of `cls` that was called on `base`."""

    cls: type
    base: Operand


def is_const(
    op: Operand | None, kind: type | tuple[type, ...] = object
) -> TypeGuard[Const]:
    """Say whether an operand is a constant holding an instance of `kind`."""
    return isinstance(op, Const) and isinstance(op.value, kind)


def known(op: Operand) -> Any:
    """Return the value of a constant operand."""
    assert isinstance(op, Const)
    return op.value
