"""The passes, in the order in which they run.

In: a request (which derivative of which function) and the arguments of a call. Out:
`Built`: the linked derivative, its text, and what inference consumed of the arguments.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import re
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import chainrule.rules  # noqa: F401 - every theme enters its rules
from chainrule import codes
from chainrule.analysis.lossy import refuse_lossy, refuse_read_back
from chainrule.backend.emit import Emitted, emit
from chainrule.backend.link import link
from chainrule.backend.render import Rendered, render
from chainrule.cache.overlap import overlapping
from chainrule.cache.specialisations import forget_all
from chainrule.debugging import log
from chainrule.errors import (
    NotDifferentiable,
    not_differentiable,
    while_differentiating,
)
from chainrule.ir import prims
from chainrule.ir.nodes import Apply, Function, Loc, Value
from chainrule.ir.walk import count_uses, statements
from chainrule.optimise.collect import collect
from chainrule.optimise.dead import remove_dead
from chainrule.optimise.distinct import mark_distinct
from chainrule.optimise.elements import gather_elements
from chainrule.optimise.expand import expand
from chainrule.optimise.flat import flatten
from chainrule.optimise.fresh import forget
from chainrule.optimise.fuse import fuse
from chainrule.optimise.hoist import hoist
from chainrule.optimise.last_row import leave_out_last_rows
from chainrule.optimise.one_sweep import one_sweep
from chainrule.optimise.overlaps import copy_overlaps
from chainrule.optimise.plain import drop_casts
from chainrule.optimise.protect import protect
from chainrule.optimise.repeat import repeat
from chainrule.optimise.residual import drop_unread
from chainrule.optimise.rewrite import rewrite
from chainrule.optimise.sizes import sizes_of_arguments
from chainrule.optimise.tape_constants import write_constants
from chainrule.optimise.twice import read_once
from chainrule.optimise.zeroed import drop_zeroing
from chainrule.request import (
    Apart,
    Built,
    Input,
    Known,
    Overlap,
    Request,
    check_result,
)
from chainrule.rules.registry import RULES
from chainrule.rules.scipy_rules import load_if_imported
from chainrule.specialise.builder import Restart
from chainrule.specialise.entry import Specialised, specialise
from chainrule.specialise.memory import Cyclic
from chainrule.specialise.places import Place, Written
from chainrule.specialise.stepping import Stepwise
from chainrule.specialise.values import Unforeseen
from chainrule.transform.derive import Derived, Wrt, derive
from chainrule.transform.outputs import own_results
from chainrule.transform.pairs import callees
from chainrule.types import lattice as lt
from chainrule.types.typeof import type_of

MAX_RESTARTS = 16

RULES.listeners.append(forget_all)


@dataclass(slots=True)
class Stages:
    """What the inspector shows of a compilation, by name of the stage.

    `texts` are IR and the final text, `seconds` what led from one stage to the next;
    `printed` holds what was printed and how, `forward` the number of statements of the
    forward sweep; `look` is called with each stage, which it must not change.
    """

    texts: dict[str, str] = field(default_factory=dict)
    wanted: bool = False
    seconds: dict[str, float] = field(default_factory=dict)
    printed: list[tuple[Emitted, Rendered]] = field(default_factory=list)
    forward: int = 0
    look: Callable[[str, list[Function]], None] | None = None
    since: float = field(default_factory=time.perf_counter)

    def keep(self, name: str, functions: list[Function]) -> None:
        """Keep the IR of a stage as text, if anybody wants to see it."""
        if self.wanted or log.listens(log.stages):
            from chainrule.ir.show import show

            self.clock(name)
            self.texts[name] = "\n".join(map(show, functions))
            log.stages.debug("%s\n%s", name, self.texts[name])
            if self.look is not None:
                self.look(name, functions)
            self.since = time.perf_counter()

    def clock(self, name: str) -> None:
        """Note how long it took to come to a stage."""
        now = time.perf_counter()
        self.seconds[name] = now - self.since
        self.since = now


def build(
    request: Request,
    arguments: dict[str, object],
    static: frozenset[str] = frozenset(),
    stages: Stages | None = None,
    general: bool = False,
) -> Built:
    """Compile a derivative for the types of these arguments.

    A general one relies on no size, not even on which are 1.
    """
    stages = stages or Stages()
    load_if_imported()
    with lt.consumed(), lt.sizes_of_arguments(general):
        try:
            inputs, functions, result = derivative_ir(
                request, arguments, static, stages
            )
        except NotDifferentiable as error:
            _add_context(error, request)
            raise
        except RecursionError:
            deep = not_differentiable(
                "CR109", None, "calls or expressions nested too deep"
            )
            _add_context(deep, request)
            raise deep from None
        return link_all(request, functions, inputs, result, stages)


def derivative_function(
    request: Request, arguments: dict[str, object], stages: Stages
) -> Function:
    """Return the IR of a gradient, optimised, as it is printed."""
    load_if_imported()
    with lt.consumed(), lt.sizes_of_arguments(general=False):
        _, functions, _ = derivative_ir(request, arguments, frozenset(), stages)
    return functions[0]


T = TypeVar("T")
Made = tuple[tuple[Input, ...], list[Function], lt.Type]


def derivative_ir(
    request: Request,
    arguments: dict[str, object],
    static: frozenset[str],
    stages: Stages,
) -> Made:
    """Return what was consumed, and the IR of the derivative."""
    return taking_as_little_as_possible(
        lambda: _derivative_ir(request, arguments, static, stages)
    )


def taking_as_little_as_possible(make: Callable[[], T]) -> T:
    """Make something for the types of arguments, or else for their counts too.

    What cannot be followed for all sizes may be for those at hand: a layout that
    changes from turn to turn of a loop, a key that is computed from a count.
    """
    failure: NotDifferentiable | None = None
    for level in (lt.TYPES, lt.COUNTS, lt.TURNS):
        try:
            with lt.taking(level):
                return make()
        except NotDifferentiable as error:
            failure = failure or error
            if not all(d.code in codes.OF_COUNTS for d in failure.diagnostics):
                break
        except Exception:
            # What was refused is refused, also if the second look at it fails.
            if failure is None or sys.flags.dev_mode:
                raise
            break
    assert failure is not None
    if any(d.code in codes.OF_KEYS for d in failure.diagnostics):
        for level in (lt.TYPES, lt.COUNTS, lt.TURNS):
            with contextlib.suppress(Exception), lt.taking(level), lt.listing_keys():
                return make()
    raise failure


def _derivative_ir(
    request: Request,
    arguments: dict[str, object],
    static: frozenset[str],
    stages: Stages,
) -> Made:
    specialised, inputs = specialise_for(
        request.function, arguments, static, request.wrt
    )
    function = specialised.function
    result = function.result
    if request.has_aux and isinstance(result, lt.TupleT) and len(result.items) == 2:
        result = result.items[0]
    if isinstance(result, lt.NeverT) or needs_what_raises(function):
        raise always_fails(function)
    check_result(request, result)
    stages.keep("specialised", [function])
    hoist(function)
    wrt = [find(function, name) for name in request.wrt]
    expand(function, [w.param for w in wrt])
    remove_dead(function)
    for each in callees(function):
        forget(each)
    if forget(function):
        remove_dead(function)
    refuse_lossy(function, [w.param for w in wrt])
    refuse_read_back(function, [w.param for w in wrt])
    stages.keep("primal", [function])
    derived = derive(function, request.transform, wrt, request.has_aux)
    stages.forward = derived.forward
    stages.keep("derivative", derived.functions)
    optimise(derived)
    stages.keep("optimised", derived.functions)
    return inputs, derived.functions, result


def always_fails(function: Function) -> NotDifferentiable:
    """Return the error for a program that raises on every path:
    it shall raise its own.
    """
    error = not_differentiable(
        "CR107", function.loc, f"`{function.name}` never returns"
    )
    error.primal_fails = True
    return error


def needs_what_raises(function: Function) -> bool:
    """Say whether an operation that raises for these types is run on all paths, and
    its value needed.
    """
    raising = [
        s.out
        for s in function.body.stmts
        if isinstance(s, Apply) and isinstance(s.out.type, lt.NeverT) and not s.effect
    ]
    uses = count_uses(function.body) if raising else {}
    return any(uses.get(out) for out in raising)


def optimise(derived: Derived) -> None:
    """Fold, share and remove until little is left to do; then see to who owns what."""
    for root in derived.functions:
        for function in (*callees(root), root):
            remove_dead(function)
            shorten(function, derived.ours)
            if write_constants(function):
                remove_dead(function)
            drop_casts(function)
            mark_distinct(function)
    if len(derived.functions) == 2:
        drop_unread(*derived.functions)
        remove_dead(derived.functions[0])
    for k, function in enumerate(derived.functions):
        if len(derived.functions) == 1 or k == 1:
            if own_results(function, derived.own_parts):
                remove_dead(function)
    for root in derived.functions:
        for function in (*callees(root), root):
            drop_zeroing(function)
            copy_overlaps(function, derived.ours)
            if protect(function):
                remove_dead(function)
            repeat(function, derived.ours)
            flatten(function)


def shorten(function: Function, ours: set[Value]) -> None:
    """Write a function with fewer operations; what a pass leaves dead goes at once."""
    sizes_of_arguments(function, ours)
    changed, merged, rounds = True, True, 0
    while merged or rounds < 2:
        changed |= rewrite(function, ours, rounds > 0)
        changed |= read_once(function)
        if changed:
            remove_dead(function)
        changed = gather_elements(function, ours)
        changed |= collect(function, ours)
        merged, rounds = one_sweep(function, ours), rounds + 1
        merged |= leave_out_last_rows(function)
        changed |= merged
    if fuse(function, ours):
        rewrite(function, ours, True)
        changed = True
    if changed:
        remove_dead(function)


def specialise_for(
    fn: Any, arguments: dict[str, object], static: frozenset[str], wrt: tuple[str, ...]
) -> tuple[Specialised, tuple[Input, ...]]:
    """Interpret a function at the types of its arguments;
    constants as they are asked for.
    """
    known, stepped, keyed = set(static), frozenset[Loc](), frozenset[Loc]()
    written: dict[Place, Any] = {}
    cyclic, most = False, len(static) + MAX_RESTARTS
    while len(known) + len(stepped) + len(keyed) + cyclic < most:
        typed, inputs = describe(fn, arguments, known, wrt)
        try:
            made = specialise(fn, typed, arguments, stepped, keyed, cyclic, written)
        except Written as need:
            written[need.place] = need.owner
            continue
        except Stepwise as need:
            stepped |= {need.site}
            continue
        except Unforeseen as need:
            keyed |= {need.site}
            continue
        except Cyclic:
            cyclic = True
            continue
        except Restart as need:
            name = need.root.hint
            if name is None or name not in arguments or name in known:
                raise not_differentiable(
                    "CR502",
                    need.loc,
                    f"`{need.name}` must be known when the derivative is made",
                    label="computed at run time",
                    help="pass a literal, or an argument that is not differentiated",
                ) from None
            known.add(name)
            continue
        check_apart(fn, made.inputs, arguments)
        return made, (*inputs, *made.inputs)
    raise not_differentiable("CR502", None, "too many arguments must be constants")


def check_apart(
    fn: Any, inputs: tuple[Input, ...], arguments: dict[str, object]
) -> None:
    """Refuse arguments that share memory with one that the function writes into."""
    if any(isinstance(i.type, Overlap) for i in inputs):
        return
    written = [(i.name, *i.path) for i in inputs if isinstance(i.type, Apart)]
    found = overlapping(arguments, written) if written else None
    if found is not None:
        one, two = (_spelled(place, arguments) for place in found)
        raise not_differentiable(
            "CR416",
            None,
            f"the arguments `{one}` and `{two}` share memory, and "
            f"`{fn.__name__}` writes into `{one}`",
            help=f"pass a copy: {two}.copy()",
        )


def _spelled(place: tuple[Any, ...], arguments: dict[str, object]) -> str:
    """Write a part of an argument as a program would."""
    name, *path = place
    value: Any = arguments[name]
    for step in path:
        is_item = isinstance(value, list | tuple | dict)
        name += f"[{step!r}]" if is_item else f".{step}"
        value = value[step] if is_item else getattr(value, step)
    return str(name)


def describe(
    fn: Any, arguments: dict[str, object], known: set[str], wrt: tuple[str, ...]
) -> tuple[dict[str, Any], list[Input]]:
    """Return the type of each argument, or the argument itself if it is a constant.

    Of what is differentiated, only the strings can be constants.
    """
    typed: dict[str, Any] = {}
    inputs = []
    for name, value in arguments.items():
        t = type_of(value, (name,))
        if lt.counts_known() and type(value) in (bool, int):
            t = value
        elif name in known and name in wrt:
            t = freeze(t, value, words_only=True)
        elif name in known and (isinstance(t, lt.ScalarT) or is_index(value)):
            t = value
        elif name in known:
            t = freeze(t, value)
        typed[name] = t
        recorded = t if isinstance(t, lt.Type) else Known(value)
        inputs.append(Input("param", name, (), recorded))
    return typed, inputs


def is_index(value: object) -> bool:
    """Say whether a value selects parts of an array and holds no array itself."""
    if isinstance(value, tuple):
        return all(map(is_index, value))
    if isinstance(value, slice):
        return is_index((value.start, value.stop, value.step))
    return value is None or value is ... or type(value) is int


def freeze(t: Any, value: Any, words_only: bool = False) -> Any:
    """Make the integers and the strings in a container constants."""
    inner = functools.partial(freeze, words_only=words_only)
    match t:
        case lt.TupleT(items=items, cls=cls):
            return lt.TupleT(tuple(map(inner, items, value)), cls)
        case lt.ListT(items=items) if items is not None:
            return lt.ListT(tuple(map(inner, items, value)))
        case lt.DictT(items=pairs, cls=cls):
            return lt.DictT(tuple((k, inner(v, value[k])) for k, v in pairs), cls)
        case lt.ObjT(cls=cls, attrs=pairs):
            attrs = tuple((k, inner(v, getattr(value, k))) for k, v in pairs)
            return lt.ObjT(cls, attrs)
        case lt.ScalarT(kind="int", dtype=None) if not words_only:
            return lt.ScalarT("int", None, True, value)
        case lt.OpaqueT(cls=cls) if cls is str:
            return lt.WordT(str, value)
    return t


def find(function: Function, name: str) -> Wrt:
    """Return the parameter that a name of `wrt` means: `w`,
    `args[0]` or `kwargs['w']`.
    """
    match = re.fullmatch(r"(\w+)(?:\[(.+)\])?", name)
    assert match is not None
    param = next(p for p in function.params if p.hint == match[1])
    if match[2] is None:
        return Wrt(param)
    step = match[2].strip("'\"")
    return Wrt(param, (int(step) if step.lstrip("-").isdigit() else step,))


def link_all(
    request: Request,
    functions: list[Function],
    inputs: tuple[Input, ...],
    result: lt.Type,
    stages: Stages,
) -> Built:
    """Print, compile and link the functions of a derivative."""
    calls, texts = [], []
    fn: Any = request.function
    for function in functions:
        emitted: Emitted = emit(function, tuple(function.cells))
        rendered = render(emitted.tree)
        stages.printed.append((emitted, rendered))
        digest = _digest(rendered.text)
        filename = f"<chainrule {_qualified(fn)} {function.name} {digest}>"
        calls.append(
            link(
                rendered.text,
                emitted.name,
                filename,
                function.namespace,
                emitted.free,
                function.cells,
                rendered.lines,
                rendered.spans,
                rendered.tree,
            )
        )
        texts.append(rendered.text)
    source = "\n\n".join(t.strip("\n") + "\n" for t in texts)
    stages.texts["text"] = source
    log.stages.debug("text\n%s", source)
    stages.clock("text")
    writes = any(
        isinstance(s, Apply) and s.fn in prims.LEFT_WITH_CALLER
        for function in functions
        for s in statements(function.body)
    )
    return Built(tuple(calls), source, inputs, result, writes)


def _digest(text: str) -> str:
    """Return a short name for a text, the same in every process."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _qualified(fn: Any) -> str:
    return f"{getattr(fn, '__module__', '')}.{getattr(fn, '__qualname__', 'function')}"


def _add_context(error: NotDifferentiable, request: Request) -> None:
    fn: Any = request.function
    code = getattr(inspect.unwrap(fn), "__code__", None)
    if isinstance(code, types.CodeType):
        from chainrule.ir.nodes import Loc

        place = Loc(code.co_filename, code.co_firstlineno)
        error.add_context(while_differentiating(fn.__name__, place, request.wrt))
