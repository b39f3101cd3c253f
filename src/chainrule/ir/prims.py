"""The primitives that are ours: small Python functions that mean what they compute.

In: nothing. Out: callables that `Apply.fn` names beside those of Python and NumPy. Each
runs as it stands, so that IR can be evaluated directly; the backend prints most of them
as the syntax in their docstring.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.runtime.objects import by_keywords, instance, mapping


def make_tuple(*items: Any) -> tuple[Any, ...]:
    """Print as `(a, b)`."""
    return items


def make_list(*items: Any) -> list[Any]:
    """Print as `[a, b]`."""
    return list(items)


def make_dict(keys: tuple[Any, ...], *values: Any) -> dict[Any, Any]:
    """Print as `{"k": v}`."""
    return dict(zip(keys, values, strict=True))


def make_object(of: Any, names: tuple[Any, ...], *values: Any) -> Any:
    """Print as `Cls(name=v)`, or `Cls({"k": v})` for a class of dicts.

    `of` is the class, or an object whose other attributes are taken over.
    """
    items = dict(zip(names, values, strict=True))
    if isinstance(of, type) and issubclass(of, dict):
        return mapping(of, items)
    if isinstance(of, type) and by_keywords(of):
        return of(**items)
    return instance(of, **items)


def unpack(x: Any, n: int) -> tuple[Any, ...]:
    """Print as `a, b = x`: exactly n elements, or Python's own ValueError."""
    items = tuple(x)
    if len(items) > n:
        raise ValueError(f"too many values to unpack (expected {n})")
    if len(items) < n:
        raise ValueError(
            f"not enough values to unpack (expected {n}, got {len(items)})"
        )
    return items


DISTINCT = "distinct"


def index_add(buffer: Any, index: Any, value: Any) -> Any:
    """Return the buffer with `value` added at `index`;
    print as `buffer[index] += value`.

    Integer arrays may name an element twice, both are added: printed as `np.add.at`,
    unless the text of the operation is `DISTINCT`.
    """
    out: Any
    if isinstance(buffer, list):
        out = list(buffer)
        out[index] = out[index] + value
        return out
    out = np.array(buffer)
    np.add.at(out, index, value)
    return out


def index_set(buffer: Any, index: Any, value: Any) -> Any:
    """Return the buffer with `value` at `index`; print as `buffer[index] = value`."""
    out = list(buffer) if isinstance(buffer, list) else np.array(buffer)
    out[index] = value
    return out


def fill(buffer: Any, value: Any) -> Any:
    """Return the buffer with all elements replaced; print as `buffer[...] = value`."""
    return np.full(np.shape(buffer), value, np.asarray(buffer).dtype)


def view_set(buffer: Any, steps: Any, index: Any, value: Any, *operands: Any) -> Any:
    """Return the buffer with `value` at `index` of a view of it;
    print as `buffer.T[index] = value`.

    `steps` are the operations that lead to the view: a function, how many of `operands`
    it takes by position, and the names of those it takes by keyword.
    """
    out = np.array(buffer)
    view_get(out, steps, *operands)[index] = value
    return out


def view_get(buffer: Any, steps: Any, *operands: Any) -> Any:
    """Return a view: what `view_set` writes into."""
    view, rest = buffer, list(operands)
    for fn, count, names in steps:
        args, rest = rest[:count], rest[count:]
        named, rest = dict(zip(names, rest, strict=False)), rest[len(names) :]
        view = fn(view, *args, **named)
    return view


def commit(place: Any, value: Any) -> None:
    """Let an array of the caller hold this value at the end; print as
    `place[...] = value`, or as nothing where the writes were made in place.
    """
    if isinstance(place, list):
        place[:] = value
    elif isinstance(place, dict):
        kept = dict(value)
        place.clear()
        place.update(kept)
    else:
        place[...] = value


def put_item(place: Any, key: Any, value: Any) -> None:
    """Let a container of the caller hold a part; print as `place[key] = value`."""
    place[key] = value


def drop_item(place: Any, key: Any) -> None:
    """Take a part out of a container of the caller; print as `del place[key]`."""
    del place[key]


def put_attribute(place: Any, name: str, value: Any) -> None:
    """Let an object of the caller hold an attribute; print as `place.name = value`."""
    setattr(place, name, value)


LEFT_WITH_CALLER: frozenset[Any] = frozenset(
    {commit, put_item, drop_item, put_attribute}
)


