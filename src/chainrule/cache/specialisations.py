"""Specialisations: for each derivative, the few that were built, behind one entry.

In: a `Request`. Out: a `Dispatcher` with `entry` (call it like the function, for
gradients) and `find` (the specialisation for given arguments). Reading takes no lock; a
miss compiles under one and puts the new specialisation first. Never more than `LIMIT`
are kept.
"""

from __future__ import annotations

import functools
import itertools
import os
import re
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from chainrule.arguments import as_real, map_leaves, require_number
from chainrule.cache.entry import (
    bind_text,
    check_text,
    compile_function,
    entry_text,
    swap,
)
from chainrule.cache.guards import Guard, make_guard
from chainrule.cache.lock import compiling
from chainrule.cache.signatures import Parameters, parameters_of
from chainrule.debugging import log
from chainrule.errors import NotDifferentiable
from chainrule.request import Built, Request, check_result
from chainrule.types.lattice import consumed

LIMIT = 8
# After so many specialisations the next one is for arrays of all sizes, 1 included.
GENERAL_AFTER = 4
Values = tuple[Any, ...]
# For who wants to see them all, as tests do.
DISPATCHERS: weakref.WeakSet[Dispatcher] = weakref.WeakSet()
_WRT = re.compile(r"(?P<name>\w+)(?:\[(?P<key>.*)\])?")


@dataclass(frozen=True, slots=True)
class Specialisation:
    """A derivative for arguments of certain types; `check` tests them, name by name."""

    built: Built
    guard: Guard
    check: Callable[..., bool]
    number: int


Held = tuple[CodeType, tuple[Specialisation, ...]]


