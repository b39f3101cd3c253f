"""State outside of the function that it writes: counters, logs, caches, flags.

In: an assignment to a global or nonlocal name, to an item or attribute of an object
from outside, a call of a method that changes one. Out: an effect in its place, so that
it happens once for each time that it happens in the primal, in that order, and also
where an exception follows. What is read of such state is read at its place too, and is
a number without derivative, or a container that is only written and asked for numbers.

That something is written is known when the interpreter comes to it; what was read
before may have been taken for a constant. So it begins again then (`Written`), and
knows the places from the start. Who reads what the same call wrote is checked at the
end (`settle`): the types must be those that the reads were taken for, and a real
number that may depend on the arguments has no derivative (`prims.read_back`).
"""

from __future__ import annotations

import builtins
import collections
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import numpy as np

from chainrule.analysis.lossy import kept
from chainrule.errors import not_differentiable
from chainrule.frontend import scope
from chainrule.ir import prims
from chainrule.ir.nodes import Const, Operand, Value
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, Frame
from chainrule.specialise.places import (
    CELL,
    CONTAINERS,
    WHOLE,
    Place,
    Read,
    Sample,
    Write,
    Written,
)
from chainrule.specialise.values import is_const
from chainrule.types import lattice as lt
from chainrule.types.typeof import type_of as runtime_type

NOTHING = {
    *"append appendleft extend extendleft insert remove reverse sort clear".split(),
    *"update subtract add discard rotate move_to_end".split(),
}
GIVES = frozenset("pop popleft popitem setdefault".split())
WAYS = (operator.getitem, builtins.getattr, prims.live)  # from a name to a container
LISTED = frozenset("extend extendleft".split())
NEW: Any = object()


# ------------------------------------------------------------------------ reading


def read_name(
    ctx: Context, root: str, name: str, owner: Any, value: Any, text: str | None
) -> Operand | None:
    """Read a variable of a module or a cell, if the function writes it or into it."""
    place = (id(owner), CELL if root == "cell" else name)
    places = ctx.places
    places.see(value)
    if place not in places.written and not places.holds(value):
        return None
    t = _type_now(ctx, value, f"`{name}`")
    ctx.typed(root, name, owner, (), t)
    args = (Const(owner, text), Const(place[1] if root == "global" else name))
    bound = place in places.written
    read = ctx.builder.apply(prims.now, *args, effect=bound, type_=t)
    return _taken(ctx, read, Sample(value, (root, name, owner), (), (place,)))


def read_attribute(ctx: Context, base: Const, name: str, value: Any) -> Operand | None:
    """Read an attribute of an object from outside, if the function writes it."""
    places, owner = ctx.places, base.value
    places.see(value)
    changed = places.unseen.get(id(owner), frozenset())
    if (changed is None and not callable(value)) or name in (changed or ()):
        raise not_differentiable(
            "CR104",
            ctx.builder.loc,
            f"`{name}` of a context manager that changes itself",
            label="what it holds here is not known",
            help="keep it in a local variable, before the `with`",
        )
    place = attribute_place(ctx, owner, name)
    if place not in places.written and not places.holds(value):
        return None
    t = _type_now(ctx, value, f"`{name}`")
    ctx.typed("attribute", name, owner, (), t)
    read = ctx.builder.apply(getattr, base, Const(name), effect=True, type_=t)
    return _taken(ctx, read, Sample(value, ("attribute", name, owner), (), (place,)))


def attribute_place(ctx: Context, owner: Any, name: str) -> Place:
    """Return the place that an attribute is read from: a class may have it."""
    classes = owner.__mro__ if isinstance(owner, type) else type(owner).__mro__
    for each in (owner, *classes):
        if (id(each), name) in ctx.places.written:
            return id(each), name
    return id(owner), name


def is_sample(ctx: Context, op: Operand) -> bool:
    """Say whether an operand is a container from outside that is written."""
    return bool(ctx.places.samples) and op in ctx.places.samples


def element(ctx: Context, base: Operand, index: Operand) -> Operand:
    """Read an item of a container from outside that is written."""
    assert isinstance(base, Value)
    sample = ctx.places.samples[base]
    key = index.value if isinstance(index, Const) else WHOLE
    value = _item(sample.value, index)
    if value is NEW:
        return _just_written(ctx, base, sample, index)
    root, path = sample.root, (*sample.path, key)
    t = _type_now(ctx, value, "its item")
    if isinstance(index, Const) and _has(sample.value, key):
        ctx.typed(*root, path, t)
    elif isinstance(sample.value, list):
        ctx.typed(*root, sample.path, lt.ListT(None, t))
    read = ctx.builder.apply(operator.getitem, base, index, effect=True, type_=t)
    place = (id(sample.value), key)
    return _taken(ctx, read, Sample(value, root, path, (*sample.places, place)))


