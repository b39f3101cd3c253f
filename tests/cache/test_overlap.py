"""Whether a written argument shares memory with another one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from chainrule.cache.overlap import apart, overlapping

DATA = np.arange(12.0)


def test_disjoint_arrays_are_apart() -> None:
    """Two halves of one array, and strided views that interleave, share nothing."""
    assert apart({"x": DATA[:6], "y": DATA[6:]}, [("x",)])
    assert apart({"x": DATA[::2], "y": DATA[1::2]}, [("x",)])


def test_the_written_one_is_named_first() -> None:
    """The answer says which argument is written and which would change too."""
    arguments = {"x": DATA[:6], "y": DATA[4:]}
    assert overlapping(arguments, [("y",)]) == (("y",), ("x",))


def test_only_written_arrays_matter() -> None:
    """Arguments that are only read may be one array."""
    arguments = {"x": DATA, "y": DATA, "z": np.zeros(2)}
    assert apart(arguments, [("z",)])
    assert not apart(arguments, [("x",)])


def test_arrays_in_containers_and_objects_are_found() -> None:
    """What overlaps may lie deep inside an argument."""
    model = SimpleNamespace(w=DATA[3:5])
    assert not apart({"p": {"a": [DATA[:4]]}, "m": model}, [("p", "a", 0)])
    assert not apart({"p": DATA, "m": model}, [("m", "w")])
    assert apart({"p": DATA[5:], "m": model}, [("m", "w")])
