"""Dicts of which the run decides the keys, as Python would write them.

In: what the methods and operators of a dict are given. Out: what those return. `keyed`
interprets these classes where numbers decide which keys there are: the keys are a list,
and what they are for is another one beside it.
"""

from __future__ import annotations

from typing import Any


class Keyed:
    """A `dict`: keys and values side by side, in the order in which they came."""

    def __init__(self, source: Any = ()) -> None:
        self.names: list[Any] = []
        self.held: list[Any] = []
        self.update(source)

    def place(self, key: Any) -> int:
        """Find the place of a key that is there."""
        if key not in self.names:
            raise KeyError(key)
        return self.names.index(key)

    def __getitem__(self, key: Any) -> Any:
        return self.held[self.place(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        if key in self.names:
            self.held[self.names.index(key)] = value
        else:
            self.names.append(key)
            self.held.append(value)

    def __delitem__(self, key: Any) -> None:
        i = Keyed.place(self, key)
        self.names.pop(i)
        self.held.pop(i)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or something else."""
        if key in self.names:
            return self.held[self.names.index(key)]
        return default

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, which gets one if it has none."""
        if key not in self.names:
            self.names.append(key)
            self.held.append(default)
        return self.held[self.names.index(key)]

    def pop(self, key: Any, *default: Any) -> Any:
        """Take a key out."""
        if default and key not in self.names:
            return default[0]
        i = Keyed.place(self, key)
        self.names.pop(i)
        return self.held.pop(i)

    def popitem(self, last: bool = True) -> Any:
        """Take out the last pair, or the first."""
        if not self.names:
            raise KeyError("popitem(): dictionary is empty")
        i = len(self.names) - 1 if last else 0
        return self.names.pop(i), self.held.pop(i)

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Put a key behind all others, or before them."""
        i = Keyed.place(self, key)
        j = len(self.names) - 1 if last else 0
        self.names.insert(j, self.names.pop(i))
        self.held.insert(j, self.held.pop(i))

    def update(self, source: Any = (), **more: Any) -> None:
        """Take in the pairs of another, or of an iterable."""
        pairs = source.items() if isinstance(source, dict) else list(source)
        for key, value in pairs:
            self[key] = value
        for name, value in more.items():
            self[name] = value

    def take_keys(self, names: Any, value: Any) -> None:
        """Let all these keys have one value, as `fromkeys` does."""
        for name in names:
            self[name] = value

    def clear(self) -> None:
        """Take all out."""
        self.names.clear()
        self.held.clear()

    def copy(self) -> Any:
        """Return another with the same pairs."""
        return alike(self, self)

    def __copy__(self) -> Any:
        return self.copy()

    def keys(self) -> Any:
        """Return the keys, as they are when they are looked at."""
        return Keys(self)

    def values(self) -> Any:
        """Return the values, as they are when they are looked at."""
        return Values(self)

    def items(self) -> Any:
        """Return the pairs, as they are when they are looked at."""
        return Items(self)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Any:
        return self.names

    def __reversed__(self) -> Any:
        return self.names[::-1]

    def __contains__(self, key: Any) -> bool:
        return key in self.names

    def __or__(self, other: Any) -> Any:
        out = self.copy()
        out.update(other)
        return out

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, dict) or len(self) != len(other):
            return False
        return all(key in other and other[key] == value for key, value in self.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


class Ordered(Keyed):
    """A `collections.OrderedDict`."""


class Defaulting(Keyed):
    """A `collections.defaultdict`."""

    def __init__(self, source: Any = (), factory: Any = None) -> None:
        super().__init__(source)
        self.default_factory = factory

    def place(self, key: Any) -> int:
        """Find the place of a key, which is made if it is not there."""
        if key not in self.names:
            if self.default_factory is None:
                raise KeyError(key)
            self.names.append(key)
            self.held.append(self.default_factory())
        return self.names.index(key)

    def copy(self) -> Any:
        """Return another with the same pairs."""
        return alike(self, self, self.default_factory)


class Counting(Keyed):
    """A `collections.Counter`."""

    def place(self, key: Any) -> int:
        """Find the place of a key that is going to be written."""
        if key not in self.names:
            self.names.append(key)
            self.held.append(0)
        return self.names.index(key)

    def __getitem__(self, key: Any) -> Any:
        return self.get(key, 0)

    def __delitem__(self, key: Any) -> None:
        if key in self.names:
            super().__delitem__(key)

    def update(self, source: Any = (), **more: Any) -> None:
        """Add to the counts."""
        if isinstance(source, dict):
            for key, count in source.items():
                self[key] += count
        else:
            for key in list(source):
                self[key] += 1
        for name, count in more.items():
            self[name] += count

    def subtract(self, source: Any = (), **more: Any) -> None:
        """Subtract from the counts."""
        if isinstance(source, dict):
            for key, count in source.items():
                self[key] -= count
        else:
            for key in list(source):
                self[key] -= 1
        for name, count in more.items():
            self[name] -= count

    def total(self) -> Any:
        """Add the counts up."""
        return sum(self.held)

    def most_common(self, n: Any = None) -> Any:
        """Return the pairs with the largest counts, in order."""
        pairs = sorted(self.items(), key=lambda pair: pair[1], reverse=True)
        return pairs if n is None else pairs[:n]

    def elements(self) -> Any:
        """Repeat each key as often as it counts."""
        for key, count in self.items():
            for _ in range(count):
                yield key


def alike(one: Any, *given: Any) -> Any:
    """Make a dict of the same class: `model_calls` interprets this."""
    return type(one)(*given)


def pairs(source: Any) -> Any:
    """Return the pairs of an object that has keys, as `dict` takes them."""
    return [(key, source[key]) for key in source.keys()]  # noqa: SIM118


class View:
    """What a dict holds at the time when it is looked at."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __len__(self) -> int:
        return len(self.owner.names)


class Keys(View):
    """The `keys()` of a dict."""

    def __iter__(self) -> Any:
        return self.owner.names

    def __contains__(self, key: Any) -> bool:
        return key in self.owner.names


class Values(View):
    """The `values()` of a dict."""

    def __iter__(self) -> Any:
        return self.owner.held

    def __contains__(self, value: Any) -> bool:
        return value in self.owner.held


class Items(View):
    """The `items()` of a dict."""

    def __iter__(self) -> Any:
        return list(zip(self.owner.names, self.owner.held, strict=True))

    def __contains__(self, pair: Any) -> bool:
        key, value = pair
        return key in self.owner and self.owner[key] == value