def now(owner: Any, name: str) -> Any:
    """Read a variable outside the function that it writes: of a module, whose globals
    are the owner, or what a closure cell holds; print as its own name.
    """
    return owner[name] if isinstance(owner, dict) else owner.cell_contents


def let_name(owner: Any, name: str, value: Any) -> None:
    """Assign a variable outside the function; print as `name = value`."""
    if isinstance(owner, dict):
        owner[name] = value
    else:
        owner.cell_contents = value


def let_item(place: Any, key: Any, value: Any) -> None:
    """Write into a container from outside; print as `place[key] = value`."""
    place[key] = value


def let_attribute(place: Any, name: str, value: Any) -> None:
    """Write into an object from outside; print as `place.name = value`."""
    setattr(place, name, value)


def without_item(place: Any, key: Any) -> None:
    """Delete from a container from outside; print as `del place[key]`."""
    del place[key]


OUTSIDE: frozenset[Any] = frozenset({let_name, let_item, let_attribute, without_item})


def read_back(x: Any, writes: Any = ()) -> Any:
    """Return what may have been computed from the arguments, written outside the
    function and read there; print as itself. `writes` are the operations that wrote it.
    """
    return x


def same(x: Any) -> Any:
    """Return a value as a new object with the same content (a copy, where somebody
    could tell); gone after specialisation.
    """
    return x


def list_append(items: list[Any], value: Any) -> list[Any]:
    """Return the list with one more element; print as `items.append(value)`."""
    return [*items, value]


def list_init(items: list[Any]) -> list[Any]:
    """Return the list without its last element; print as `items.pop()`."""
    return items[:-1]


def raise_(exc: Any, cause: Any = None) -> Any:
    """Print as `raise exc from cause`."""
    raise exc from cause


def assert_(test: Any, message: Any = None) -> None:
    """Print as `assert test, message`."""
    if not test:
        raise AssertionError(*(() if message is None else (message,)))


def format_(parts: tuple[tuple[str, str | None], ...], *values: Any) -> str:
    """Print as an f-string.

    A part is `(literal, None)`, or `(conversion, spec)` where the next value goes.
    """
    rest = iter(values)
    return "".join(
        first if spec is None else format(_CONVERT[first](next(rest)), spec)
        for first, spec in parts
    )


_CONVERT: dict[str, Any] = {"r": repr, "s": str, "a": ascii, "": lambda value: value}


def some(x: Any) -> Any:
    """Return a value that is not None here, though its type allows None;
    print as `x`.
    """
    return x


def copy_value(x: Any) -> Any:
    """Return memory that nobody else has; print as `x.copy()`."""
    return x.copy() if isinstance(x, np.ndarray) else x


def einsum_view(x: Any, subscripts: str) -> Any:
    """Return a view that sums nothing; print as `np.einsum(subscripts, x)`."""
    return np.einsum(subscripts, x)


def dim(x: Any, axis: int) -> int:
    """Return one size of an array; print as `x.shape[axis]`."""
    return int(np.shape(x)[axis])


def live(value: Any) -> Any:
    """Read a global or a closure cell at each call; print as its own name."""
    return value


def astype(x: Any, dtype: Any) -> Any:
    """Return a number of another dtype; print as `x.astype(dtype)`."""
    return np.asarray(x).astype(dtype)[()] if np.ndim(x) == 0 else x.astype(dtype)


def item(x: Any, *index: Any) -> Any:
    """Return one element as a Python number; print as `x.item()`."""
    return np.asarray(x).item(*index)


def tolist(x: Any) -> Any:
    """Return nested lists of Python numbers; print as `x.tolist()`."""
    return np.asarray(x).tolist()


def flatten(x: Any, order: Any = "C") -> Any:
    """Return all elements on one axis, never a view; print as `x.flatten()`."""
    return np.asarray(x).flatten(order)


def remark(text: str) -> None:
    """Print as the comment `# text`; made with `effect=True`,
    so that it stays in place.
    """


def stop(x: Any) -> Any:
    """Return the value without its derivative; print as the value itself."""
    return x


def on_cotangent(x: Any, change: Any, *captured: Any) -> Any:
    """Return the value; the reverse sweep writes out `change`, an IR function of the
    cotangent and of the captured values. Print as the value itself.
    """
    return x
