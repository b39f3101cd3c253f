"""Containers and algorithms of the standard library, as Python would write them.

In: what `collections`, `heapq`, `bisect` and the operators of lists are given. Out:
what they return. `model_calls` interprets these classes and functions instead of the
library's: what they do to lists and dicts is followed like the program's statements.
"""

from __future__ import annotations

import collections
from typing import Any


class Deque:
    """A `collections.deque`: a list that may drop what does not fit."""

    def __init__(self, iterable: Any = (), maxlen: Any = None) -> None:
        if maxlen is not None and maxlen < 0:
            raise ValueError("maxlen must be non-negative")
        self.items: list[Any] = []
        self.maxlen = maxlen
        self.extend(iterable)

    def append(self, x: Any) -> None:
        """Add on the right."""
        if self.maxlen is None:
            self.items.append(x)
        elif self.maxlen > 0:
            if len(self.items) == self.maxlen:
                self.items.pop(0)
            self.items.append(x)

    def appendleft(self, x: Any) -> None:
        """Add on the left."""
        if self.maxlen is None:
            self.items.insert(0, x)
        elif self.maxlen > 0:
            if len(self.items) == self.maxlen:
                self.items.pop()
            self.items.insert(0, x)

    def extend(self, iterable: Any) -> None:
        """Add all on the right."""
        if self.maxlen is None:
            self.items.extend(iterable)
        else:
            for x in list(iterable):
                self.append(x)

    def extendleft(self, iterable: Any) -> None:
        """Add all on the left, which turns them round."""
        for x in list(iterable):
            self.appendleft(x)

    def pop(self) -> Any:
        """Take from the right."""
        if not self.items:
            raise IndexError("pop from an empty deque")
        return self.items.pop()

    def popleft(self) -> Any:
        """Take from the left."""
        if not self.items:
            raise IndexError("pop from an empty deque")
        return self.items.pop(0)

    def rotate(self, n: int = 1) -> None:
        """Turn to the right by `n` places."""
        size = len(self.items)
        if size > 1:
            k = size - n % size
            self.items[:] = self.items[k:] + self.items[:k]

    def insert(self, i: int, x: Any) -> None:
        """Add before a position."""
        if self.maxlen is not None:
            if len(self.items) == self.maxlen:
                raise IndexError("deque already at its maximum size")
        self.items.insert(i, x)

    def remove(self, value: Any) -> None:
        """Take out the first that is equal."""
        self.items.remove(value)

    def reverse(self) -> None:
        """Turn round."""
        self.items.reverse()

    def clear(self) -> None:
        """Take all out."""
        self.items.clear()

    def index(self, *args: Any) -> int:
        """Find the first that is equal."""
        return self.items.index(*args)

    def count(self, x: Any) -> int:
        """Count those that are equal."""
        return self.items.count(x)

    def copy(self) -> Deque:
        """Return another with the same elements."""
        return collections.deque(self.items, self.maxlen)  # type: ignore[return-value]

    def __copy__(self) -> Deque:
        return self.copy()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Any:
        return self.items

    def __reversed__(self) -> Any:
        return self.items[::-1]

    def __contains__(self, x: Any) -> bool:
        return x in self.items

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def __setitem__(self, i: int, x: Any) -> None:
        self.items[i] = x

    def __delitem__(self, i: int) -> None:
        del self.items[i]

    def __add__(self, other: Deque) -> Deque:
        out = self.copy()
        out.extend(other)
        return out

    def __iadd__(self, other: Any) -> Deque:  # type: ignore[misc]
        self.extend(other)
        return self

    def __mul__(self, n: int) -> Deque:
        return collections.deque(self.items * n, self.maxlen)  # type: ignore[return-value]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, collections.deque) and self.items == list(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


