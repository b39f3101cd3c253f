"""What a random program is made with: names in scope, lines written so far, choices.

In: a seed and the families of statements to use. Out: `Maker`, which the modules of
statements (`plain`, `control`, `stores`, `views`, `lists`, `dicts`, `objects`,
`functions`) draw from and write to. A name in scope is whatever may stand left of `=`:
`y`, but also `cell.w` and `state["k"]`, so that attributes and items take part
everywhere.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Shape = tuple[int, ...]

# What a program may contain. `plain` is in all; the second group changes nothing in
# place; the third does.
READING = ("branches", "loops", "helpers", "reading")
WRITING = (
    "stores",
    "outputs",
    "views",
    "aliases",
    "arguments",
    "lists",
    "dicts",
    "objects",
    "writers",
    "closures",
    "generators",
    "recurrences",
    "recursion",
    "dtypes",
    "overlap",
)
FAMILIES = READING + WRITING

NAMES = {
    "scalar": "s t p q r e g h".split(),
    "array": "x y z w f buf out tmp row col".split(),
    "list": "items trace rows hist stack".split(),
    "dict": "state params cache table".split(),
    "object": "cell model body sim".split(),
    "function": "step apply update mix push blend relax".split(),
    "class": "Cell Model Body State Filter".split(),
    "integer": "i j k m".split(),
}


@dataclass
class Var:
    """A name and what it holds.

    * `kind`: scalar, array, list, dict, object, integer;
    * `shape`: of an array, or of every element of a list (`()` for numbers);
    * `size`: for a list, how many elements it has at least; for an integer, one more
      than the largest it can be;
    * `block`: the block that made it, which alone may take elements away;
    * `pinned`: another name may hold the same container.
    """

    name: str
    kind: str
    shape: Shape = ()
    writable: bool = True
    size: int = 0
    block: int = 0
    pinned: bool = False
    plain: bool = True  # a local name, not an attribute or an item
    calls: tuple[Callable_, ...] = ()


@dataclass(frozen=True)
class Callable_:
    """A function or method that a program may call: `{}` for each argument."""

    pattern: str
    params: tuple[tuple[str, Shape], ...]
    result: Shape | None  # None: returns nothing worth using
    view: bool = False  # the result may share memory with an argument
    family: str = "helpers"
    writes: bool = False


@dataclass
class Maker:
    """The state of one program in the making."""

    seed: int
    families: frozenset[str]
    rng: random.Random = field(init=False)
    scope: dict[str, Var] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    prelude: list[str] = field(default_factory=list)
    functions: list[Callable_] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    indent: int = 1
    loops: int = 0
    depth: int = 0
    block: int = 0
    budget: int = 0
    inside: str = "main"  # main, helper, method

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    # choices

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return self.rng.choice(options)

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self.rng.random() < probability

    def weighted(self, options: Sequence[tuple[float, T]]) -> T:
        """Return one of the options, `(weight, option)` each."""
        weights = [weight for weight, _ in options]
        return self.rng.choices([option for _, option in options], weights)[0]

    def constant(self, low: float = -1.5, high: float = 1.5) -> str:
        """Return a number that no computed value is likely to tie with."""
        return f"{self.rng.uniform(low, high):.2f}"

    def threshold(self) -> str:
        """Return a number to compare with: no value of a program ties with it."""
        return f"{self.rng.uniform(-1.0, 1.0):.2f}37"

    # names

    def fresh(self, kind: str) -> str:
        """Return a name that is not used yet."""
        base = self.pick(NAMES[kind])
        name, number = base, 1
        while name in self.taken:
            number += 1
            name = f"{base}{number}"
        self.taken.add(name)
        return name

    def bind(self, var: Var) -> Var:
        """Put a name in scope."""
        var.block = self.block
        self.scope[var.name] = var
        return var

    def find(
        self,
        kind: str,
        shape: Shape | None = None,
        *,
        writable: bool | None = None,
        dims: int | None = None,
    ) -> list[Var]:
        """Return the names that hold something of this kind."""
        return [
            v
            for v in self.scope.values()
            if v.kind == kind
            and (shape is None or v.shape == shape)
            and (writable is None or v.writable == writable)
            and (dims is None or len(v.shape) == dims)
        ]

    def own(self, var: Var) -> bool:
        """Say whether elements may be taken from a container here."""
        return var.block == self.block and not var.pinned

    def forget(self, prefix: str) -> None:
        """Drop the items and attributes of a container whose name starts so."""
        for name in [name for name in self.scope if name.startswith(prefix)]:
            del self.scope[name]

    # lines

    def emit(self, line: str) -> None:
        """Write a statement at the present depth."""
        self.lines.append("    " * self.indent + line)

    def tag(self, family: str) -> None:
        """Note that the program has a statement of a family."""
        self.tags.add(family)

    def uses(self, *families: str) -> bool:
        """Say whether all these families take part in this program."""
        return all(family in self.families for family in families)

    @contextlib.contextmanager
    def nested(self, *, loop: bool = False) -> Iterator[None]:
        """Write the body of a branch or a loop: its new names end with it."""
        before = {name: dataclasses.replace(var) for name, var in self.scope.items()}
        block = self.block
        self.block = self.rng.getrandbits(40) + 1
        self.indent += 1
        self.depth += 1
        self.loops += loop
        yield
        self.loops -= loop
        self.depth -= 1
        self.indent -= 1
        self.block = block
        for name, var in before.items():
            after = self.scope.get(name)
            if after is not None:
                var.size = min(var.size, after.size)
                var.writable = var.writable and after.writable
                var.pinned = var.pinned or after.pinned
        self.scope = before
