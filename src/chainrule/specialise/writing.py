"""Write into an object, and into all that may be the same object.

In: an object and what it holds from now on. Out: the memory after it. Of two objects
that a branch chose from, each gets the new content where it was the one. Where that is
not known (a loop handed objects on), the write is refused, unless nobody can see the
others any more.
"""

from __future__ import annotations

from collections.abc import Container, Hashable
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Const, If, Operand, Value
from chainrule.specialise import arrays, mirrors
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, State
from chainrule.specialise.joins import Joiner
from chainrule.specialise.memory import Iterated, Now
from chainrule.specialise.reach import reachable
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt

COPY = "put a copy into the list: items.append(x.copy())"
LOST = "may have been written through a list that holds it"


def write(ctx: Context, op: Operand, content: Operand) -> None:
    """Let an object hold something else from here on."""
    if not isinstance(op, Value):
        raise outside(ctx, op)
    memory = ctx.builder.memory
    home = memory.object(op)
    source = memory.b.definition(home)
    if source is not None and source.fn is prims.live:
        raise outside(ctx, Const(None, source.args[0].text))  # type: ignore[union-attr]
    memory.open(home)
    Write(ctx).put(home, content)


def refuse_since(
    ctx: Context, before: Now, first: int, params: Container[Any], where: str
) -> None:
    """Refuse writes, since a state, to what is known outside a piece of the program.

    `first` is the id from which values were made inside, `params` stand for arguments.
    """
    memory = ctx.builder.memory
    for key, op in memory.now.items():
        known = key in before if not isinstance(key, Value) else key.id < first
        if (known or key in params) and before.get(key) is not op:
            name = getattr(key, "hint", None) or getattr(key, "name", None)
            raise not_differentiable(
                "CR417",
                ctx.builder.loc,
                f"{where} writes into {f'`{name}`' if name else 'an object'}, which is"
                " known outside of it",
                label="called here",
                help="let it write into a copy, and return that",
            )
    memory.now = dict(before)


def called(op: Operand, otherwise: str) -> str:
    """Return what messages call an object: by its variable, if it has one."""
    name = op.hint if isinstance(op, Value) else getattr(op, "text", None)
    return f"`{name}`" if name else otherwise


def is_outside(op: Operand) -> bool:
    """Say whether an operand is a mutable object that was there before the call."""
    return isinstance(op, Const) and isinstance(
        op.value, list | dict | set | np.ndarray
    )


def outside(ctx: Context, op: Operand) -> Exception:
    """Return the error for a write to what was made outside the function."""
    return not_differentiable(
        "CR104",
        ctx.builder.loc,
        f"write to {called(op, 'an object')} from outside the function",
        label="its history is not visible to the derivative",
        help="pass it as an argument, or write into a copy",
    )