class ChainMap:
    """A `collections.ChainMap`: the first dict that has a key answers."""

    def __init__(self, *maps: Any) -> None:
        self.maps = list(maps) or [{}]

    def __getitem__(self, key: Any) -> Any:
        for mapping in self.maps:
            if key in mapping:
                return mapping[key]
        raise KeyError(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.maps[0][key] = value

    def __delitem__(self, key: Any) -> None:
        if key not in self.maps[0]:
            raise KeyError(f"Key not found in the first mapping: {key!r}")
        del self.maps[0][key]

    def __contains__(self, key: Any) -> bool:
        for mapping in self.maps:
            if key in mapping:
                return True
        return False

    def merged(self) -> dict[Any, Any]:
        """Return one dict of all that is visible."""
        out: dict[Any, Any] = {}
        for mapping in reversed(self.maps):
            out.update(mapping)
        return out

    def __len__(self) -> int:
        return len(self.merged())

    def __iter__(self) -> Any:
        return list(self.merged())

    def get(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, or something else."""
        return self[key] if key in self else default

    def keys(self) -> Any:
        """Return the keys."""
        return self.merged().keys()

    def values(self) -> Any:
        """Return the values."""
        return self.merged().values()

    def items(self) -> Any:
        """Return the pairs."""
        return self.merged().items()

    def pop(self, key: Any, *default: Any) -> Any:
        """Take a key out of the first dict."""
        if key not in self.maps[0] and not default:
            raise KeyError(f"Key not found in the first mapping: {key!r}")
        return self.maps[0].pop(key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key, which gets one if it has none."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, other: Any = (), **kwargs: Any) -> None:
        """Write into the first dict."""
        self.maps[0].update(other, **kwargs)

    def new_child(self, m: Any = None) -> ChainMap:
        """Return a map with one more dict in front."""
        first = {} if m is None else m
        return collections.ChainMap(first, *self.maps)  # type: ignore[return-value]

    @property
    def parents(self) -> ChainMap:
        """Return the map without the first dict."""
        return collections.ChainMap(*self.maps[1:])  # type: ignore[return-value]


# ----------------------------------------------------------------------- heaps


def heappush(heap: list[Any], item: Any) -> None:
    """Add to a heap."""
    heap.append(item)
    sift_down(heap, 0, len(heap) - 1)


def heappop(heap: list[Any]) -> Any:
    """Take the smallest off a heap."""
    if not heap:
        raise IndexError("index out of range")
    last = heap.pop()
    return heapreplace(heap, last) if heap else last


def heapreplace(heap: list[Any], item: Any) -> Any:
    """Take the smallest off a heap, and add another."""
    if not heap:
        raise IndexError("index out of range")
    smallest = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return smallest


def heappushpop(heap: list[Any], item: Any) -> Any:
    """Add to a heap, and take the smallest off."""
    if not heap:
        return item
    if heap[0] < item:
        smallest = heap[0]
        heap[0] = item
        sift_up(heap, 0)
        return smallest
    return item


def heapify(x: list[Any]) -> None:
    """Make a heap of a list."""
    for i in range(len(x) // 2 - 1, -1, -1):
        sift_up(x, i)


def sift_down(heap: list[Any], start: int, place: int) -> None:
    """Let a new leaf rise to where it belongs."""
    new = heap[place]
    while place > start:
        above = (place - 1) // 2
        parent = heap[above]
        if not new < parent:
            break
        heap[place] = parent
        place = above
    heap[place] = new


def sift_up(heap: list[Any], place: int) -> None:
    """Let a hole sink to a leaf, then the new element rise from there."""
    end = len(heap)
    start = place
    new = heap[place]
    child = 2 * place + 1
    while child < end:
        right = child + 1
        if right < end:
            if not heap[child] < heap[right]:
                child = right
        heap[place] = heap[child]
        place = child
        child = 2 * place + 1
    heap[place] = new
    sift_down(heap, start, place)


def nsmallest(n: int, iterable: Any, key: Any = None) -> list[Any]:
    """Return the smallest elements, in order."""
    return sorted(iterable, key=key)[: max(n, 0)]


def nlargest(n: int, iterable: Any, key: Any = None) -> list[Any]:
    """Return the largest elements, in order."""
    return sorted(iterable, key=key, reverse=True)[: max(n, 0)]


def repeated(items: list[Any], times: int) -> list[Any]:
    """Return `items * times`."""
    return [x for _ in range(times) for x in items]


# ----------------------------------------------------------------------- bisection


def bisect_right(
    a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None
) -> int:
    """Find the place behind those that are not larger."""
    if lo < 0:
        raise ValueError("lo must be non-negative")
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        value = a[mid] if key is None else key(a[mid])
        if x < value:
            hi = mid
        else:
            lo = mid + 1
    return lo


def bisect_left(a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None) -> int:
    """Find the place before those that are not smaller."""
    if lo < 0:
        raise ValueError("lo must be non-negative")
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        value = a[mid] if key is None else key(a[mid])
        if value < x:
            lo = mid + 1
        else:
            hi = mid
    return lo


def insort_right(
    a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None
) -> None:
    """Insert where a sorted list stays sorted, behind equal ones."""
    mine = x if key is None else key(x)
    a.insert(bisect_right(a, mine, lo, hi, key=key), x)


def insort_left(
    a: Any, x: Any, lo: int = 0, hi: Any = None, *, key: Any = None
) -> None:
    """Insert where a sorted list stays sorted, before equal ones."""
    mine = x if key is None else key(x)
    a.insert(bisect_left(a, mine, lo, hi, key=key), x)


# ------------------------------------------------------------------- iterators


def first(iterable: Any, *default: Any) -> Any:
    """Return the first element, as `next` does with a generator expression."""
    for item in iterable:
        return item
    if default:
        return default[0]
    raise StopIteration


def cycle(iterable: Any) -> Any:
    """Repeat the elements without end."""
    kept = list(iterable)
    while kept:
        yield from kept


def groupby(iterable: Any, key: Any = None) -> Any:
    """Take elements together as long as their keys stay equal."""
    group: list[Any] = []
    current: Any = None
    for item in iterable:
        mine = item if key is None else key(item)
        if len(group) > 0 and mine != current:
            yield current, group
            group = []
        group.append(item)
        current = mine
    if len(group) > 0:
        yield current, group


def merge(*iterables: Any, key: Any = None, reverse: bool = False) -> Any:
    """Take the smallest of the first elements, again and again."""
    sources = [list(iterable) for iterable in iterables]
    places = [0 for _ in sources]
    out = []
    for _ in range(sum([len(source) for source in sources])):
        best = -1
        for k in range(len(sources)):
            if places[k] < len(sources[k]):
                mine = sources[k][places[k]]
                mine = mine if key is None else key(mine)
                if best < 0:
                    best, smallest = k, mine
                elif (smallest < mine) if reverse else (mine < smallest):
                    best, smallest = k, mine
        out.append(sources[best][places[best]])
        places[best] += 1
    return out


def tee(iterable: Any, n: int = 2) -> Any:
    """Run over an iterable several times: its elements are computed once."""
    items = list(iterable)
    return tuple([iter(items) for _ in range(n)])
