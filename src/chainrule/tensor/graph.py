"""The graph that operations leave behind, and the reverse sweep over it.

In: for every recorded operation its pullback and residual, as the compiler made them,
and where its operands came from. Out: the gradients of the leaves.

A tensor's `source` says what its cotangent is for: a `Leaf`, a `Node`, or a `Part` of a
node with several results; None where no gradient is wanted.
"""

from __future__ import annotations

import inspect
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.arguments import map_leaves
from chainrule.source import GeneratedSource
from chainrule.tensor.saved import Memory, reads_memory

if TYPE_CHECKING:
    from chainrule.tensor.tensors import Tensor

_numbers = itertools.count(1)
FREED = (
    "backward through a graph for the second time: what {node} had saved was freed by"
    " the first backward(); call that with retain_graph=True"
)
WRITTEN = (
    "a value that {node} saved for its gradient was written in place since (it is at"
    " version {now}, version {then} is needed); write to a clone, x = x.clone(), or"
    " use an operation that is not in place"
)


class Leaf:
    """Where gradients arrive: the `grad` of a tensor that the user made."""

    __slots__ = ("tensor",)
    index, number, count = 0, 0, 1
    edges: Sequence[Any] = ()

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = weakref.ref(tensor)

    @property
    def node(self) -> Leaf:
        return self

    def pull(self, bars: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Add to the tensor's `grad`, if the tensor still exists."""
        tensor = self.tensor()
        if tensor is not None:
            tensor._accumulate(bars[0])
        return iter(())

    def free(self) -> None:
        """A leaf saves nothing."""


class Node:
    """One recorded operation.

    `edges` has for each active argument the source of that tensor, or a container of
    sources; `like` is the class of the result, or a container of results with an
    `Output` for each number or array.
    """

    __slots__ = (
        "backward",
        "count",
        "edges",
        "like",
        "memories",
        "name",
        "number",
        "residual",
        "retained",
        "versions",
    )
    index = 0
    backward: Callable[..., Sequence[Any]] | None
    count: int
    like: Any

    def __init__(
        self,
        name: str,
        edges: Sequence[Any],
        backward: Callable[..., Sequence[Any]],
        residual: Any,
        memories: list[Memory],
    ) -> None:
        self.name = name
        self.number = next(_numbers)
        self.edges = edges
        self.backward = backward
        self.residual = residual
        self.memories = memories if residual else []
        self.versions = [m.version for m in self.memories]
        self.retained: dict[int, weakref.ref[Tensor]] | None = None

    @property
    def node(self) -> Node:
        return self

    @property
    def next_functions(self) -> tuple[Any, ...]:
        """The operations that made the operands, as pairs of node and result."""
        flat = [s for edge in self.edges for s in sources(edge)]
        return tuple((s.node, s.index) for s in flat)

    @property
    def source(self) -> GeneratedSource:
        """The code of the pullback, as the compiler wrote it."""
        if self.backward is None:
            raise RuntimeError(FREED.format(node=self))
        return GeneratedSource(inspect.getsource(self.backward))

    def pull(self, bars: list[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield the source and the cotangent of each operand."""
        for k, reference in (self.retained or {}).items():
            tensor = reference()
            if tensor is not None and bars[k] is not None:
                tensor._accumulate(bars[k])
        if self.backward is None:
            raise RuntimeError(FREED.format(node=self))
        self._check_versions()
        bar: Any
        if self.like is np.ndarray:
            bar = bars[0]
        elif isinstance(self.like, type):
            bar = self.like(bars[0])
        else:
            bar = map_leaves(lambda x: filled(x, bars), self.like)
        found = self.backward(self.residual, bar)
        for edge, operand_bar in zip(self.edges, found, strict=True):
            if isinstance(edge, Node | Leaf):
                yield edge, operand_bar
            else:
                yield from matched(edge, operand_bar)

    def free(self) -> None:
        """Let go of what is saved; a node that saved nothing can be used again."""
        if self.residual:
            self.residual = self.backward = None
            self.memories = []

    def watch(self, memory: Memory) -> None:
        """Watch the memory of a result: it may be saved as well."""
        self.memories.append(memory)
        self.versions.append(memory.version)

    def _check_versions(self) -> None:
        """Raise if what the pullback reads was written since."""
        for memory, then in zip(self.memories, self.versions, strict=False):
            if memory.version != then and reads_memory(
                self.backward, self.residual, memory
            ):
                raise RuntimeError(
                    WRITTEN.format(node=self, now=memory.version, then=then)
                )

    def __repr__(self) -> str:
        return f"<{self.name}Backward>"


class Part:
    """One of several results of a node."""

    __slots__ = ("index", "node")

    def __init__(self, node: Node, index: int) -> None:
        self.node = node
        self.index = index


Source = Leaf | Node | Part


class Output:
    """A result of a node: what its cotangent has to look like."""

    __slots__ = ("cls", "dtype", "index", "shape")

    def __init__(self, value: Any, index: int) -> None:
        self.index = index
        self.cls = type(value)
        array = value if hasattr(value, "dtype") else np.asarray(value)
        self.shape, self.dtype = array.shape, array.dtype

    def bar(self, bars: list[Any]) -> Any:
        """Return the cotangent; zeros if nobody used the result."""
        bar = bars[self.index]
        if bar is None:
            bar = np.zeros(self.shape, self.dtype)
        return bar if self.cls is np.ndarray else self.cls(bar)


def filled(x: Any, bars: list[Any]) -> Any:
    """Return the cotangent of an output; what is no output stays."""
    return x.bar(bars) if isinstance(x, Output) else x


def sources(edge: Any) -> Iterator[Source]:
    """Yield the sources in the edge of one argument."""
    if isinstance(edge, Leaf | Node | Part):
        yield edge
    elif isinstance(edge, Attributes):
        yield from sources(list(edge.parts.values()))
    elif isinstance(edge, dict | list):
        for part in edge.values() if isinstance(edge, dict) else edge:
            yield from sources(part)


def matched(edge: Any, bar: Any) -> Iterator[tuple[Source, Any]]:
    """Yield the sources in an edge with what is at the same place of a cotangent."""
    if isinstance(edge, Leaf | Node | Part):
        yield edge, bar
    elif isinstance(edge, dict):
        for key, part in edge.items():
            if part is not None:
                yield from matched(part, bar[key])
    elif isinstance(edge, list):
        for k, part in enumerate(edge):
            if part is not None:
                yield from matched(part, bar[k])
    elif isinstance(edge, Attributes):
        for name, part in edge.parts.items():
            if part is not None:
                yield from matched(part, getattr(bar, name))


class Attributes:
    """The edge of an object: sources by the name of the attribute."""

    __slots__ = ("parts",)

    def __init__(self, parts: dict[str, Any]) -> None:
        self.parts = parts


def sweep(start: Source, bar: Any, retain: bool) -> None:
    """Send a cotangent back to the leaves, each node once, the latest first."""
    nodes = reachable(start.node)
    bars: dict[Leaf | Node, list[Any]] = {node: [None] * node.count for node in nodes}
    bars[start.node][start.index] = bar
    for node in nodes:
        for source, part in node.pull(bars.pop(node)):
            at = bars[source.node]
            before = at[source.index]
            at[source.index] = part if before is None else before + part
        if not retain:
            node.free()


def reachable(start: Leaf | Node) -> list[Leaf | Node]:
    """Return all nodes behind one, the latest first and the leaves last."""
    found = {start}
    stack = [start]
    while stack:
        for edge in stack.pop().edges:
            for source in (edge,) if isinstance(edge, Leaf | Node) else sources(edge):
                if source.node not in found:
                    found.add(source.node)
                    stack.append(source.node)
    return sorted(found, key=attrgetter("number"), reverse=True)