class Dispatcher:
    """All specialisations of one derivative of one function."""

    def __init__(
        self,
        request: Request,
        base: Any,
        parameters: Parameters,
        as_tuple: bool = False,
        check: bool = False,
    ) -> None:
        self.request = request
        self.check = check
        self.base = base
        self.parameters = parameters
        self.derived: dict[Any, Dispatcher] = {}
        self.preferred = False  # as the direction of a Jacobian, the last time
        self._returns = _returns(request, as_tuple, parameters.prefix)
        self._numbers = itertools.count()
        self._kept: tuple[Specialisation, ...] = ()
        self._active = [_active(name, parameters) for name in request.wrt]
        p = parameters.prefix
        self._code = base.__code__
        self._namespace: dict[str, Any] = {
            f"{p}code": self._code,
            "__name__": "chainrule.entry",
            f"{p}function": base,
            f"{p}default": _DEFAULT,
            f"{p}miss": self._miss,
            f"{p}note": self.note,
        }
        self.bind = compile_function(bind_text(parameters), f"{p}bind", self._namespace)
        self.entry = self._make_entry()
        DISPATCHERS.add(self)

    def find(self, values: Values) -> tuple[Specialisation, Values]:
        """Return the specialisation for these arguments, and them as it wants them."""
        if self.base.__code__ is not self._code:
            self._start_again()
        for spec in self._kept:
            if _holds(spec, values):
                log.cache.debug("%s: hit of specialisation %d", self, spec.number)
                return spec, values
        if log.listens(log.cache):
            self._tell_miss(values)
        real = self._as_real(values, deep=True)
        for spec in self._kept if real is not values else ():
            if _holds(spec, real):
                return spec, real
        flat = self._as_real(values, deep=False)
        try:
            with compiling:
                for candidate in (real, flat):
                    for spec in self._kept:
                        if _holds(spec, candidate):
                            return spec, candidate
                return self._add(real, flat)
        except NotDifferentiable as error:
            failure = error
        if failure.primal_fails:
            self.primal(values)
        # The message is the whole story; where in the compiler it was raised is not.
        developing = sys.flags.dev_mode
        raise failure if developing else failure.with_traceback(None)

    def __repr__(self) -> str:
        return f"{self.request.transform} of {getattr(self.base, '__name__', '?')}"

    def _tell_miss(self, values: Values) -> None:
        """Log why no specialisation fits."""
        from chainrule.debugging.misses import why

        if not self._kept:
            log.cache.debug("%s: miss, the first call", self)
        for spec in self._kept:
            reason = why(spec.built.inputs, self.arguments(values))
            log.cache.debug(
                "%s: miss of specialisation %d: %s", self, spec.number, reason
            )

    def _tell_built(self, spec: Specialisation, since: float) -> None:
        """Log what was built, and what it relies on."""
        took = (time.perf_counter() - since) * 1e3
        log.cache.debug(
            "%s: built specialisation %d in %.0f ms", self, spec.number, took
        )
        if log.listens(log.guards):
            from chainrule.debugging.misses import label, relied

            for each in spec.built.inputs:
                what = f"{label(each)}: {relied(each)}"
                log.guards.debug("%s %d relies on %s", self, spec.number, what)
            log.guards.debug("%s %d tests %s", self, spec.number, spec.guard.text)

    def arguments(self, values: Values) -> dict[str, Any]:
        """Return the arguments by name."""
        return dict(zip(self.parameters.names, values, strict=True))

    def forget(self) -> None:
        """Drop all specialisations."""
        with compiling:
            self._keep(())

    def held(self) -> Held:
        """Return what it holds, for `hold`."""
        return self._code, self._kept

    def hold(self, held: Held) -> None:
        """Take back what it held, unless the function got other code since."""
        code, kept = held
        if code is self._code:
            with compiling:
                self._keep(kept)

    def _start_again(self) -> None:
        """Forget everything: the function got other code (autoreload does that)."""
        with compiling:
            if parameters_of(self.base) != self.parameters:
                raise TypeError(
                    f"the parameters of {self.request.function!r} were changed after"
                    " its derivative was made; make it again"
                )
            self.forget()
            self._code = self.base.__code__
            self._namespace[f"{self.parameters.prefix}code"] = self._code

    def _miss(self, *values: Any) -> tuple[Callable[..., Any], Values]:
        spec, values = self.find(values)
        return spec.built.calls[0], values

    def note(self, error: BaseException) -> None:
        """Name the user's line on an exception from generated code."""
        from chainrule.backend.link import annotate

        annotate(error, f"derivative of {getattr(self.base, '__name__', 'function')},")

    def active(self, values: Values) -> list[Any]:
        """Return the arguments it differentiates by, in the order of the request."""
        return [get(values[i]) for i, get, _ in self._active]

    def _make_entry(self) -> FunctionType:
        name = self.request.transform
        p = self.parameters.prefix
        text = entry_text(self.parameters, (), self._returns)
        made = compile_function(text, f"{p}entry", self._namespace)
        assert isinstance(made, FunctionType)
        made.__name__ = name
        made.__qualname__ = f"{getattr(self.base, '__name__', 'function')}.{name}"
        made.__code__ = _renamed(made)
        return made

    def _add(self, real: Values, flat: Values) -> tuple[Specialisation, Values]:
        """Build a specialisation; integers inside containers may have to stay."""
        verb = self.request.transform
        for (i, get, _), label in zip(self._active, self.request.wrt, strict=True):
            try:
                x = get(real[i])
            except LookupError:
                raise TypeError(f"{verb}: there is no argument `{label}`") from None
            require_number(x, label, verb)
        failure: NotDifferentiable | None = None
        for candidate in (real,) if flat is real else (real, flat):
            try:
                return self._build(candidate), candidate
            except NotDifferentiable as error:
                # Integers may have to stay integers inside a container (a count), and
                # the user's program may be what fails.
                failure = failure or error
                if not error.primal_fails:
                    break
        assert failure is not None
        raise failure

    def call_of(self, values: Values) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments in the order of the signature as those of a call."""
        p = self.parameters
        named = self.arguments(values)
        args = [named[n] for n in p.ordered]
        args += named.get(p.varargs or "", ())
        kwargs = {n: named[n] for n in p.keyword_only} | named.get(p.varkw or "", {})
        return args, kwargs

    def primal(self, values: Values) -> Any:
        """Return what the user's function returns, or let it raise its exception."""
        args, kwargs = self.call_of(values)
        return self.request.function(*args, **kwargs)

    def replaced(self, values: Values, active: Sequence[Any]) -> Values:
        """Return all arguments with others among those it differentiates by."""
        for (i, _, put), x in zip(self._active, active, strict=True):
            values = (*values[:i], put(values[i], x), *values[i + 1 :])
        return values

    def _build(self, values: Values) -> Specialisation:
        arguments, since = self.arguments(values), time.perf_counter()
        with consumed() as never_one:
            if len(self._kept) >= GENERAL_AFTER:
                built = build(self.request, arguments, general=True)
            else:
                built = build(self.request, arguments)
        if built.result is not None:
            check_result(self.request, built.result)
        number = next(self._numbers)
        if self.check or os.environ.get("CHAINRULE_CHECK", "0") not in ("", "0"):
            built.calls = self._checked_once(built, number)
        prefix = f"{self.parameters.prefix}{number}_"
        for joined in (False, True):
            make = functools.partial(
                make_guard, built.inputs, never_one, arguments, prefix, joined=joined
            )
            check = self._check(make(exact=False))
            spec = Specialisation(built, make(), check, number)
            if _holds(spec, values):
                self._keep((spec, *self._kept[: LIMIT - 1]))
                self._tell_built(spec, since)
                return spec
        # A guard that refuses its own arguments is of no use: this was for one call.
        return spec

    def _checked_once(
        self, built: Built, number: int
    ) -> tuple[Callable[..., Any], ...]:
        """Return calls of which the first one verifies, and leaves the plain ones."""
        plain, name = built.calls, f"{self.parameters.prefix}call{number}"

        def first(*values: Any) -> Any:
            from chainrule.checking.selfcheck import verify

            if verify(self, plain, values):
                built.calls = plain
                if self._namespace.get(name) is first:
                    self._namespace[name] = plain[0]
            return plain[0](*values)

        return (first, *plain[1:])

    def _check(self, guard: Guard) -> Callable[..., bool]:
        p = self.parameters
        text, namespace = check_text(p, guard), dict(guard.namespace)
        return compile_function(text, f"{p.prefix}check", namespace)

    def _keep(self, kept: tuple[Specialisation, ...]) -> None:
        """Install these specialisations, first come first tested."""
        p = self.parameters.prefix
        dropped = [s for s in self._kept if s not in kept]
        cases = []
        for spec in kept:
            name = f"{p}call{spec.number}"
            self._namespace[name] = spec.built.calls[0]
            self._namespace.update(spec.guard.namespace)
            cases.append((spec.guard, name))
        # A hit is told by `find`, so that every call has to go there.
        tested = [] if log.listens(log.cache) else cases
        text = entry_text(self.parameters, tested, self._returns)
        swap(self.entry, text, f"{p}entry", self._namespace)
        self._kept = kept
        # A thread that still runs the old code meets a NameError in a guard: a miss.
        for spec in dropped:
            for name in (f"{p}call{spec.number}", *spec.guard.namespace):
                self._namespace.pop(name, None)

    def _as_real(self, values: Values, deep: bool) -> Values:
        """Return the arguments with the integers among the active ones as reals."""
        out = values
        for i, get, put in self._active:
            try:
                leaf = get(out[i])
            except LookupError:
                continue
            new = map_leaves(as_real, leaf) if deep else as_real(leaf)
            if new is not leaf:
                out = (*out[:i], put(out[i], new), *out[i + 1 :])
        return out


