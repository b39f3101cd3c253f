"""Iterators that are stepped through by `next`, as Python would write them.

In: what `iter`, `zip`, `enumerate` ... are given. Out: objects that remember how far
they have come. `stepping` makes these in place of Python's own. `more` says whether
there is another element, and `take` returns it; they are called in turns.
"""

from __future__ import annotations

from typing import Any


class Iterator:
    """What all iterators here can do."""

    def more(self) -> Any:
        """Go on to the next element, and say whether there is one."""
        raise NotImplementedError

    def take(self) -> Any:
        """Return the element."""
        raise NotImplementedError

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        if not self.more():
            raise StopIteration
        return self.take()


class Elements(Iterator):
    """`iter(items)`: the elements of a sequence, as they are when they are taken."""

    def __init__(self, items: Any) -> None:
        self.items = items
        self.place = 0

    def more(self) -> Any:
        """Compare with the length that the sequence has now."""
        return self.place < len(self.items)

    def take(self) -> Any:
        """Read the element."""
        item = self.items[self.place]
        self.place = self.place + 1
        return item


class Backwards(Iterator):
    """`reversed(items)`."""

    def __init__(self, items: Any) -> None:
        self.items = items
        self.place = len(items)

    def more(self) -> Any:
        """Say whether the first has not been reached."""
        return self.place > 0

    def take(self) -> Any:
        """Read the element."""
        self.place = self.place - 1
        return self.items[self.place]


class Count(Iterator):
    """`itertools.count`."""

    def __init__(self, start: Any = 0, step: Any = 1) -> None:
        self.value, self.step = start, step

    def more(self) -> Any:
        """Go on without end."""
        return True

    def take(self) -> Any:
        """Return the number."""
        value = self.value
        self.value = value + self.step
        return value


class Repeat(Iterator):
    """`itertools.repeat`; `times` is negative where it is without end."""

    def __init__(self, value: Any, times: int = -1) -> None:
        self.value, self.times = value, times

    def more(self) -> Any:
        """Count down."""
        return self.times != 0

    def take(self) -> Any:
        """Return the same again."""
        self.times = self.times - 1
        return self.value


class Cycle(Iterator):
    """`itertools.cycle` of elements that are all there."""

    def __init__(self, items: Any) -> None:
        self.items = items
        self.place = 0

    def more(self) -> Any:
        """Go on without end, if there is anything."""
        return len(self.items) > 0

    def take(self) -> Any:
        """Return the element, and begin again after the last."""
        item = self.items[self.place]
        self.place = (self.place + 1) % len(self.items)
        return item


class Enumerate(Iterator):
    """`enumerate`."""

    def __init__(self, items: Any, start: int = 0) -> None:
        self.items, self.start = items, start

    def more(self) -> Any:
        """Go on as the elements do."""
        return self.items.more()

    def take(self) -> Any:
        """Number the element."""
        number = self.start
        self.start = number + 1
        return number, self.items.take()


class Apart(Iterator):
    """`zip` of different iterators: where one ends, those before it lose one."""

    def __init__(self, *sources: Any) -> None:
        self.sources = sources

    def more(self) -> Any:
        """Ask each in turn."""
        asked = 0
        for source in self.sources:
            if not source.more():
                for k in range(asked):
                    self.sources[k].take()
                return False
            asked += 1
        return True

    def take(self) -> Any:
        """Put the elements together."""
        return tuple([source.take() for source in self.sources])


class Zip(Iterator):
    """`zip` of iterators of which some may be the same."""

    def __init__(self, *sources: Any) -> None:
        self.sources = sources
        self.held: list[Any] = []

    def more(self) -> Any:
        """Take from each iterator before the next is asked, as Python does."""
        held = []
        for source in self.sources:
            if not source.more():
                return False
            held.append(source.take())
        self.held = held
        return True

    def take(self) -> Any:
        """Put the elements together."""
        return tuple([self.held[k] for k in range(len(self.sources))])


class Map(Iterator):
    """`map` of a function of one argument."""

    def __init__(self, function: Any, items: Any) -> None:
        self.function, self.items = function, items

    def more(self) -> Any:
        """Go on as the elements do."""
        return self.items.more()

    def take(self) -> Any:
        """Call the function."""
        return self.function(self.items.take())


class Filter(Iterator):
    """The elements that pass a test."""

    def __init__(self, test: Any, items: Any) -> None:
        self.test, self.items = test, items
        self.held: list[Any] = []

    def more(self) -> Any:
        """Look for the next that passes."""
        while True:
            if not self.items.more():
                return False
            item = self.items.take()
            if self.test(item):
                break
        self.held = [item]
        return True

    def take(self) -> Any:
        """Return what was found."""
        return self.held[0]


class Islice(Iterator):
    """`itertools.islice` of the first elements."""

    def __init__(self, items: Any, stop: int) -> None:
        self.items, self.left = items, stop

    def more(self) -> Any:
        """Leave alone what is not asked for."""
        if self.left == 0:
            return False
        return self.items.more()

    def take(self) -> Any:
        """Count down."""
        self.left = self.left - 1
        return self.items.take()


class Stepped(Iterator):
    """A generator that yields at one place, without end, run up to the next `yield`."""

    def __init__(self, step: Any) -> None:
        self.step = step

    def more(self) -> Any:
        """Go on without end."""
        return True

    def take(self) -> Any:
        """Run to the next `yield`."""
        return self.step()


def step_or(iterator: Any, default: Any) -> Any:
    """Return the next element, or something else."""
    return iterator.take() if iterator.more() else default
