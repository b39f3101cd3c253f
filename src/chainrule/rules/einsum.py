"""`np.einsum`: the cotangent of an operand is an einsum of the others.

In: subscripts (explicit, implicit, with ellipsis) and operands. Out: for each operand,
one `np.einsum` whose subscripts are found at compile time. An index that stands twice
in the operand is put on the diagonal by an identity matrix; an index that only this
operand has is filled by broadcasting.
"""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from chainrule.ir import prims
from chainrule.rules import registry as rules
from chainrule.rules.common import conj


@rules.linear(np.einsum, wrt="operands")
def einsum(out_bar: Any, subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    """One cotangent for each operand."""
    if not isinstance(subscripts, str):
        rules.refuse("np.einsum with lists of axes: write the subscripts as a string")
    inputs, output = expanded(subscripts, tuple(np.ndim(x) for x in operands))
    return [
        operand_bar(out_bar, inputs, output, operands, k, reusable(optimize))
        for k in range(len(operands))
    ]


@rules.linear(prims.einsum_view, wrt="x")
def einsum_view(out_bar: Any, x: Any, subscripts: Any) -> Any:
    """Spread what is on the diagonal, turn the axes back."""
    inputs, output = expanded(subscripts, (np.ndim(x),))
    return operand_bar(out_bar, inputs, output, (x,), 0, False)


def operand_bar(
    out_bar: Any,
    inputs: tuple[str, ...],
    output: str,
    operands: tuple[Any, ...],
    k: int,
    optimize: Any,
) -> Any:
    """Return the cotangent of operand k."""
    x = operands[k]
    others = tuple(conj(y) for y in (*operands[:k], *operands[k + 1 :]))
    specs = (*inputs[:k], *inputs[k + 1 :])
    target, twins = distinct(inputs[k], inputs, output)
    if len(specs) == 0 and len(twins) == 0:
        return filled(out_bar, output, target, x)
    extra: tuple[Any, ...] = ()
    for first, second in twins:
        extra = (*extra, np.eye(x.shape[place(target, second)]))
        specs = (*specs, first + second)
    for letter in missing(target, output, specs):
        extra = (*extra, np.ones(x.shape[place(target, letter)]))
        specs = (*specs, letter)
    if output == "" and specs == (target,):
        return out_bar * (*others, *extra)[0]
    if nothing_is_summed((output, *specs), target):
        out = stretched(out_bar, output, target)
        for y, letters in zip((*others, *extra), specs, strict=True):
            out = out * stretched(y, letters, target)
        return out
    spec = spec_of((output, *specs), target)
    if optimize:
        return np.einsum(spec, out_bar, *others, *extra, optimize=optimize)
    return np.einsum(spec, out_bar, *others, *extra)


def filled(out_bar: Any, output: str, target: str, x: Any) -> Any:
    """Return the cotangent of the only operand: transposed, and broadcast if summed."""
    kept = common(target, output)
    turned = out_bar if kept == output else np.einsum(spec_of((output,), kept), out_bar)
    if kept == target:
        return turned
    if kept == "":
        return np.broadcast_to(turned, x.shape)
    return np.broadcast_to(turned[inserted(target, kept)], x.shape)


def stretched(x: Any, letters: str, target: str) -> Any:
    """Return an operand with an axis of size 1 for each letter that it lacks."""
    if letters == target or letters == "":
        return x
    return x[inserted(target, letters)]


@rules.static
def place(target: str, letter: str) -> int:
    """Return which axis a letter stands for."""
    return target.index(letter)


@rules.static
def nothing_is_summed(inputs: tuple[str, ...], target: str) -> bool:
    """Say whether a product has its factors' axes, in their order: it broadcasts."""
    ordered = all(
        letters == "".join(c for c in target if c in letters) for letters in inputs
    )
    return ordered and set("".join(inputs)) == set(target)


@rules.static
def common(target: str, output: str) -> str:
    """Return the letters of the operand that the result has."""
    return "".join(c for c in target if c in output)


@rules.static
def spec_of(inputs: tuple[str, ...], target: str) -> str:
    """Return the subscripts of a product."""
    return f"{','.join(inputs)}->{target}"


@rules.static
def inserted(target: str, kept: str) -> tuple[Any, ...]:
    """Return the index that adds an axis for every letter that was summed."""
    return tuple(slice(None) if c in kept else None for c in target)


@rules.static
def reusable(optimize: Any) -> Any:
    """Return the option for the transposed product: a given path does not fit it."""
    if isinstance(optimize, list | tuple):
        return "greedy" if "greedy" in optimize else True
    return optimize


@rules.static
def expanded(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Return the letters of each operand and of the result, without ellipsis."""
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    inputs = left.split(",")
    free = [c for c in string.ascii_letters if c not in subscripts]
    counts = [
        ndim - len(part.replace("...", "")) if "..." in part else 0
        for part, ndim in zip(inputs, ndims, strict=True)
    ]
    longest = max(counts, default=0)
    stack = "".join(free[:longest])
    parts = tuple(
        part.replace("...", stack[longest - count :])
        for part, count in zip(inputs, counts, strict=True)
    )
    if not arrow:
        letters = "".join(part.replace("...", "") for part in inputs)
        once = sorted(c for c in set(letters) if letters.count(c) == 1)
        return parts, stack + "".join(once)
    return parts, output.replace("...", stack)


@rules.static
def distinct(
    part: str, inputs: tuple[str, ...], output: str
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Rename letters that stand twice; return the new letters and the pairs."""
    used = set("".join(inputs) + output)
    free = iter([c for c in string.ascii_letters if c not in used])
    letters: list[str] = []
    twins: list[tuple[str, str]] = []
    for letter in part:
        if letter in letters:
            twin = next(free)
            twins.append((letter, twin))
            letters.append(twin)
        else:
            letters.append(letter)
    return "".join(letters), tuple(twins)


@rules.static
def missing(target: str, output: str, specs: tuple[str, ...]) -> tuple[str, ...]:
    """Return the letters of the operand that nothing else has."""
    known = output + "".join(specs)
    return tuple(c for c in target if c not in known)


@rules.forward(np.einsum)
def einsum_dot(
    subscripts: Any, *operands: Any, operands_dot: Any, optimize: Any = False
) -> Any:
    """Replace each operand by its tangent in turn."""
    out_dot = 0.0
    for k in range(len(operands)):
        terms = (*operands[:k], operands_dot[k], *operands[k + 1 :])
        if optimize:
            term = np.einsum(subscripts, *terms, optimize=optimize)
        else:
            term = np.einsum(subscripts, *terms)
        out_dot = term if k == 0 else out_dot + term
    return out_dot
