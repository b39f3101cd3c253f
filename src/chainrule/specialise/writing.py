"""Write into an object, and into all that may be the same object.

In: an object and what it holds from now on. Out: the memory after it. Of two objects
that a branch chose from, each gets the new content where it was the one. Where that is
not known (a loop handed objects on), the write is refused, unless nobody can see the
others any more.
"""

from __future__ import annotations

import operator
from collections.abc import Container
from typing import Any

import numpy as np

from chainrule.errors import not_differentiable
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Block, Const, If, Operand, Value
from chainrule.specialise import arrays, cycles, mirrors, outside_state
from chainrule.specialise.builder import type_of
from chainrule.specialise.frames import Context, State
from chainrule.specialise.joins import Joiner
from chainrule.specialise.memory import Iterated, Memory
from chainrule.specialise.pools import Place
from chainrule.specialise.reach import reachable
from chainrule.specialise.values import Poison
from chainrule.types import lattice as lt

COPY = "put a copy into the list: items.append(x.copy())"
MANY = 24
LOST = Const(Poison("may have been written through a list", "CR412", COPY))


def write(ctx: Context, op: Operand, content: Operand) -> None:
    """Let an object hold something else from here on."""
    outside_state.begin_again(ctx, op)
    if not isinstance(op, Value):
        raise outside(ctx, op)
    memory = ctx.builder.memory
    home = memory.object(op)
    source = memory.b.definition(home)
    if source is not None and source.fn is prims.live:
        raise outside(ctx, Const(None, source.args[0].text))  # type: ignore[union-attr]
    memory.open(home)
    Write(ctx).run(home, cycles.cut(memory.b, home, content))


