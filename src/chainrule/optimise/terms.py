"""A sum of products, taken apart and written with fewer operations.

In: an addition that we wrote, and what makes its operands. Out: the same sum with like
terms collected and common factors taken out: `a * x - a * y` as `a * (x - y)`, `2 * a *
x + a * x` as `3 * a * x`, `-1.0 * x + y` as `y - x`.

Only rounding changes. A factor is taken out of terms that without it are a number times
one value, or a product that was formed anyway: no product is formed that was not formed
before, so nothing overflows on the way. The weight of a mean is taken out of any terms.
Values that are read elsewhere are not taken apart.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

from chainrule.ir.nodes import Apply, Const, Operand, Value
from chainrule.specialise.algebra import is_count, is_float
from chainrule.specialise.builder import Builder
from chainrule.types import lattice as lt

add, sub, mul = operator.add, operator.sub, operator.mul
div, neg = operator.truediv, operator.neg


@dataclass(slots=True)
class Term:
    """A product: a number times values, over values."""

    number: float
    over: list[Operand]
    under: list[Operand]
    place: int = 0

    def cost(self) -> int:
        """Return how many operations it takes."""
        one = abs(self.number) == 1
        return max(0, len(self.over) - one) + len(self.under)

    def key(self) -> object:
        """Return the same for terms that differ in their number only."""
        return tuple(sorted(map(id, self.over))), tuple(sorted(map(id, self.under)))


class Sum:
    """One sum, taken apart."""

    def __init__(
        self, made: dict[Value, Apply], uses: dict[Value, int], root: Apply
    ) -> None:
        self.made, self.uses, self.root = made, uses, root
        self.terms: list[Term] = []
        self.negative = False
        self.apart(root.args[0], 1)
        self.apart(root.args[1], 1 if root.fn is add else -1)

    def own(self, op: Operand) -> Apply | None:
        """Return the operation behind an operand that nothing else reads."""
        if isinstance(op, Value) and self.uses.get(op) == 1:
            return self.made.get(op)
        return None

    def apart(self, op: Operand, sign: int) -> None:
        """Note the terms of an operand of the sum."""
        stmt = self.own(op)
        if stmt is not None and stmt.fn in (add, sub):
            self.apart(stmt.args[0], sign)
            self.apart(stmt.args[1], sign if stmt.fn is add else -sign)
            return
        term = Term(sign, [], [], len(self.terms))
        self.factors(op, term, False)
        self.terms.append(term)

    def factors(self, op: Operand, term: Term, under: bool) -> None:
        """Note the factors of an operand of a product."""
        stmt = self.own(op)
        if isinstance(op, Const) and type(op.value) in (int, float) and not under:
            term.number *= op.value
            self.negative |= op.value < 0
        elif stmt is not None and stmt.fn is mul and not under:
            for a in stmt.args:
                self.factors(a, term, False)
        elif stmt is not None and stmt.fn is div and not under:
            self.factors(stmt.args[0], term, False)
            self.factors(stmt.args[1], term, True)
        elif stmt is not None and stmt.fn is neg and not under:
            term.number = -term.number
            self.factors(stmt.args[0], term, False)
        else:
            (term.under if under else term.over).append(op)

    # ------------------------------------------------------------- writing

    def written(self) -> list[Apply] | None:
        """Return the statements before a shorter sum; the root then is the last."""
        if not self.repeats() and not self.signs():
            return None
        if not all(math.isfinite(t.number) for t in self.terms):
            return None
        signs = self.signs()
        like = self.like_terms()
        groups = self.groups()
        if not (signs or like or groups):
            return None
        b = Builder(algebra=True)
        b.loc = self.root.loc
        total = self.add_up(b, [*groups, *((None, [t]) for t in self.terms)])
        last = b.defs.get(total) if isinstance(total, Value) else None
        if last is None or not lt.same_kind(last.out.type, self.root.out.type):
            return None
        self.root.fn, self.root.args = last.fn, last.args
        self.root.form, self.root.text = last.form, last.text
        return [s for s in b.defs.values() if s is not last]

    def repeats(self) -> bool:
        """Say whether two terms have a factor in common, or none at all."""
        seen: set[Operand | None] = set()
        for term in self.terms:
            mine: set[Operand | None] = {*term.over, *term.under} or {None}
            if mine & seen:
                return True
            seen |= mine
        return False

    def signs(self) -> bool:
        """Say whether a negative number is written where a minus would do."""
        return self.negative and any(t.number > 0 for t in self.terms)

    def like_terms(self) -> bool:
        """Add up the numbers of like terms."""
        first: dict[object, Term] = {}
        for term in self.terms:
            key = term.key()
            if key in first:
                first[key].number += term.number
            else:
                first[key] = term
        merged = len(first) < len(self.terms)
        self.terms = list(first.values())
        return merged

    def groups(self) -> list[tuple[Term | None, list[Term]]]:
        """Take terms with a common factor out of the sum, group by group."""
        found: list[tuple[Term | None, list[Term]]] = []
        while (group := self.group()) is not None:
            found.append(group)
        return found

    def group(self) -> tuple[Term, list[Term]] | None:
        """Return a factor and what it multiplies, if that takes fewer operations."""
        count: dict[Operand, int] = {}
        for side in ("over", "under"):
            for t in self.terms:
                for f in dict.fromkeys(getattr(t, side)):
                    count[f] = count.get(f, 0) + 1
        several = [f for f, n in count.items() if n > 1]
        for f in sorted(several, key=count.__getitem__, reverse=True):
            for side in ("over", "under"):
                mine = [t for t in self.terms if f in getattr(t, side)]
                group = _factored(mine, self.is_weight)
                if group is not None:
                    self.terms = [
                        t for t in self.terms if not any(t is m for m in mine)
                    ]
                    return group
        return None

    def is_weight(self, op: Operand) -> bool:
        """Say whether an operand is a number over a count, as in a mean."""
        stmt = self.made.get(op)  # type: ignore[arg-type]
        if stmt is None or stmt.fn is not div or not isinstance(stmt.args[0], Const):
            return False
        return is_count(stmt.args[1])

    def add_up(
        self, b: Builder, groups: list[tuple[Term | None, list[Term]]]
    ) -> Operand | None:
        """Write the sum of groups; one that is not negative comes first."""
        total: Operand | None = None
        parts = sorted(groups, key=lambda part: part[1][0].place)
        first = next((part for part in parts if _sign(part) > 0), parts[0])
        for common, terms in [first, *(p for p in parts if p is not first)]:
            if common is None:
                [term] = terms
                value, sign = _product(b, term, None), term.number
            else:
                inner = self.add_up(b, [(None, [t]) for t in terms])
                value, sign = _product(b, common, inner), common.number
            if total is None:
                total = value if sign >= 0 else b.apply(neg, value)
            else:
                total = b.apply(add if sign >= 0 else sub, total, value)
        return total


def _sign(part: tuple[Term | None, list[Term]]) -> float:
    common, terms = part
    return (common or terms[0]).number


def _factored(
    terms: list[Term], is_weight: Callable[[Operand], bool]
) -> tuple[Term, list[Term]] | None:
    """Return the common factor of terms and what is left of each, if that is less."""
    if len(terms) < 2:
        return None
    over, under = terms[0].over, terms[0].under
    for t in terms[1:]:
        over, under = _common(over, t.over), _common(under, t.under)
    number = abs(terms[0].number)
    if number == 0:
        return None  # like terms that cancel
    if number == 0 or any(abs(t.number) != number for t in terms):
        number = 1
    if all(t.number < 0 for t in terms):
        number = -number
    common = Term(number, over, under)
    light = all(map(is_weight, common.over)) and not common.under
    left = []
    for t in terms:
        rest = Term(
            t.number / number, _without(t.over, over), _without(t.under, under), t.place
        )
        before = not t.under and rest.over == t.over[: len(rest.over)]
        new = not light and (rest.under or (len(rest.over) > 1 and not before))
        if new or not _is_real(rest):
            return None
        left.append(rest)
    now = sum(t.cost() for t in terms)
    times = 1 if common.over or abs(number) != 1 else 0
    after = common.cost() + times + sum(t.cost() for t in left)
    return (common, left) if after < now else None


def _is_real(term: Term) -> bool:
    """Say whether a product is computed in floats all along, or is a number."""
    floats = [op for op in (*term.over, *term.under) if is_float(op)]
    rest = len(term.over) + len(term.under) - len(floats)
    return not rest or (rest == 1 and bool(floats))


def _common(ops: list[Operand], others: list[Operand]) -> list[Operand]:
    """Return the operands that are among others as often, in order."""
    rest = list(others)
    out = []
    for op in ops:
        if op in rest:
            rest.remove(op)
            out.append(op)
    return out


def _without(ops: list[Operand], gone: list[Operand]) -> list[Operand]:
    """Return the operands that are left, in order."""
    rest = list(gone)
    out = []
    for op in ops:
        if op in rest:
            rest.remove(op)
        else:
            out.append(op)
    return out


def _product(b: Builder, term: Term, inner: Operand | None) -> Operand:
    """Write a term without its sign, times the sum that it is the factor of."""
    number = abs(term.number)
    over = [*term.over, *([] if inner is None else [inner])]
    value: Operand = Const(number)
    if over:
        value = over[0]
        if number != 1:
            value = b.apply(mul, Const(_whole(number)), value)
        for op in over[1:]:
            value = b.apply(mul, value, op)
    for op in term.under:
        value = b.apply(div, value, op)
    return value


def _whole(number: float) -> float:
    """Return a whole number as Python's integers print."""
    return int(number) if number == int(number) else number
