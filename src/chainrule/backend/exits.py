"""From the results of blocks to `break`, `continue` and `return`.

In: an `ir.Function`. Out: a `Program`. The IR has no jumps: a block gives results,
among them `stop` flags, and an `If` decides what they mean. Here each block is lowered
with a continuation, the use that is made of its results: join them after an `If`,
return them, end an iteration with them, or let the `If` that follows decide (`Thread`).
Where the decision is known at the end of a branch it is taken there, which gives back
the exits that the user wrote.
"""

from __future__ import annotations

import operator
from dataclasses import replace

from chainrule.analysis.definedness import fill_joined
from chainrule.backend import program as p
from chainrule.backend.continuations import (
    Continuation,
    Env,
    Follow,
    Join,
    Leave,
    Results,
    Thread,
    Turn,
    resolve,
)
from chainrule.backend.paths import Paths
from chainrule.backend.program import Nodes, Program, is_false
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import UNDEF, Const, Operand, Value
from chainrule.types.lattice import BOOL


def lower(function: ir.Function) -> Program:
    """Make the program of one function."""
    lowering = _Lowering(function)
    nodes = lowering.block(function.body, function.body.results, {}, Leave(), True)
    return Program(function, nodes, lowering.same)


class _Lowering(Paths):
    def __init__(self, function: ir.Function) -> None:
        super().__init__(function)
        fill_joined(function.body)
        self.same: list[tuple[Value, Value]] = []

    # Blocks

    def block(
        self, block: ir.Block, results: Results, env: Env, k: Continuation, tail: bool
    ) -> Nodes:
        """Lower a block; `tail` says that control behind it is where `k` wants it."""
        results = tuple(resolve(r, env) for r in results)
        nodes: Nodes = []
        stmts = block.stmts
        spent: ir.If | None = None
        for i, stmt in enumerate(stmts):
            last = i == len(stmts) - 1
            if stmt is spent:
                continue
            match stmt:
                case ir.Apply(out=out) | ir.Call(out=out):
                    nodes.append(p.Let(out, _substitute(stmt, env)))
                    if isinstance(stmt, ir.Apply) and stmt.fn is prims.raise_:
                        return nodes
                case ir.If() if self.truth(resolve(stmt.test, env)) is not None:
                    chosen = (
                        stmt.then
                        if self.truth(resolve(stmt.test, env))
                        else stmt.orelse
                    )
                    env = {**env, **dict(zip(stmt.outs, chosen.results, strict=True))}
                    results = tuple(resolve(r, env) for r in results)
                    if last:
                        return nodes + self.block(chosen, results, env, k, tail)
                    nodes += self.block(chosen, (), env, Join(()), True)
                    if p.ends(nodes):
                        return nodes
                case ir.If():
                    if last and self.goes_inside(stmt, results, k):
                        return nodes + self.tail_if(stmt, results, env, k, tail)
                    follow = self.follow_of(stmt.outs, stmts, i, results, env, k)
                    if follow is not None and self.threads_if(stmt, follow):
                        return nodes + self.threaded_if(stmt, follow, tail)
                    nodes += self.plain_if(stmt, env)
                case ir.Loop():
                    follow = self.follow_of(_loop_outs(stmt), stmts, i, results, env, k)
                    done = follow and self.loop_and_follow(stmt, follow, tail)
                    if done:
                        return nodes + done
                    spent = self.else_of(stmt, stmts, i)
                    nodes += self.loop(stmt, spent, env)
                case ir.With():
                    nodes.append(self.with_(stmt, env))
                case ir.Try():
                    nodes.append(self.try_(stmt, env))
        return nodes + self.finish(results, k, tail)

    def finish(self, results: Results, k: Continuation, tail: bool) -> Nodes:
        """Hand the results of a block to its continuation."""
        match k:
            case Join(outs=outs):
                return _copies(outs, results)
            case Leave():
                return [p.Return(results[0])] if results[0] is not UNDEF else []
            case Thread(outs=outs, follow=follow):
                flag = results[outs.index(follow.flag)]
                if self.truth(flag) is None and isinstance(flag, Value):
                    return self.by_test(flag, results, k, tail)
                if self.truth(flag) == follow.jump:
                    return self.side(follow, outs, results, follow.jump, False)
                return _copies(outs, results)
            case Turn():
                return self.turn(results, k, tail)

    def by_test(
        self, flag: Value, results: Results, k: Thread | Turn, tail: bool
    ) -> Nodes:
        """Take the exit that a computed flag decides."""
        with self.assume(flag, True):
            then = self.finish(results, k, False)
        with self.assume(flag, False):
            orelse = self.finish(results, k, tail)
        if p.ends(then):
            return [p.Branch(flag, then, []), *orelse]
        return [p.Branch(flag, then, orelse)]

    def side(
        self,
        follow: Follow,
        outs: tuple[Value, ...],
        results: Results,
        taken: bool,
        tail: bool,
    ) -> Nodes:
        """Lower one branch of the `If` that follows, where `outs` are known."""
        test = follow.test
        block = test.then if taken else test.orelse
        env = {**follow.env, **dict(zip(outs, results, strict=True))}
        env.update(zip(test.outs, block.results, strict=True))
        return self.block(block, follow.results, env, follow.then, tail)

    def turn(self, results: Results, k: Turn, tail: bool) -> Nodes:
        """End an iteration: append to the tape, carry, leave or go on."""
        loop = k.loop
        carried = 1 + len(loop.init)
        stop = results[0]
        nodes: Nodes = []
        stops = self.truth(stop)
        if stops is None and isinstance(stop, Value) and k.follow is not None:
            if k.append and loop.tape is not None and loop.last_row:
                nodes.append(p.Append(loop.tape, results[carried:]))
                k = replace(k, append=False)
            return nodes + self.by_test(stop, results, k, tail)
        late = k.append and loop.tape is not None and not loop.last_row
        if stops is None and isinstance(stop, Value) and late:
            return self.by_test(stop, results, k, tail)
        if stops and k.follow is not None:
            flag = self.truth(self.flag_at(loop, k.follow, results))
            if flag and self.returns_follow(k.follow, loop, results):
                outs = _loop_outs(loop)
                known = (*results[1:carried], Const(True))[: len(outs)]
                return self.side(k.follow, outs, known, True, False)
        if k.append and loop.tape is not None and not (stops and late):
            nodes.append(p.Append(loop.tape, results[carried:]))
        nodes += _copies(loop.body.params, results[1:carried])
        leave = _at_break(loop, k.on_break, results)
        leave.append(p.Exit("break"))
        if stops:
            return nodes + leave
        if stops is None and stop is not UNDEF:
            nodes.append(p.Branch(stop, leave, []))
        return nodes if tail else [*nodes, p.Exit("continue")]

    # If

    def goes_inside(self, stmt: ir.If, results: Results, k: Continuation) -> bool:
        """Say whether the continuation of the block belongs into this last `If`."""
        match k:
            case Join():
                return False
            case Leave():
                out = results[0]
                inside = isinstance(out, Value) and out in stmt.outs
                return stmt.guard or (inside and not _keeps_value(stmt))
            case Turn(loop=loop, follow=follow):
                wanted = [results[0]]
                if follow is not None:
                    wanted.append(self.flag_at(loop, follow, results))
                return stmt.guard or any(self.decides(stmt, o) for o in wanted)
            case Thread(outs=outs, follow=follow):
                return self.decides(stmt, results[outs.index(follow.flag)])

    def tail_if(
        self, stmt: ir.If, results: Results, env: Env, k: Continuation, tail: bool
    ) -> Nodes:
        """Lower an `If` whose branches end with the continuation."""
        nodes: Nodes = []
        if isinstance(k, Turn) and k.append and k.loop.tape is not None:
            saved = _common(stmt, results[1 + len(k.loop.init) :])
            if saved is not None and k.loop.last_row:
                saved = tuple(resolve(item, env) for item in saved)
                nodes.append(p.Append(k.loop.tape, saved))
                k = replace(k, append=False)
        branches = []
        test = resolve(stmt.test, env)
        for block, value in ((stmt.then, True), (stmt.orelse, False)):
            known: Env = dict(zip(stmt.outs, block.results, strict=True))
            made = tuple(resolve(r, known) for r in results)
            ends = tail and not (value and stmt.guard)
            with self.assume(test, value):
                branches.append(self.block(block, made, env, k, ends))
        then, orelse = branches
        return nodes + _branch(test, then, orelse, stmt, tail)

    def both(self, stmt: ir.If, env: Env, k: Continuation, word: str = "") -> Nodes:
        """Lower the two branches of an `If` that control comes out of."""
        test = resolve(stmt.test, env)
        then: Nodes = []
        orelse: Nodes = []
        if word != "or":
            with self.assume(test, True):
                then = self.block(stmt.then, stmt.then.results, env, k, True)
        if word != "and":
            with self.assume(test, False):
                orelse = self.block(stmt.orelse, stmt.orelse.results, env, k, True)
        if word:
            return [p.Branch(test, then, orelse, stmt.loc)]
        return _branch(test, then, orelse, stmt, True)

    def plain_if(self, stmt: ir.If, env: Env) -> Nodes:
        """Lower an `If` whose results are joined behind it."""
        word = _short_circuit(stmt)
        nodes = self.both(stmt, env, Join(stmt.outs), word)
        if word and len(nodes) == 1 and isinstance(nodes[0], p.Branch):
            nodes[0].word, nodes[0].out = word, stmt.outs[0]
        return nodes

    def follow_of(
        self,
        outs: tuple[Value, ...],
        stmts: list[ir.Stmt],
        i: int,
        results: Results,
        env: Env,
        k: Continuation,
    ) -> Follow | None:
        """Return what follows statement `i`, if it is a last `If` that tests an out."""
        if i != len(stmts) - 2 or isinstance(k, Join):
            return None
        test = stmts[i + 1]
        if not isinstance(test, ir.If) or not isinstance(test.test, Value):
            return None
        if test.test not in outs:
            return None
        stmt = stmts[i]
        if isinstance(stmt, ir.Loop) and test.test is stmt.stopped:
            if self.uses[test.test] != 1:
                return None
        if isinstance(stmt, ir.If) and not test.guard:
            return None
        return Follow(test.test, test, results, env, k)

    def threads_if(self, stmt: ir.If, follow: Follow) -> bool:
        """Say whether the flag is known at every end of `stmt`; choose the jump."""
        flags = self.leaf_flags(stmt, stmt.outs.index(follow.flag))
        for jump in (True, False):
            block = follow.test.then if jump else follow.test.orelse
            once = not block.stmts or flags.count(jump) <= 1
            if once and self.jumps(follow, block, jump):
                follow.jump = jump
                return True
        return False

    def threaded_if(self, stmt: ir.If, follow: Follow, tail: bool) -> Nodes:
        """Lower an `If` and the `If` that tests its flag as one."""
        env = follow.env
        k = Thread(stmt.outs, follow)
        nodes = self.both(stmt, env, k)
        if p.ends(nodes):
            return nodes
        with self.assume(follow.flag, not follow.jump):
            return nodes + self.side(follow, (), (), not follow.jump, tail)

    # Loops

    def loop(self, loop: ir.Loop, other: ir.If | None, env: Env) -> Nodes:
        """Lower a loop, with its `else` if it has one."""
        if other is not None:
            k = Join(other.outs)
            orelse = self.block(other.orelse, other.orelse.results, env, k, True)
            known = tuple(resolve(r, env) for r in other.then.results)
            turn = Turn(loop, True, None, _pairs(other.outs, known))
            return self.plain_loop(loop, env, turn, orelse)
        if loop.stopped is None:
            return self.plain_loop(loop, env, Turn(loop, True), [])
        # Nothing fits: a flag says how the loop was left.
        turn = Turn(loop, True, None, ((loop.stopped, Const(True)),))
        flag = p.Copies([(loop.stopped, Const(False))])
        return [flag, *self.plain_loop(loop, env, turn, [])]

    def loop_and_follow(
        self, loop: ir.Loop, follow: Follow, tail: bool
    ) -> Nodes | None:
        """Lower a loop and the last `If` that asks how it was left, as one."""
        outs = follow.test.outs
        if isinstance(follow.then, Leave) and not follow.test.guard:
            if outs and outs[0].hint is not None:
                return None
        if self.threads_loop(loop, follow):
            nodes = self.plain_loop(loop, follow.env, Turn(loop, True, follow), [])
            return nodes + self.side(follow, (), (), False, tail)
        if follow.flag is loop.stopped:
            orelse = self.side(follow, (), (), False, False)
            if p.ends(orelse):
                nodes = self.plain_loop(loop, follow.env, Turn(loop, True), orelse)
                return nodes + self.side(follow, (), (), True, tail)
        return None

    def plain_loop(self, loop: ir.Loop, env: Env, k: Turn, orelse: Nodes) -> Nodes:
        """Lower the loop itself; what its `stop` means is in the continuation."""
        params = loop.body.params
        self.same += zip(params, loop.outs, strict=True)
        nodes = _copies(params, tuple(resolve(v, env) for v in loop.init))
        if loop.tape is not None:
            nodes.append(p.NewTape(loop.tape))
        body = self.block(loop.body, loop.body.results, env, k, True)
        if loop.header is None:
            iters = tuple(
                replace(it, source=resolve(it.source, env)) for it in loop.iters
            )
            nodes.append(p.For(iters, params, body, orelse, loop.loc))
            return nodes
        header = loop.header
        self.same += zip(params, header.params, strict=True)
        test, *carried = header.results
        changed = [
            (param, result)
            for param, own, result in zip(params, header.params, carried, strict=True)
            if result is not own
        ]
        k_head = Join(tuple(param for param, _ in changed))
        first = self.block(header, tuple(r for _, r in changed), env, k_head, True)
        test = resolve(test, env)
        nodes.append(p.While(params, first, test, body, orelse, loop.loc))
        return nodes

    def threads_loop(self, loop: ir.Loop, follow: Follow) -> bool:
        """Say whether every way out with the flag set can return on the spot."""
        results = loop.body.results
        index = None if follow.flag is loop.stopped else loop.outs.index(follow.flag)
        if index is not None and not is_false(loop.init[index]):
            return False
        wanted = (0,) if index is None else (0, 1 + index)
        jumps = 0
        for leaf in self.leaf_results(loop.body, loop.body.results, wanted):
            stop = self.truth(leaf[0])
            flag = stop if index is None else self.truth(leaf[1 + index])
            if index is not None and leaf[1 + index] is loop.body.params[index]:
                flag = False
            if flag is None:
                return False
            if flag:
                jumps += 1
                if not stop or not self.returns_follow(follow, loop, leaf):
                    return False
        return len(results) > 0 and (jumps <= 1 or not follow.test.then.stmts)

    def else_of(self, loop: ir.Loop, stmts: list[ir.Stmt], i: int) -> ir.If | None:
        """Return the `If` that is this loop's `else`."""
        test = stmts[i + 1] if i + 1 < len(stmts) else None
        if loop.stopped is None or not isinstance(test, ir.If) or test.then.stmts:
            return None
        asked = test.test is loop.stopped and self.uses[loop.stopped] == 1
        return test if asked else None

    # The rest

    def with_(self, stmt: ir.With, env: Env) -> p.With:
        body = self.block(stmt.body, stmt.body.results, env, Join(stmt.outs), True)
        return p.With(resolve(stmt.context, env), stmt.name, body, stmt.loc)

    def try_(self, stmt: ir.Try, env: Env) -> p.Try:
        k = Join(stmt.outs)
        body = self.block(stmt.body, stmt.body.results, env, k, True)
        handlers = [
            p.Handler(
                None if h.classes is None else resolve(h.classes, env),
                h.name,
                self.block(h.block, h.block.results, env, k, True),
            )
            for h in stmt.handlers
        ]
        final: Nodes = []
        if stmt.final is not None:
            final = self.block(stmt.final, (), env, Join(()), True)
        return p.Try(body, handlers, final, stmt.loc)