def _just_written(ctx: Context, base: Value, sample: Sample, index: Operand) -> Operand:
    """Read an item that was not there before the function wrote it."""
    key = index.value if isinstance(index, Const) else WHOLE
    place = (id(sample.value), key)
    mine = [w.value for w in ctx.places.writes if w.place == place]
    if key is WHOLE or not mine or not isinstance(sample.value, dict):
        raise _unknown(ctx, base, "what it holds there is not known")
    t = type_of(mine[-1])
    if not _holds_numbers(t):
        raise _unknown(ctx, base, "what it holds there is not a number")
    ctx.missing(*sample.root, sample.path, key)
    read = ctx.builder.apply(operator.getitem, base, index, effect=True, type_=t)
    path = (*sample.path, key)
    return _taken(ctx, read, Sample(NEW, sample.root, path, (*sample.places, place)))


def _holds_numbers(t: lt.Type) -> bool:
    """Say whether a type is a number, an array, or a tuple of them."""
    if isinstance(t, lt.TupleT):
        return all(map(_holds_numbers, t.items))
    return isinstance(t, lt.ScalarT | lt.ArrayT)


def _taken(ctx: Context, read: Operand, sample: Sample) -> Operand:
    """Note what was read: a container, or a value that may have been written."""
    assert isinstance(read, Value)
    if isinstance(sample.value, CONTAINERS):
        ctx.places.samples[read] = sample
        return read
    *through, place = sample.places
    out: Operand = read
    back = None
    if lt.is_differentiable(read.type):
        made = ctx.builder.definition(read)
        name = "name" if made is not None and made.fn is prims.now else None
        out = ctx.builder.apply(prims.read_back, read, text=name, type_=read.type)
        back = ctx.builder.definition(out)
    loc = ctx.builder.loc
    ctx.places.reads.append(Read(place, read.type, back, tuple(through), loc))
    return out


def _type_now(ctx: Context, value: Any, what: str) -> lt.Type:
    """Return the type of a value outside, whatever its number is at present."""
    if isinstance(value, CONTAINERS):
        return lt.OpaqueT(type(value))
    if value is None:
        return lt.NONE
    if type(value) is str:
        return lt.STR
    if type(value) is int:
        return lt.INT
    if isinstance(value, bool | float | complex | np.generic | np.ndarray):
        t = runtime_type(value, ("outside", id(value)))
        if isinstance(t, lt.Type):
            return t
    raise not_differentiable(
        "CR104",
        ctx.builder.loc,
        f"{what} is read, and written by the function",
        label=f"a {type(value).__name__} from outside, not a number",
        help="pass it as an argument",
    )


def _has(container: Any, key: Any) -> bool:
    try:
        return container[key] is not NEW if not _makes(container, key) else False
    except (LookupError, TypeError):
        return False


def _makes(container: Any, key: Any) -> bool:
    """Say whether asking for a key would put it into the container."""
    return isinstance(container, collections.defaultdict) and key not in container


def _item(container: Any, index: Operand) -> Any:
    """Return an item of a container, or one that is like it; `NEW` if none is known."""
    if isinstance(index, Const) and _has(container, index.value):
        return container[index.value]
    if isinstance(container, collections.Counter):
        return 0
    if isinstance(container, collections.defaultdict) and container.default_factory:
        made = container.default_factory()
        return made if type(made) in (int, float, bool, list, set) else NEW
    if isinstance(container, list) and not isinstance(index, Const):
        kinds = set(map(type, container))
        if len(kinds) == 1 and kinds <= {int, float, bool}:
            return container[0]
    return NEW


# ------------------------------------------------------------------------ writing


def declared_global(frame: Frame, name: str) -> bool:
    """Say whether a function declares that a name is of its module."""
    return name in scope.global_names(frame.tree)


def assign_global(ctx: Context, frame: Frame, name: str, value: Operand) -> None:
    """Interpret `name = value` where the name is declared `global`."""
    text = name if frame.globals is ctx.root_globals else None
    _assign(ctx, frame.globals, name, name, text, value)


def unknown_name(ctx: Context, frame: Frame, name: str) -> Exception | None:
    """Return the error for the read of a global that is only there once it is written,
    if that is what it is.
    """
    if (id(frame.globals), name) not in ctx.places.written:
        return None
    return kept(ctx.builder.loc, True)


def assign_cell(ctx: Context, frame: Frame, name: str, value: Operand) -> bool:
    """Interpret `name = value` where a closure cell holds the name, if one does."""
    where: Frame | None = frame
    while where is not None:
        if name in where.cells:
            text = name if where.live else None
            _assign(ctx, where.cells[name], CELL, name, text, value)
            return True
        where = where.parent
    return False