def known_outside(ctx: Context, where: str, what: str) -> Exception:
    """Return the error for a write of a function that is compiled on its own, of which
    the program around it cannot be told.
    """
    return not_differentiable(
        "CR417",
        ctx.builder.loc,
        f"{where} writes into {what}, which is known outside of it",
        label="called here",
        help="let it write into a copy, and return that",
    )


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
        self.waiting: set[Value] = set()
        self.fed: set[Value] = set()
        self.shown: set[Value] = set()
        self.written: Value | None = None
        self.way: list[Value] = []  # what was chosen from what, to what is written now
        self.overtaken: set[Value] = set()

    def run(self, home: Value, content: Operand) -> None:
        """Let an object hold something else, and all that may be the same.

        What was chosen from several that are written is written after all of these.
        """
        self.written = home
        self.put(home, content)
        self.renew_choices()
        while self.waiting:
            out = min(self.waiting, key=lambda v: v.id)
            self.waiting.remove(out)
            if out not in self.done:
                self.down(out)
                self.renew_choices()

    def put(self, home: Value, content: Operand, mirrored: bool = True) -> None:
        """Let one object hold something else, and what it was chosen from."""
        memory = self.memory
        if any(memory.object(v) is home for v in memory.iterated):
            raise Iterated(home)
        self.check_frozen(home)
        self.check_length(home, content)
        self.check_number(home)
        self.check_tuples(home)
        for above in ancestors(memory, home):
            if above in memory.elements:
                raise Iterated(memory.root(memory.elements[above]))
        memory.becomes(home, content)
        self.done.add(home)
        self.lists(home)
        self.waiting.update(memory.users.get(home, ()))
        self.way.append(home)
        for origin in sorted(memory.origins.get(home, ()), key=self.is_chosen):
            root = self.up(home, *origin)
            if root is not None:
                self.fed.add(root)
                self.done.add(root)
                users = memory.users.get(root, ())
                self.overtaken.update(v for v in users if v not in self.way)
                self.put(root, memory.current(root))
        self.way.pop()
        for other, mirror in self.ctx.mirrors.get(home, ()) if mirrored else ():
            now = memory.current(other)
            seen = mirrors.seen(memory.b, mirror, memory.current(home), now)
            if other in self.done:  # as where one of both was chosen
                memory.becomes(other, seen)
            else:
                self.fed.add(other)
                self.put(other, seen, False)
        for twin in sorted(memory.twins.get(home, ()), key=lambda v: v.id):
            self.uncertain(home, twin)

    def renew_choices(self) -> None:
        """Choose again what was written before one of those it was chosen from.

        That had a write of its own, on a path that does not lead over the choice.
        """
        memory = self.memory
        while old := (self.overtaken & self.done) - {self.written}:
            out = min(old, key=lambda v: v.id)
            self.overtaken.remove(out)
            content = memory.current(out)
            for stmt, k, source in memory.origins[out]:
                followed = memory.root(source) in self.done
                if followed and isinstance(stmt, If) and self.tells(out):
                    content = self.choose(stmt, k, memory.again(source), content)
            memory.becomes(out, content)
            self.overtaken.update(memory.users.get(out, ()))
        self.overtaken.clear()

    def is_chosen(self, origin: Any) -> bool:
        """Say whether an object was chosen from one that was itself chosen."""
        return self.memory.root(origin[2]) in self.memory.origins

    def feeds(self, home: Value, root: Value) -> bool:
        """Say whether what an object holds now is to go to what it was chosen from.

        That may be written by several views of it; but not by what only shows it.
        """
        return root not in self.done or (root in self.fed and home not in self.shown)

    def check_tuples(self, home: Value) -> None:
        """Refuse a write to an element of a tuple that only the run picks."""
        memory = self.memory
        for op in ancestors(memory, home):
            holder, key = memory.held.get(op, (op, None))
            if isinstance(key, Apply) and isinstance(holder.type, lt.TupleT):
                raise not_differentiable(
                    "CR412",
                    self.ctx.builder.loc,
                    f"{called(home, 'this object')} is an element of a tuple",
                    label="which element it is, is known only at run time",
                    help="choose it with `if`: y = a if k == 0 else b",
                )

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

    def check_number(self, home: Value) -> None:
        """Refuse to write to one of very many objects that tests chose from."""
        if len(self.done) > MANY:
            raise not_differentiable(
                "CR411",
                self.ctx.builder.loc,
                f"{called(home, 'this object')} may be one of very many",
                label="which of them is written is known only at run time",
                help="keep its position, and write by position",
            )

    def check_frozen(self, home: Value) -> None:
        """Refuse a write to what another array may show in a way not followed, or
        what was kept outside of the function.
        """
        memory = self.memory
        for kept in memory.escaped:
            if memory.root(kept) in map(memory.root, ancestors(memory, home)):
                raise not_differentiable(
                    "CR104",
                    self.ctx.builder.loc,
                    f"write to {called(home, 'an object')}, which is kept outside of"
                    " the function",
                    label="what is kept there changes with it",
                    help="keep a copy outside: log.append(x.copy())",
                )
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

    def down(self, out: Value) -> None:
        """Write to what is a written object, or a view of it, on some path."""
        content = self.memory.current(out)
        for stmt, k, source in self.memory.origins[out]:
            root = self.memory.root(source)
            if root not in self.done:
                continue
            if not isinstance(stmt, If) or not self.tells(out):
                self.uncertain(root, out)
                return
            content = self.choose(stmt, k, self.memory.again(source), content)
        self.shown.add(out)
        self.put(out, content)

    def up(self, home: Value, stmt: Any, k: int, source: Value) -> Value | None:
        """Write to the array that the written one is, or shows, on some path."""
        memory = self.memory
        root = memory.root(source)
        if not self.feeds(home, root):
            return None
        if not isinstance(stmt, If) or not self.tells(home):
            self.uncertain(home, source)
            return None
        followed = root in self.done or root in memory.origins
        if not followed and not self.visible(root):
            return None  # made on that path, and known by no other name
        if not memory.b.sees(root) and not self.read_here(root):
            self.uncertain(home, source)
            return None
        self.refresh(root)
        memory.open(root)
        taken = memory.current(home)
        new = self.choose(stmt, k, taken, memory.again(source))
        if root is not source:
            root, new = arrays.through(self.ctx, source, Const(...), new)
        memory.becomes(root, new)
        return root

    def refresh(self, out: Value) -> bool:
        """Let what was chosen show what it was chosen from holds now.

        Say whether that may have changed.
        """
        memory = self.memory
        if out in self.done:
            return True
        content = before = memory.current(out)
        for stmt, k, source in memory.origins.get(out, ()):
            changed = self.refresh(memory.root(source))
            if changed and isinstance(stmt, If) and self.tells(out):
                content = self.choose(stmt, k, memory.again(source), content)
        if content is before:
            return False
        memory.becomes(out, content)
        return True

    def read_here(self, home: Value) -> bool:
        """Read an element of a list again that was read on another path."""
        place = self.memory.pools.place(home)
        if place is None or len(place.chain) > 1:
            return place is None
        index = place.index
        if isinstance(index, Value) and not self.memory.b.sees(index):
            return False
        b = self.memory.b
        new = b.apply(operator.getitem, self.memory.current(place.holder), index)
        forget_read(self.memory, place.holder, new)
        self.renew(home, new)
        return True

    def visible(self, home: Value) -> bool:
        """Say whether an object was made before the path that chose it."""
        return home in reachable(self.ctx)

    def tells(self, out: Value) -> bool:
        """Say whether the test that chose a value can be read here."""
        return out in self.memory.where and self.ctx.builder.sees(out)

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
        root, seen = self.memory.root(other), reachable(self.ctx)
        if root not in seen and not (self.chosen_from(root, home) & seen):
            return
        raise not_differentiable(
            "CR411",
            self.ctx.builder.loc,
            f"`{home_name}` may be the same object as "
            + (f"`{name}`" if name else "another one"),
            label="a loop decides which object is written",
            help=f"write into a copy: {home_name} = {home_name}.copy()",
        )

    def chosen_from(self, root: Value, home: Value) -> set[Value]:
        """Return what may be an object, or show it, and is not chosen from `home`."""
        found: set[Value] = set()
        todo = [root]
        while todo:
            for out in self.memory.users.get(todo.pop(), ()):
                if out is not home and out not in self.done and out not in found:
                    found.add(out)
                    todo.append(out)
        return found

    # ------------------------------------------------ lists of run-time length

    def lists(self, home: Value) -> None:
        """Keep lists of run-time length, and what they hold, in step."""
        memory, pools = self.memory, self.memory.pools
        place = pools.place(home)
        for holder in memory.stored.get(home, ()):
            if holder not in self.done and not (place and holder is place.holder):
                self.stale(holder)
        chain = ancestors(memory, home)
        own = [pool for op in chain for pool in pools.of(op)]
        if place is None:
            for pool in own:
                self.lose(pools.lists(pool) - {*chain}, chain)
            return
        if place.holder is home:
            return
        pools.open(place.holder)
        if pools.is_twice(place):
            raise not_differentiable(
                "CR412",
                self.ctx.builder.loc,
                f"{called(home, 'this object')} may be in a list more than once",
                label="which elements this changes is known only at run time",
                help=COPY,
            )
        known, others = pools.objects(place.holder), pools.lists(place.holder)
        self.put_back(place)
        self.lose(others - {*chain}, chain)
        for op in [op for op in known if op not in chain and not own]:
            if isinstance(op.type, lt.OptionalT) or type(op.type) is type(home.type):
                self.stale(op)

    def stale(self, home: Value) -> None:
        """Let nobody read an object, nor what may be it, as it was before."""
        memory = self.memory
        todo, seen = [home], set[Value]()
        while todo:
            op = todo.pop()
            if op in seen or op in self.done:
                continue
            seen.add(op)
            todo += memory.users.get(op, [])
            holder, key = memory.held.get(op, (op, None))
            if isinstance(key, Apply):  # any element of what it was picked from
                picked = memory.b.elements(holder) or []
                todo += [memory.object(e) for e in picked if isinstance(e, Value)]
            if memory.b.sees(op):
                memory.open(op)  # an argument it is part of has changed too
                memory.now[op] = LOST

    def put_back(self, place: Place) -> None:
        """Write an element that has changed into the list that holds it."""
        memory, b = self.memory, self.ctx.builder
        holder, element = place.holder, place.chain[-1]
        now = memory.now.get(holder, holder)
        memory.pools.back = element
        value = memory.current(element)
        elem = lt.join(lt.element_type(type_of(now)) or lt.NEVER, type_of(value))
        content = b.apply(
            prims.index_set,
            memory.refreshed(now),
            place.index,
            value,
            type_=lt.ListT(None, elem),
        )
        memory.pools.back = None
        if memory.pools.is_twice(place):
            raise not_differentiable(
                "CR412",
                b.loc,
                f"{called(element, 'this object')} may be in a list more than once",
                label="which elements this changes is known only at run time",
                help=COPY,
            )
        if holder in self.done:  # another element of it has been written
            self.put_once_more(holder, content)
        else:
            self.put(holder, content)
        self.read_again(place)

    def put_once_more(self, home: Value, content: Operand) -> None:
        """Let a list that has just been written hold something else once more."""
        memory = self.memory
        memory.becomes(home, content)
        for out in memory.users.get(home, ()):
            self.uncertain(home, out)
        above = memory.pools.place(home)
        if above is not None:
            self.put_back(above)

    def read_again(self, place: Place) -> None:
        """Let the other elements that were read be what the list holds now."""
        memory, b = self.memory, self.ctx.builder
        for (base, key), child in list(memory.parts.items()):
            if base is not place.holder or child in self.done:
                continue
            if not b.sees(child):
                self.stale(child)
                continue
            index = key.args[1] if isinstance(key, Apply) else Const(key)
            now = memory.current(base)
            new = b.apply(operator.getitem, now, index)
            forget_read(memory, base, new)
            self.renew(child, new)

    def renew(self, home: Value, new: Operand) -> None:
        """Let an object that was read, and its parts, be what was read again."""
        memory, b = self.memory, self.ctx.builder
        memory.becomes(home, new)
        for out in memory.users.get(home, ()):
            self.stale(out)
        for (base, key), child in list(memory.parts.items()):
            if base is not home:
                continue
            if isinstance(key, Apply) and not b.sees(child):
                self.stale(child)
                continue
            index = key.args[1] if isinstance(key, Apply) else Const(key)
            fn = getattr if isinstance(home.type, lt.ObjT) else operator.getitem
            part = b.apply(fn, new, index)
            forget_read(memory, home, part)
            self.renew(child, part)

    def lose(self, lists: set[Value], chain: Container[Value]) -> None:
        """Let nobody read lists that may hold what was written, nor what is in them."""
        memory = self.memory
        for other in sorted(lists, key=lambda v: v.id):
            if other in self.done:
                continue
            if any(memory.object(v) is other for v in memory.iterated):
                raise Iterated(other)
            now = memory.now.get(other, other)
            items = memory.pools.items(now) if memory.is_built(now) else []  # type: ignore[arg-type]
            self.stale(other)
            for item in map(memory.object, items):
                if item not in chain:
                    self.stale(item)
        todo = list(lists)
        while todo:
            holder = todo.pop()
            for (base, _), child in list(memory.parts.items()):
                if base is holder and child not in chain and child not in self.done:
                    self.stale(child)
                    todo.append(child)


def ancestors(memory: Memory, home: Value) -> list[Value]:
    """Return an object and the containers that it was read from."""
    found = [home]
    while (place := memory.held.get(found[-1])) is not None:
        found.append(place[0])
    return found


def forget_read(memory: Memory, base: Value, op: Operand) -> None:
    """Know a read for no element of its own."""
    stmt = memory.b.definition(op)
    if isinstance(op, Value) and memory.parts.get((base, stmt)) is op:
        del memory.parts[base, stmt]
        memory.held.pop(op, None)


def store(ctx: Context, holder: Value, value: Operand) -> None:
    """Note that a list of run-time length holds an object."""
    if isinstance(value, Value):
        memory = ctx.builder.memory
        for source in memory.sources(value):
            memory.stored.setdefault(source, set()).add(memory.object(holder))
