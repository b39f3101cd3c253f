"""What is checked of a random program, and what the outcome is called.

In: the text of a module with `f` and `arguments`. Out: a `Verdict`: right, refused (by
code), wrong (what is wrong), crash (which exception, where), or that the program itself
proves nothing: it raises, or no differences can be taken of it.

The oracles are the function itself (value and arguments, bit for bit), differences of
it, and forward against reverse mode; the gradient's own differences for second order.
"""

from __future__ import annotations

import linecache
import signal
import sys
import traceback
import types
import warnings
from dataclasses import dataclass

import numpy as np

from chainrule import NotDifferentiable
from tests.checks import quiet
from tests.fuzz.trial import Trial, Wrong

SECONDS = 30
OWN_SECONDS = 5  # for the program itself and its differences: a shrunk one may not end


@dataclass(frozen=True)
class Verdict:
    """The class of an outcome, what distinguishes it, and the numbers to look at."""

    kind: str  # right, refused, wrong, crash, primal, untame
    what: str = ""
    report: str = ""

    @property
    def name(self) -> str:
        """The outcome as one word or two; a shrunk program has the same."""
        return f"{self.kind} {self.what}".strip()

    @property
    def failed(self) -> bool:
        """Say whether chainrule is to blame."""
        return self.kind in ("wrong", "crash")


class OutOfTime(BaseException):
    """Compiling or running took too long."""


def load(source: str, name: str) -> types.ModuleType:
    """Run a module's text, known to `linecache` so that its source is found."""
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = types.ModuleType(name)
    module.__file__ = filename
    sys.modules[name] = module  # dataclasses look there
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what shrinking leaves looks odd
            exec(compile(source, filename, "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module


def judge(source: str, seed: int = 0, *, second: bool = False) -> Verdict:
    """Return the verdict on a program; `second` checks second derivatives too."""
    previous = signal.signal(signal.SIGPROF, _out_of_time)
    _allow(SECONDS)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), quiet():
            warnings.simplefilter("ignore")
            return _judge(source, seed, second)
    except OutOfTime:
        return Verdict("crash", "OutOfTime", f"more than {SECONDS} s")
    finally:
        _allow(0)
        signal.signal(signal.SIGPROF, previous)


def _allow(seconds: int) -> None:
    """Let so much time of the processor pass until `OutOfTime`."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _out_of_time(*_: object) -> None:
    raise OutOfTime


def _judge(source: str, seed: int, second: bool) -> Verdict:
    try:
        _allow(OWN_SECONDS)
        module = load(source, f"program_{seed}")
        trial = Trial(module, seed)
        _allow(SECONDS)
    except (Exception, SystemExit, OutOfTime) as error:
        return Verdict("primal", type(error).__name__, str(error))
    if not trial.tame:
        return Verdict("untame", "", f"differences {trial.wanted} +- {trial.error}")
    try:
        trial.check_first(entries_of(seed))
        if second:
            trial.check_second()
    except NotDifferentiable as refusal:
        return Verdict("refused", refusal.code, str(refusal))
    except Wrong as wrong:
        what, _, report = str(wrong).partition(": ")
        return Verdict("wrong", what, report)
    except Exception as error:
        return Verdict("crash", *_crash(error))
    return Verdict("right")


def entries_of(seed: int) -> tuple[str, ...]:
    """Return by which entries to take the gradient: compiling is what costs."""
    entries = ("value_and_grad", "grad", "vjp")
    return entries if seed % 8 == 0 else (entries[seed % 3],)


def _crash(error: Exception) -> tuple[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "chainrule" in f.filename]
    frame = (ours or frames)[-1]
    place = frame.filename.rpartition("chainrule/")[2]
    if "<" in place:  # generated code: its name and the names of its functions vary
        return f"{type(error).__name__} in generated code", _tail(error)
    return f"{type(error).__name__} in {place}:{frame.name}", _tail(error)


def _tail(error: Exception) -> str:
    return "".join(traceback.format_exception(error)[-6:])