def _assign(
    ctx: Context,
    owner: Any,
    key: str,
    name: str,
    text: str | None,
    value: Operand,
) -> None:
    place = (id(owner), key)
    _begin(ctx, place, owner)
    value = _leaves(ctx, place, value)
    _effect(ctx, prims.let_name, Const(owner, text), Const(name), value)


def put_attribute(ctx: Context, base: Operand, name: str, value: Operand) -> bool:
    """Write an attribute of an object from outside; say whether it is one."""
    if not isinstance(base, Const) or not _has_attributes(base.value):
        return False
    owner = base.value
    place = (id(owner), name)
    _begin(ctx, place, owner)
    value = _leaves(ctx, place, value)
    _effect(ctx, prims.let_attribute, base, Const(name), value)
    return True


def is_object(op: Operand) -> TypeGuard[Const]:
    """Say whether an operand is an object of a class of the user's, from outside."""
    plain = isinstance(op, Const) and not isinstance(op.value, type)
    return plain and _has_attributes(op.value)  # type: ignore[union-attr]


def _has_attributes(owner: Any) -> bool:
    """Say whether attributes of an object are set in the ordinary way, and by users."""
    from chainrule.specialise.attributes import is_library

    if isinstance(owner, types.FunctionType):
        return not is_library(owner.__module__ or "")
    if isinstance(owner, types.ModuleType):
        return not is_library(owner.__name__)
    cls = owner if isinstance(owner, type) else type(owner)
    setter = type(owner).__setattr__
    plain: tuple[Any, ...] = (object.__setattr__, type.__setattr__)
    plain += (types.SimpleNamespace.__setattr__,)
    simple = owner.__class__ is types.SimpleNamespace
    return (simple or not is_library(cls.__module__)) and setter in plain


def put_item(ctx: Context, base: Operand, index: Operand, value: Operand) -> bool:
    """Write an item of a container from outside; say whether it is one."""
    if not is_sample(ctx, base):
        return False
    place = _place_of(ctx, base, index)
    value = _leaves(ctx, place, value)
    _effect(ctx, prims.let_item, base, index, value)
    return True


def delete_item(ctx: Context, base: Operand, index: Operand) -> bool:
    """Delete an item of a container from outside; say whether it is one."""
    if not is_sample(ctx, base):
        return False
    place = _place_of(ctx, base, Const(WHOLE))
    ctx.places.writes.append(Write(place, Const(NEW)))
    _effect(ctx, prims.without_item, base, index)
    return True


def begin_again(ctx: Context, op: Operand) -> None:
    """Begin again if a container that is written is one from outside."""
    value = op.value if isinstance(op, Const) else None
    source = ctx.builder.definition(op) if isinstance(op, Value) else None
    while source is not None and source.fn in WAYS:
        if isinstance(source.args[0], Const):
            value = source.args[0].value
        source = ctx.builder.definition(source.args[0])
    if id(value) in ctx.places.seen and not ctx.splicing:
        _begin(ctx, (id(value), WHOLE), value)


def begin_if_it_makes(ctx: Context, base: Operand, index: Operand) -> None:
    """Begin again if reading an item puts it into a `defaultdict` from outside."""
    if is_const(base, collections.defaultdict) and isinstance(index, Const):
        if _makes(base.value, index.value):
            begin_again(ctx, base)


def method(
    ctx: Context,
    frame: Frame,
    base: Operand,
    name: str,
    args: Sequence[Operand],
    kwargs: Sequence[tuple[str, Operand]],
) -> Operand:
    """Call a method of a container from outside that is written."""
    from chainrule.specialise import folds

    assert isinstance(base, Value)
    sample = ctx.places.samples[base]
    if name == "get" and args and isinstance(sample.value, dict) and not kwargs:
        return _get(ctx, base, args)
    if name not in NOTHING and name not in GIVES:
        raise _unknown(ctx, base, f"`.{name}` reads what it holds")
    if name in LISTED or (name == "update" and isinstance(sample.value, set)):
        args = [folds.listed(ctx, frame, args[0]), *args[1:]]
    place = (id(sample.value), WHOLE)
    args = [_leaves(ctx, place, a) for a in args]
    kwargs = [(k, _leaves(ctx, place, v)) for k, v in kwargs]
    function: Callable[..., Any] = getattr(type(sample.value), name)
    t = lt.NONE if name in NOTHING else lt.OpaqueT(object)
    done = ctx.builder.apply(
        function,
        base,
        *args,
        kwargs=kwargs,
        form="method",
        text=name,
        effect=True,
        type_=t,
    )
    _done(ctx, done)
    return done


