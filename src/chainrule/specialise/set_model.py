"""A `set`, as Python would write it: `sets` interprets this class in its place.

In: what the methods and operators of a set are given. Out: what those return.
"""

from __future__ import annotations

from typing import Any


class Set:
    """A `set` of constants, which is another frozen set after each change."""

    def __init__(self, iterable: Any = ()) -> None:
        self.held = frozenset(iterable)

    def add(self, x: Any) -> None:
        """Put an element in."""
        self.held = self.held | frozenset((x,))

    def discard(self, x: Any) -> None:
        """Take an element out, if it is there."""
        self.held = self.held - frozenset((x,))

    def remove(self, x: Any) -> None:
        """Take an element out."""
        if x not in self.held:
            raise KeyError(x)
        self.held = self.held - frozenset((x,))

    def pop(self) -> Any:
        """Take the first element out."""
        if not self.held:
            raise KeyError("pop from an empty set")
        x = list(self.held)[0]
        self.held = self.held - frozenset((x,))
        return x

    def clear(self) -> None:
        """Take all out."""
        self.held = frozenset(())

    def copy(self) -> Any:
        """Return another with the same elements."""
        return set(self.held)

    def __copy__(self) -> Any:
        return set(self.held)

    def update(self, *others: Any) -> None:
        """Put more in."""
        for other in others:
            self.held = self.held | frozenset(other)

    def intersection_update(self, *others: Any) -> None:
        """Keep what the others hold too."""
        for other in others:
            self.held = self.held & frozenset(other)

    def difference_update(self, *others: Any) -> None:
        """Take out what the others hold."""
        for other in others:
            self.held = self.held - frozenset(other)

    def symmetric_difference_update(self, other: Any) -> None:
        """Keep what one of the two holds."""
        self.held = self.held ^ frozenset(other)

    def union(self, *others: Any) -> Any:
        """Return what one of them holds."""
        out = set(self.held)
        out.update(*others)
        return out

    def intersection(self, *others: Any) -> Any:
        """Return what all of them hold."""
        out = set(self.held)
        out.intersection_update(*others)
        return out

    def difference(self, *others: Any) -> Any:
        """Return what the others do not hold."""
        out = set(self.held)
        out.difference_update(*others)
        return out

    def symmetric_difference(self, other: Any) -> Any:
        """Return what one of the two holds."""
        return set(self.held ^ frozenset(other))

    def issubset(self, other: Any) -> bool:
        """Say whether the other holds all of it."""
        return self.held <= frozenset(other)

    def issuperset(self, other: Any) -> bool:
        """Say whether it holds all of the other."""
        return self.held >= frozenset(other)

    def isdisjoint(self, other: Any) -> bool:
        """Say whether the two share nothing."""
        return not self.held & frozenset(other)

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Any:
        return list(self.held)

    def __contains__(self, x: Any) -> bool:
        return x in self.held

    def __or__(self, other: Any) -> Any:
        return set(self.held | frozenset(other))

    def __and__(self, other: Any) -> Any:
        return set(self.held & frozenset(other))

    def __sub__(self, other: Any) -> Any:
        return set(self.held - frozenset(other))

    def __xor__(self, other: Any) -> Any:
        return set(self.held ^ frozenset(other))

    def __ror__(self, other: Any) -> Any:
        return frozenset(other) | self.held

    def __rand__(self, other: Any) -> Any:
        return frozenset(other) & self.held

    def __rsub__(self, other: Any) -> Any:
        return frozenset(other) - self.held

    def __rxor__(self, other: Any) -> Any:
        return frozenset(other) ^ self.held

    def __ior__(self, other: Any) -> Any:
        self.held = self.held | frozenset(other)
        return self

    def __iand__(self, other: Any) -> Any:
        self.held = self.held & frozenset(other)
        return self

    def __isub__(self, other: Any) -> Any:
        self.held = self.held - frozenset(other)
        return self

    def __ixor__(self, other: Any) -> Any:
        self.held = self.held ^ frozenset(other)
        return self

    def __le__(self, other: Any) -> bool:
        return self.held <= frozenset(other)

    def __lt__(self, other: Any) -> bool:
        return self.held < frozenset(other)

    def __ge__(self, other: Any) -> bool:
        return self.held >= frozenset(other)

    def __gt__(self, other: Any) -> bool:
        return self.held > frozenset(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, set | frozenset) and self.held == frozenset(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


def unordered() -> Any:
    """Refuse to run over a set: `model_calls` interprets this."""
    raise NotImplementedError


def added(items: Any) -> Any:
    """Return the elements in the order of a set to which they were added."""
    return list(set(items))


class Listed:
    """A `set` of what only the run knows: a list without repetition.

    In which order it is run over is known where elements were only added, and where
    it did not grow since it was made of small numbers.
    """

    def __init__(self, items: Any, order: str) -> None:
        self.items: list[Any] = []
        for x in items:
            self.include(x)
        self.order = order if items else "added"

    def include(self, x: Any) -> None:
        """Put an element in, if it is not there."""
        if x not in self.items:
            self.items.append(x)

    def add(self, x: Any) -> None:
        """Put an element in."""
        self.include(x)
        if self.order != "added":
            self.order = "unknown"

    def update(self, *others: Any) -> None:
        """Put more in."""
        for other in others:
            for x in other:
                self.include(x)
            if self.order != "added" or isinstance(other, set | frozenset):
                self.order = "unknown"

    def discard(self, x: Any) -> None:
        """Take an element out, if it is there."""
        self.items = [y for y in self.items if y != x]
        if self.order == "added":
            self.order = "unknown"

    def remove(self, x: Any) -> None:
        """Take an element out."""
        if x not in self.items:
            raise KeyError(x)
        self.items = [y for y in self.items if y != x]
        if self.order == "added":
            self.order = "unknown"

    def clear(self) -> None:
        """Take all out."""
        self.items = []
        self.order = "added"

    def pop(self) -> Any:
        """Take any element out."""
        return unordered()

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, x: Any) -> bool:
        return x in self.items

    def __iter__(self) -> Any:
        if self.order == "unknown":
            unordered()
        if self.order == "added":
            return added(self.items)
        return self.items
