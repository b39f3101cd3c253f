"""Built-ins that take elements from a generator one by one, as Python would write them.

In: a generator, and the other arguments of the built-in. Out: generators, or what the
built-in returns. `iterators` interprets these functions in place of the built-ins.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

Stream = Generator[Any, None, None]


def enumerate_(items: Iterable[Any], start: int = 0) -> Stream:
    """Number the elements."""
    for item in items:
        yield start, item
        start += 1


def zip_generator(items: Iterable[Any], others: Sequence[Any]) -> Stream:
    """Take the elements of a generator and a sequence in step."""
    k = 0
    size = len(others)
    for item in items:
        if k == size:
            return
        yield item, others[k]
        k += 1


def zip_sequence(others: Sequence[Any], items: Iterable[Any]) -> Stream:
    """Take the elements of a sequence and a generator in step."""
    k = 0
    size = len(others)
    if size == 0:
        return
    for item in items:
        yield others[k], item
        k += 1
        if k == size:
            return


def map_(function: Callable[[Any], Any], items: Iterable[Any]) -> Stream:
    """Call a function on every element."""
    for item in items:
        yield function(item)


def filter_(test: Callable[[Any], Any], items: Iterable[Any]) -> Stream:
    """Keep the elements that pass a test."""
    for item in items:
        if test(item):
            yield item


def filter_true(test: None, items: Iterable[Any]) -> Stream:
    """Keep the elements that are true."""
    for item in items:
        if item:
            yield item


def islice(items: Iterable[Any], stop: int) -> Stream:
    """Take the first elements."""
    k = 0
    if stop == 0:
        return
    for item in items:
        yield item
        k += 1
        if k == stop:
            return


def islice_from(items: Iterable[Any], start: int, stop: int) -> Stream:
    """Take the elements from one position to another."""
    k = 0
    if stop == 0:
        return
    for item in items:
        if k >= start:
            yield item
        k += 1
        if k == stop:
            return


def takewhile(test: Callable[[Any], Any], items: Iterable[Any]) -> Stream:
    """Take elements as long as they pass a test."""
    for item in items:
        if not test(item):
            return
        yield item


def any_(items: Iterable[Any]) -> bool:
    """Look for an element that is true."""
    for item in items:  # noqa: SIM110
        if item:
            return True
    return False


def all_(items: Iterable[Any]) -> bool:
    """Look for an element that is not true."""
    for item in items:  # noqa: SIM110
        if not item:
            return False
    return True


def contains(items: Iterable[Any], value: Any) -> bool:
    """Look for an element."""
    for item in items:  # noqa: SIM110
        if item is value or item == value:
            return True
    return False


def chain(*parts: Iterable[Any]) -> Stream:
    """Take the elements of one iterable after the other."""
    for part in parts:
        yield from part


def ndindex_1(n: int) -> Stream:
    """Yield all indices of an array of rank 1."""
    for i in range(n):
        yield (i,)


def ndindex_2(n: int, m: int) -> Stream:
    """Yield all indices of an array of rank 2."""
    for i in range(n):
        for j in range(m):
            yield i, j


def ndindex_3(n: int, m: int, p: int) -> Stream:
    """Yield all indices of an array of rank 3."""
    for i in range(n):
        for j in range(m):
            for k in range(p):
                yield i, j, k


def ndenumerate_1(a: Any) -> Stream:
    """Yield all indices of an array of rank 1, with the elements."""
    for i in range(a.shape[0]):
        yield (i,), a[i]


def ndenumerate_2(a: Any) -> Stream:
    """Yield all indices of an array of rank 2, with the elements."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            yield (i, j), a[i, j]


def ndenumerate_3(a: Any) -> Stream:
    """Yield all indices of an array of rank 3, with the elements."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            for k in range(a.shape[2]):
                yield (i, j, k), a[i, j, k]


def enough(items: Sequence[Any], least: int) -> None:
    """Fail as `a, *b, c = items` does where there are too few."""
    size = len(items)
    if size < least:
        raise ValueError(
            f"not enough values to unpack (expected at least {least}, got {size})"
        )


def starmap(function: Callable[..., Any], rows: Iterable[Any]) -> Stream:
    """Call a function on the elements of every row."""
    for row in rows:
        yield function(*row)