def _get(ctx: Context, base: Value, args: Sequence[Operand]) -> Operand:
    """Interpret `counts.get(key, 0)`: what is missing is like what is given for it."""
    sample = ctx.places.samples[base]
    index, default = args[0], args[1] if len(args) > 1 else Const(None)
    value = _item(sample.value, index)
    given = default.value if isinstance(default, Const) else NEW
    if value is NEW:
        value = given
    if type(value) is not type(given) or type(value) not in (int, float, bool):
        raise _unknown(ctx, base, "what it holds there is not known")
    t = _type_now(ctx, value, "its item")
    key = index.value if isinstance(index, Const) else WHOLE
    if key is not WHOLE and _has(sample.value, key):
        ctx.typed(*sample.root, (*sample.path, key), t)
    read = ctx.builder.apply(
        dict.get, base, index, default, form="method", text="get", effect=True, type_=t
    )
    place = (id(sample.value), key)
    path = (*sample.path, key)
    return _taken(ctx, read, Sample(value, sample.root, path, (*sample.places, place)))


def contains(ctx: Context, base: Operand, item: Operand) -> Operand:
    """Ask whether a container from outside holds something."""
    return ctx.builder.apply(operator.contains, base, item, effect=True, type_=lt.BOOL)


def length(ctx: Context, base: Operand) -> Operand:
    """Ask how many items a container from outside holds."""
    return ctx.builder.apply(len, base, effect=True, type_=lt.INT)


def _begin(ctx: Context, place: Place, owner: Any) -> None:
    if place not in ctx.places.written:
        raise Written(place, owner)


def _place_of(ctx: Context, base: Operand, index: Operand) -> Place:
    assert isinstance(base, Value)
    key = index.value if isinstance(index, Const) else WHOLE
    try:
        hash(key)
    except TypeError:
        key = WHOLE
    return id(ctx.places.samples[base].value), key


def _leaves(ctx: Context, place: Place, value: Operand) -> Operand:
    """Let a value leave the function: it must be one that the run has, and stays."""
    b = ctx.builder
    value = b.some(b.memory.current(value))
    made = is_const(value) and type(value.value).__module__.startswith("chainrule")
    if made:
        raise not_differentiable(
            "CR104",
            b.loc,
            "an iterator or a function of the program is kept outside of it",
            label="it is known only here",
            help="keep a list of what it gives: list(...)",
        )
    if isinstance(value, Value):
        b.memory.escaped.append(value)
    ctx.places.writes.append(Write(place, value))
    return value


def _effect(ctx: Context, fn: Any, *args: Operand) -> None:
    done = ctx.builder.apply(fn, *args, effect=True, type_=lt.NONE)
    _done(ctx, done)


def _done(ctx: Context, done: Operand) -> None:
    """Note the operation that does the writes that were noted before it."""
    by = ctx.builder.definition(done)
    for each in ctx.places.writes:
        if each.by is None:
            each.by = by


def _unknown(ctx: Context, base: Operand, why: str) -> Exception:
    hint = getattr(base, "hint", None)
    sample = ctx.places.samples[base]  # type: ignore[index]
    name = hint or (sample.root[1] if not sample.path else None)
    called = f"`{name}`" if name else "a container"
    return not_differentiable(
        "CR104",
        ctx.builder.loc,
        f"{called} from outside the function is read, and written",
        label=why,
        help="pass it as an argument, or read it before and pass what is needed",
    )


# ------------------------------------------------------------------------- the end


def settle(ctx: Context) -> None:
    """Check what was read against what was written, and free what is untouched.

    Derivatives inside of the program are made before its end: what they have taken for
    untouched must stay so.
    """
    places = ctx.places
    for read in places.reads:
        writes = [w for w in places.writes if _meets(w.place, read.place)]
        mine = [w.value for w in writes]
        rebound = any(w.place in read.through for w in places.writes)
        if rebound or any(not _like(op, read.type) for op in mine):
            raise not_differentiable(
                "CR104",
                read.loc,
                "what is read here is from outside the function, and the function"
                " writes other things there",
                label="its type is not known",
                help="keep it in a local variable, and write that outside",
            )
        unsure = any(
            isinstance(op, Value) and lt.is_differentiable(op.type) for op in mine
        )
        if read.back is None:
            continue
        if not unsure:
            read.back.fn = prims.same
        elif read.back.fn is not prims.same and not ctx.functions:
            by = [w.by for w in writes if w.by is not None]
            read.back.args = (read.back.args[0], Const(by))
        else:
            raise kept(read.loc, read.back.text == "name")


def _meets(one: Place, two: Place) -> bool:
    return one[0] == two[0] and (one[1] == two[1] or WHOLE in (one[1], two[1]))


def _like(op: Operand, t: lt.Type) -> bool:
    """Say whether a value that was written is of the type that a read was taken for."""
    if is_const(op) and op.value is NEW:
        return True
    mine = type_of(op)
    if isinstance(mine, lt.ScalarT) and isinstance(t, lt.ScalarT):
        return (mine.kind, mine.dtype) == (t.kind, t.dtype)
    return mine == t
