"""What a function whose derivative is taken writes into, beyond itself.

In: the memory before and after the function was interpreted with parameters of its own,
and for which operand each of these stands. Out: the contents to keep through the
derivative; then, once its statements stand in the program, the memory after the call.
What cannot be told apart (two names for one array, of which one is written) is refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from chainrule.ir.nodes import Block, Const, Operand, Value, operands
from chainrule.ir.walk import statements
from chainrule.specialise import arrays, writing
from chainrule.specialise.frames import Context
from chainrule.specialise.joins import layout_of, make, read_parts
from chainrule.specialise.memory import Now, is_mutable
from chainrule.types import lattice as lt


@dataclass(eq=False)
class Outside:
    """What there was before the function: the memory, and values older than `first`.

    `given` says for which operand each parameter, or container of such, stands, and
    `parts` what such a container consists of.
    """

    ctx: Context
    where: str
    before: Now
    first: int = 0
    given: dict[Value, Operand] = field(default_factory=dict)
    parts: dict[Operand, list[Operand]] = field(default_factory=dict)
    seen: set[Value] = field(default_factory=set)
    mirrored: set[Value] = field(default_factory=set)
    passed: list[tuple[Operand, Operand]] = field(default_factory=list)
    known: list[tuple[Hashable, Operand]] = field(default_factory=list)

    @property
    def contents(self) -> tuple[Operand, ...]:
        """What is written, in the order of `restore`."""
        return tuple(op for _, op in (*self.passed, *self.known))

    def keep_in_step(self) -> None:
        """Let parameters share memory as the arguments do that they stand for."""
        mirrors, memory = self.ctx.mirrors, self.ctx.builder.memory
        stands = {
            memory.object(op): param
            for param, op in self.given.items()
            if isinstance(op, Value)
        }
        for home in [h for h in mirrors if h in stands]:
            others = mirrors[home]
            if all(other in stands for other, _ in others):
                self.mirrored.add(home)
                mirrors[stands[home]] = [(stands[other], m) for other, m in others]

    def collect(self, params: list[Operand], block: Block) -> None:
        """Find what was written; the memory is as before again."""
        memory = self.ctx.builder.memory
        read = self.read(block)
        for param in params:
            self.param(param)
        for key, op in list(memory.now.items()):
            if self.is_known(key) and self.before.get(key) is not op:
                if isinstance(key, Value):
                    self.known.append((key, self.held(memory.current(key))))
                else:  # a variable: which object it means now
                    self.known.append((key, self.part(op)))
        self.check_apart(read)
        memory.now = dict(self.before)

    def read(self, block: Block) -> set[Value]:
        """Return the arrays that the function reads by names of its surroundings."""
        memory = self.ctx.builder.memory
        return {
            memory.root(op)
            for stmt in statements(block)
            for op in operands(stmt)
            if isinstance(op, Value) and self.is_known(op) and is_mutable(op.type)
        }

    def is_known(self, key: Hashable) -> bool:
        """Say whether the program around has an object, or a variable."""
        if isinstance(key, Value):
            return key.id < self.first and key not in self.given
        return key in self.before

    def param(self, param: Operand) -> None:
        """Note what an argument holds at the end, and what its parts do."""
        memory = self.ctx.builder.memory
        if not isinstance(param, Value) or param not in self.given:
            return
        final = memory.current(param)
        if final is param:
            return
        target = self.given[param]
        if layout_of(param) is None:
            self.passed.append((target, final))
            return
        parts = self.parts[param]
        for part in parts:
            self.param(part)
        if layout_of(final) == layout_of(param):
            finals = read_parts(self.ctx.builder, final)
            if all(map(self.is_same, parts, finals)):
                return
        self.passed.append((target, self.held(final)))

    def is_same(self, one: Operand, two: Operand) -> bool:
        """Say whether a container still has the same object, or number, in a place."""
        return one is two or self.ctx.builder.memory.same(one, two)

    def held(self, op: Operand) -> Operand:
        """Return a content as it is told outside: of objects that are known there."""
        layout = layout_of(op)
        if layout is None:
            elem = getattr(getattr(op, "type", None), "elem", None)
            if isinstance(elem, lt.Type) and is_mutable(elem):
                raise self.refused("a list of which the length is not known")
            return op
        parts = [self.part(p) for p in read_parts(self.ctx.builder, op)]
        return make(self.ctx.builder, layout, parts)

    def part(self, op: Operand) -> Operand:
        """Return a part of a container that is known outside."""
        if not isinstance(op, Value) or not is_mutable(op.type):
            return op
        memory = self.ctx.builder.memory
        home = memory.object(op)
        if home in self.given:
            return self.given[home]
        if self.is_known(home):
            return home
        if memory.root(home) is not home or home in memory.origins or home in self.seen:
            raise self.refused("an object that has other names")
        self.seen.add(home)
        return self.held(memory.current(home))

    def check_apart(self, read: set[Value]) -> None:
        """Refuse two names for what is written, one of them an argument."""
        memory = self.ctx.builder.memory
        written = {memory.root(k) for k, _ in self.known if isinstance(k, Value)}
        passed = [target for target, _ in self.passed]
        arrays = [op for op in self.given.values() if is_array(op)]
        for op in arrays:
            seen = set(written)
            if op in passed:
                others = [memory.sources(one) for one in arrays if one is not op]
                apart = self.ctx.mirrors.keys() - self.mirrored
                seen = seen.union(read, apart, *others)
            if memory.sources(op) & seen:
                raise self.refused("an array that it sees by two names")

    def refused(self, what: str) -> Exception:
        """Return the error for a write that the program around cannot be told of."""
        return writing.known_outside(self.ctx, self.where, what)

    def restore(self, contents: Iterable[Operand]) -> None:
        """Let everything hold what was written, as the program around knows it."""
        memory = self.ctx.builder.memory
        written = iter(contents)
        for target, _ in self.passed:
            arrays.hold(self.ctx, target, next(written))
        for key, _ in self.known:
            content = next(written)
            if isinstance(key, Value):
                memory.becomes(key, content)
            else:
                memory.now[key] = content


def is_array(op: Operand) -> bool:
    """Say whether an operand is an array, known when the program is made or not."""
    if isinstance(op, Const):
        return hasattr(op.value, "__array__")
    return isinstance(op, Value) and isinstance(op.type, lt.ArrayT)