def _substitute(stmt: ir.Apply | ir.Call, env: Env) -> ir.Apply | ir.Call:
    """Return the statement with what is known on this path put in."""
    if not env or not any(a in env for a in ir.operands(stmt) if isinstance(a, Value)):
        return stmt
    args = tuple(resolve(a, env) for a in stmt.args)
    if isinstance(stmt, ir.Call):
        return replace(stmt, args=args)
    kwargs = tuple((name, resolve(v, env)) for name, v in stmt.kwargs)
    return replace(stmt, args=args, kwargs=kwargs)


def _short_circuit(stmt: ir.If) -> str:
    """Return "and" or "or" if that is what an `If` computes."""
    if len(stmt.outs) != 1 or not isinstance(stmt.test, Value):
        return ""
    blocks = (("and", stmt.orelse, stmt.then), ("or", stmt.then, stmt.orelse))
    for word, block, other in blocks:
        if not block.stmts and block.results[0] is stmt.test:
            return word if other.results[0] is not UNDEF else ""
    return ""


def _loop_outs(loop: ir.Loop) -> tuple[Value, ...]:
    return loop.outs if loop.stopped is None else (*loop.outs, loop.stopped)


def _pairs(
    outs: tuple[Value, ...], results: Results
) -> tuple[tuple[Value, Operand], ...]:
    pairs = zip(outs, results, strict=True)
    return tuple((out, r) for out, r in pairs if r is not UNDEF and r is not out)


