"""Whole small programs made by hypothesis, as source text.

In: nothing. Out: `programs()`, a strategy of `Program`s: a module's text with helpers
and a function `f`, and arguments for it. Every program runs: its values stay bounded
(what is assigned passes through a bounded function), and each loop ends. What a branch
compares is kept away from ties by constants with odd digits, so that differences apply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

SCALARS = ("a", "b", "c")
VECTORS = ("u", "v", "w")
UNARY = ("sin", "cos", "tanh", "arctan")
HEADER = '''"""Made by tests/strategies.py."""
import math

import numpy as np


def squash(x):
    return x / (1 + x * x)


def pick(x, y, n=2):
    if n % 2:
        return np.tanh(x) + 0.3 * y
    for i in range(n):
        x = 0.5 * x * y + 0.1 * i
        if np.sum(x) > 1.2345:
            return np.sin(x) * y
    return np.cos(x) - y


def both(x, y):
    return np.sin(x) * y, x - 0.5 * y
'''


@dataclass(frozen=True)
class Program:
    """The text of a module and how to call its function `f`."""

    source: str
    args: tuple[Any, ...]

    def __repr__(self) -> str:
        return f"{self.source}\n# f{self.args!r}"


@cache
def constants() -> st.SearchStrategy[str]:
    """Return numbers that no computed value ties with."""
    return st.integers(-19, 19).map(lambda n: f"{n / 10 + 0.0137:.4f}")


@cache
def expressions(kind: str, depth: int) -> st.SearchStrategy[str]:
    """Return expressions of one kind (`scalar` or `vector`) over the variables."""
    names = st.sampled_from(SCALARS if kind == "scalar" else VECTORS)
    if depth == 0:
        return names if kind == "vector" else st.one_of(names, constants())
    inner = expressions(kind, depth - 1)
    scalar = expressions("scalar", depth - 1)
    pair = st.tuples(inner, inner)
    options = [
        names,
        pair.map(lambda p: f"({p[0]} + {p[1]})"),
        pair.map(lambda p: f"({p[0]} - {p[1]})"),
        pair.map(lambda p: f"({p[0]} * {p[1]})"),
        inner.map(lambda e: f"squash({e})"),
        inner.map(lambda e: f"({e}) ** 2"),
        inner.map(lambda e: f"(-{e})"),
        pair.map(lambda p: f"({p[0]} / (2 + ({p[1]}) ** 2))"),
        st.tuples(inner, inner, st.integers(0, 3)).map(
            lambda t: f"pick({t[0]}, {t[1]}, n={t[2]})"
        ),
        st.tuples(inner, inner, conditions()).map(
            lambda t: f"({t[0]} if {t[2]} else {t[1]})"
        ),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda t: f"np.{t[0]}({t[1]})"),
    ]
    if kind == "vector":
        options += [
            st.tuples(scalar, inner).map(lambda t: f"({t[0]} * {t[1]})"),
            inner.map(lambda e: f"({e})[::-1]"),
            inner.map(lambda e: f"np.cumsum({e})"),
            pair.map(lambda p: f"np.where({p[0]} > 0.1234, {p[1]}, {p[0]})"),
            pair.map(lambda p: f"np.concatenate([({p[0]})[1:], ({p[1]})[:1]])"),
        ]
    else:
        vector = expressions("vector", depth - 1)
        options += [
            vector.map(lambda e: f"np.sum({e})"),
            vector.map(lambda e: f"({e})[1]"),
            st.tuples(vector, vector).map(lambda p: f"np.dot({p[0]}, {p[1]})"),
            inner.map(lambda e: f"sum(t * {e} for t in v)"),
            inner.map(lambda e: f"math.exp(-abs({e}))"),
        ]
    return st.one_of(options)


@cache
def conditions() -> st.SearchStrategy[str]:
    """Return tests that do not change under small differences."""
    simple = st.tuples(
        st.sampled_from(SCALARS), st.sampled_from(["<", ">"]), constants()
    ).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
    joined = st.tuples(simple, st.sampled_from(["and", "or"]), simple).map(
        lambda t: f"({t[0]} {t[1]} {t[2]})"
    )
    return st.one_of(simple, joined, simple.map(lambda c: f"not {c}"), st.just("n > 1"))


def indented(lines: list[str]) -> list[str]:
    """Return lines one level deeper."""
    return ["    " + line for line in lines]


@cache
@st.composite
def assignments(draw: st.DrawFn) -> list[str]:
    """Draw an assignment of a bounded value."""
    form = draw(st.integers(0, 6))
    scalar = draw(expressions("scalar", 2))
    vector = draw(expressions("vector", 2))
    s, t = draw(st.permutations(SCALARS))[:2]
    p, q = draw(st.permutations(VECTORS))[:2]
    return [
        [f"{s} = np.sin({scalar})"],
        [f"{p} = np.tanh({vector})"],
        [f"{s}, {t} = both({s}, {t})"],
        [f"{p}, {q} = both({vector}, {q})", f"{p} = squash({p})", f"{q} = squash({q})"],
        [f"{s} += 0.1 * squash({scalar})"],
        [f"d = {{'s': {s}, 'p': [{p}, {q}]}}", f"{p} = squash(d['p'][1] * d['s'])"],
        [f"{s} = sum([np.sin(e) * {t} for e in {p} if e < 0.4321])"],
    ][form]


@cache
@st.composite
def blocks(draw: st.DrawFn, depth: int, loop: bool) -> list[str]:
    """Draw one to three statements; `loop` allows `break` and `continue`."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(statements(depth, loop))
    return lines


