"""The `__dict__` of an object, as Python would write it (see `object_calls`).

In: what the methods and operators of a dict are given. Out: what those return; what is
written goes to the object, past its properties.
"""

from __future__ import annotations

from typing import Any


def held(owner: Any) -> dict[str, Any]:
    """Return the attributes of an object as a dict of its own."""
    return dict(vars(owner))


def put(owner: Any, name: str, value: Any) -> None:
    """Write an attribute into the object itself."""
    vars(owner)[name] = value


def take(owner: Any, name: str) -> None:
    """Delete an attribute of the object itself."""
    del vars(owner)[name]


class Attributes:
    """What `vars` returns: the attributes as they are when they are looked at."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner

    def __getitem__(self, name: str) -> Any:
        return held(self.owner)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        put(self.owner, name, value)

    def __delitem__(self, name: str) -> None:
        if name not in held(self.owner):
            raise KeyError(name)
        take(self.owner, name)

    def __contains__(self, name: str) -> bool:
        return name in held(self.owner)

    def __iter__(self) -> Any:
        return list(held(self.owner))

    def __len__(self) -> int:
        return len(held(self.owner))

    def keys(self) -> Any:
        """Return the names."""
        return held(self.owner).keys()

    def values(self) -> Any:
        """Return the values."""
        return held(self.owner).values()

    def items(self) -> Any:
        """Return the pairs."""
        return held(self.owner).items()

    def copy(self) -> dict[str, Any]:
        """Return a dict of its own."""
        return held(self.owner)

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or something else."""
        return held(self.owner).get(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return an attribute, which is made if there is none."""
        if name not in held(self.owner):
            put(self.owner, name, default)
        return held(self.owner)[name]

    def pop(self, name: str, *default: Any) -> Any:
        """Take an attribute out."""
        if default and name not in held(self.owner):
            return default[0]
        value = held(self.owner)[name]
        take(self.owner, name)
        return value

    def update(self, source: Any = (), **more: Any) -> None:
        """Write several attributes."""
        for name, value in dict(source).items():
            put(self.owner, name, value)
        for name, value in more.items():
            put(self.owner, name, value)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __or__(self, other: Any) -> dict[str, Any]:
        return held(self.owner) | dict(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and held(self.owner) == dict(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