class Write:
    """One write, which may touch several objects."""

    def __init__(self, ctx: Context) -> None:
        self.ctx, self.memory = ctx, ctx.builder.memory
        self.done: set[Value] = set()

    def put(self, home: Value, content: Operand, mirrored: bool = True) -> None:
        """Let one object hold something else, and those that may be the same."""
        memory = self.memory
        if any(memory.object(v) is home for v in memory.iterated):
            raise Iterated(home)
        self.check_frozen(home)
        self.check_length(home, content)
        if home in memory.elements:
            raise Iterated(memory.root(memory.elements[home]))
        if home in memory.shared:
            raise not_differentiable(
                "CR412",
                self.ctx.builder.loc,
                f"{called(home, 'this array')} is also in a list of run-time length",
                label="which element it is, is known only at run time",
                help=COPY,
            )
        memory.becomes(home, content)
        self.done.add(home)
        self.lists(home)
        for out in memory.users.get(home, ()):
            if out not in self.done:
                self.down(home, out)
        fed = [
            (stmt, k, source)
            for stmt, k, source in memory.origins.get(home, ())
            if memory.root(source) not in self.done
        ]
        roots = [self.up(home, *origin) for origin in fed]
        found = dict.fromkeys(r for r in roots if r is not None)
        self.done.update(found)  # all hold their new content before anybody reads them
        for root in found:
            self.put(root, memory.current(root))
        for other, mirror in self.ctx.mirrors.get(home, ()) if mirrored else ():
            if other not in self.done:
                now = memory.current(other)
                self.put(other, mirrors.seen(memory.b, mirror, content, now), False)
        for twin in sorted(memory.twins.get(home, ()), key=lambda v: v.id):
            self.uncertain(home, twin)

    def check_length(self, home: Value, content: Operand) -> None:
        """Refuse to change the length of a list that a loop runs over."""
        made = self.memory.b.definition(content)
        if home not in self.memory.counted or not isinstance(home.type, lt.ListT):
            return
        items = getattr(type_of(content), "items", None)
        same = items is not None and len(items) == len(home.type.items or ())
        if not same and (made is None or made.fn is not prims.index_set):
            raise not_differentiable(
                "CR414",
                self.ctx.builder.loc,
                "a list changes its length while a loop runs over it",
                label="how often the loop runs is known only at run time",
                help="loop over a copy: for item in list(items)",
            )

    def check_frozen(self, home: Value) -> None:
        """Refuse a write to what another array may show in a way not followed."""
        memory = self.memory
        for out, shown in memory.frozen.items():
            mine = out is home or any(memory.root(v) is home for v in shown)
            if mine and (out is home or out in reachable(self.ctx)):
                other = next(v for v in (out, *shown) if v is not home)
                raise not_differentiable(
                    "CR413",
                    self.ctx.builder.loc,
                    f"{called(home, 'this array')} may share its memory with "
                    f"{called(other, 'another')}",
                    label="which elements they share is not followed",
                    help="write into a copy: x = x.copy()",
                )

    def down(self, home: Value, out: Value) -> None:
        """Write to what is the written object, or a view of it, on some path."""
        memory = self.memory
        before = now = memory.current(out)
        for stmt, k, source in memory.origins[out]:
            if memory.root(source) not in self.done:
                continue
            if not isinstance(stmt, If) or not self.tells(out):
                self.uncertain(home, out)
                continue
            now = self.choose(stmt, k, memory.again(source), now)
        if now is not before:
            self.put(out, now)

    def up(self, home: Value, stmt: Any, k: int, source: Value) -> Value | None:
        """Write to the array that the written one is, or shows, on some path."""
        memory = self.memory
        if not isinstance(stmt, If) or not self.tells(home):
            self.uncertain(home, source)
            return None
        root = memory.root(source)
        if not self.visible(root):
            return None  # made on that path, and known by no other name
        memory.open(root)
        taken = memory.current(home)
        new = self.choose(stmt, k, taken, memory.again(source))
        if root is not source:
            root, new = arrays.through(self.ctx, source, Const(...), new)
        memory.becomes(root, new)
        return root

    def visible(self, home: Value) -> bool:
        """Say whether an object was made before the path that chose it."""
        return home in reachable(self.ctx)

    def tells(self, out: Value) -> bool:
        """Say whether the test that chose a value can be read here."""
        b = self.ctx.builder
        where = self.memory.where.get(out)
        return any(where is x for x in (b.block, *b.outside))

    def choose(self, stmt: If, path: int, taken: Operand, other: Operand) -> Operand:
        """Write `taken if that path was taken else other`."""
        b = self.ctx.builder
        choice = If(stmt.test, Block(), Block(), (), b.loc)
        ops = [taken, other] if path == 0 else [other, taken]
        state = State({}, self.memory.now)
        first = Value(lt.NEVER).id
        joiner = Joiner(
            b, choice, [(choice.then, state), (choice.orelse, state)], first
        )
        hint = getattr(other, "hint", None)
        out = joiner.values(ops, [], hint)
        self.memory.now = state.now
        b.add(choice)
        for rebuild in joiner.after:
            rebuild()
        return joiner.built.get(out, out)

    def uncertain(self, home: Value, other: Value) -> None:
        """Refuse a write if another that may be the same object is still in sight."""
        home_name, name = home.hint or "this object", other.hint
        if self.memory.root(other) not in reachable(self.ctx):
            return
        raise not_differentiable(
            "CR411",
            self.ctx.builder.loc,
            f"`{home_name}` may be the same object as "
            + (f"`{name}`" if name else "another one"),
            label="a loop decides which object is written",
            help=f"write into a copy: {home_name} = {home_name}.copy()",
        )

    # ------------------------------------------------ lists of run-time length

    def lists(self, home: Value) -> None:
        """Keep lists of run-time length, and what they hold, in step."""
        memory = self.memory
        for holder in memory.stored.get(home, ()):
            if holder not in self.done:
                memory.now[holder] = Const(
                    Poison(
                        "holds an object that was written after it was added",
                        "CR412",
                        COPY,
                    )
                )
        place = memory.held.get(home)
        if place is None:
            return
        holder, key = place
        now = memory.now.get(holder, holder)
        at_run_time = isinstance(key, Apply)
        if not isinstance(now, Value) or not isinstance(now.type, lt.ListT):
            return
        if holder in self.done or (memory.is_built(now) and not at_run_time):
            return
        for root in memory.shared:
            memory.now[root] = Const(Poison(LOST, "CR412", COPY))
        if memory.is_built(now):
            for item in self.ctx.builder.elements(now) or []:
                store(self.ctx, holder, item)
        index = key.args[1] if isinstance(key, Apply) else Const(key)
        value = memory.current(home)
        elem = lt.join(lt.element_type(now.type) or lt.NEVER, type_of(value))
        content = self.ctx.builder.apply(
            prims.index_set,
            memory.refreshed(now),
            index,
            value,
            type_=lt.ListT(None, elem),
        )
        self.forget(holder, home, key)
        self.put(holder, content)

    def forget(self, holder: Value, home: Value, key: Hashable) -> None:
        """Let nobody read what may have been written through a list."""
        memory = self.memory
        lost = [v for v, lists in memory.stored.items() if holder in lists]
        lost += [
            child
            for (place, other), child in memory.parts.items()
            if place is holder and other != key
        ]
        for value in lost:
            if value is not home:
                memory.now[value] = Const(Poison(LOST, "CR412", COPY))


def share(ctx: Context, value: Operand) -> None:
    """Note that some list of run-time length holds what is known elsewhere too."""
    memory = ctx.builder.memory
    if not isinstance(value, Value) or not isinstance(value.type, lt.ArrayT):
        return
    home = memory.object(value)
    if home in memory.elements:
        memory.shared.add(memory.root(memory.elements[home]))
        return
    root = memory.root(value)
    if root in reachable(ctx):
        memory.shared.add(root)


def store(ctx: Context, holder: Value, value: Operand) -> None:
    """Note that a list of run-time length holds an object."""
    if isinstance(value, Value):
        memory = ctx.builder.memory
        for source in memory.sources(value):
            memory.stored.setdefault(source, set()).add(memory.object(holder))