@cache
@st.composite
def statements(draw: st.DrawFn, depth: int, loop: bool) -> list[str]:
    """Draw an assignment, a branch, a loop, or a way out."""
    kinds = ["assign"] * 3
    if depth:
        kinds += ["if", "if", "for", "while", "zip"]
    if loop:
        kinds += ["break", "continue"]
    kinds += ["return"] if depth < 2 else []
    kind = draw(st.sampled_from(kinds))
    if kind == "assign":
        return draw(assignments())
    if kind in ("break", "continue"):
        return [f"if {draw(conditions())}:", f"    {kind}"]
    if kind == "return":
        value = draw(expressions("scalar", 1))
        return [f"if {draw(conditions())}:", f"    return {value} + np.sum(u)"]
    body = indented(draw(blocks(depth - 1, loop or kind != "if")))
    if kind == "if":
        lines = [f"if {draw(conditions())}:", *body]
    elif kind == "for":
        lines = [f"for i{depth} in range({draw(st.sampled_from(['n', '2', '0']))}):"]
        lines += [f"    c = c + 0.1 * i{depth}", *body]
    elif kind == "zip":
        lines = [f"for e{depth}, g{depth} in zip(u, v):"]
        lines += [f"    b = np.sin(b + e{depth} * g{depth})", *body]
    else:
        lines = [f"k{depth} = 0", f"while k{depth} < n and a < 1.3579:"]
        lines += [f"    k{depth} += 1", *body]
    if draw(st.booleans()):
        lines += ["else:", *indented(draw(blocks(depth - 1, loop and kind == "if")))]
    return lines


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Draw a program: `f(a, u, b, n)` with some statements and a result."""
    lines = ["c = a * b", "v = u * a", "w = np.sin(u) + b"]
    for _ in range(draw(st.integers(1, 4))):
        lines += draw(statements(2, False))
    result = draw(expressions("scalar", 1))
    lines.append(f"return {result} + np.sum(w * v) + a * b + np.sin(c)")
    body = "\n".join(indented(lines))
    numbers = np.random.default_rng(draw(st.integers(0, 10**6)))
    vector = numbers.normal(size=3).round(3)
    a, b = (float(x) for x in numbers.normal(size=2).round(3))
    args = (a, vector, b, draw(st.integers(0, 3)))
    return Program(f"{HEADER}\n\ndef f(a, u, b, n):\n{body}\n", args)