def _at_break(
    loop: ir.Loop, pairs: tuple[tuple[Value, Operand], ...], results: Results
) -> Nodes:
    """Return the copies that a `break` makes, of what this iteration has computed."""
    known = {
        out: result
        for out, result in zip(loop.outs, results[1:], strict=False)
        if result not in loop.body.params and result is not UNDEF
    }
    made = [(out, resolve(operand, known)) for out, operand in pairs]
    return [p.Copies(made)] if made else []


def _copies(outs: tuple[Value, ...], results: Results) -> Nodes:
    pairs = _pairs(outs, results)
    return [p.Copies(list(pairs))] if pairs else []


def _common(stmt: ir.If, saved: Results) -> Results | None:
    """Return what both branches save, if that is the same."""
    out = []
    for item in saved:
        if isinstance(item, Value) and item in stmt.outs:
            i = stmt.outs.index(item)
            item, other = stmt.then.results[i], stmt.orelse.results[i]
            if item is not other:
                return None
        out.append(item)
    return tuple(out)


def _keeps_value(stmt: ir.If) -> bool:
    """Say whether a last `If` makes a value that is returned behind it."""
    if stmt.outs[0].hint is not None:
        return True
    inner = [*stmt.then.stmts, *stmt.orelse.stmts]
    return len(inner) <= 4 and all(
        isinstance(s, ir.Apply) and not s.effect and s.out.hint is None for s in inner
    )


def _branch(
    test: Operand, then: Nodes, orelse: Nodes, stmt: ir.If, tail: bool
) -> Nodes:
    """Arrange two branches: an exit first, nothing after an empty branch."""
    if not then and orelse:
        negated = Value(BOOL)
        op = ir.Apply(negated, operator.not_, (test,), loc=stmt.loc)
        return [p.Let(negated, op), p.Branch(negated, orelse, [], stmt.loc)]
    if p.ends(then) and (stmt.guard or not orelse):
        redundant = isinstance(then[-1], p.Exit) and then[-1].word == "continue"
        if redundant and tail and not orelse:
            then = then[:-1]
            return [p.Branch(test, then, [], stmt.loc)] if then else []
        return [p.Branch(test, then, [], stmt.loc), *orelse]
    if not then and not orelse:
        return []
    return [p.Branch(test, then, orelse, stmt.loc)]