def build(request: Request, arguments: dict[str, Any], general: bool = False) -> Built:
    """Compile; the compiler is imported when it is first needed."""
    from chainrule import pipeline

    built: Built = pipeline.build(request, arguments, general=general)
    return built


class _Default:
    """Stands in a signature for a default that is read at the call."""

    def __repr__(self) -> str:
        return "..."


_DEFAULT = _Default()


def _holds(spec: Specialisation, values: Values) -> bool:
    try:
        return bool(spec.check(*values))
    except Exception:
        return False


def _renamed(function: FunctionType) -> CodeType:
    return function.__code__.replace(
        co_name=function.__name__, co_qualname=function.__qualname__
    )


def forget_all() -> None:
    """Drop what was built everywhere: the rules are others now."""
    for made in [made for made in DISPATCHERS if made.held()[1]]:
        made.forget()


def _returns(request: Request, as_tuple: bool, p: str) -> str:
    """Return the statements that give the result; `(0,)` asks for a tuple of one."""
    if not as_tuple or len(request.wrt) != 1:
        return "return {call}"
    if request.transform == "grad" and not request.has_aux:
        return "return ({call},)"
    if request.transform == "grad":
        return "{p}bar, {p}aux = {call}\nreturn ({p}bar,), {p}aux"
    return "{p}value, {p}bar = {call}\nreturn {p}value, ({p}bar,)"


Getter = Callable[[Any], Any]
Putter = Callable[[Any, Any], Any]


def _active(wrt: str, parameters: Parameters) -> tuple[int, Getter, Putter]:
    """Return an argument's place, how to read its active part and how to replace it."""
    match = _WRT.fullmatch(wrt)
    assert match is not None
    name, key = match["name"], match["key"]
    place = parameters.names.index(name)
    if key is None:
        return place, lambda whole: whole, lambda whole, part: part
    if name == parameters.varargs:
        i = int(key)
        return place, lambda w: w[i], lambda w, part: (*w[:i], part, *w[i + 1 :])
    text = key[1:-1]
    return place, lambda w: w[text], lambda w, part: {**w, text: part}
