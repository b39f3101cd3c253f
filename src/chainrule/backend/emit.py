"""From IR to a gast module.

In: an `ir.Function`. Out: `Emitted`: the module tree with the function and all
functions it calls (callees first), and `free`, the objects that it needs beside the
user's globals.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import gast

from chainrule.backend import outside
from chainrule.backend import program as p
from chainrule.backend.arguments import committed, expect_in_place, not_in_place
from chainrule.backend.buffers import choose_modes
from chainrule.backend.coalesce import coalesce
from chainrule.backend.exits import lower
from chainrule.backend.live import Web, drop_dead
from chainrule.backend.names import clean, name_variables
from chainrule.backend.nest import nest
from chainrule.backend.program import Program
from chainrule.backend.returns import sink_return
from chainrule.backend.scope import Scope
from chainrule.backend.spell import Node, Speller, literal
from chainrule.backend.statements import Writer
from chainrule.backend.sweeps import mark_sweeps
from chainrule.backend.undefined import give_none, read_without_value
from chainrule.backend.unpacking import unpack_parts
from chainrule.ir import nodes as ir
from chainrule.ir import prims
from chainrule.ir.nodes import Value


@dataclass(slots=True)
class Emitted:
    """A module tree, the free names it needs, and the name of its last function.

    `spellers` know the variables of each function, by its name.
    """

    tree: Any
    free: dict[str, Any]
    name: str
    spellers: dict[str, Speller]


def emit(function: ir.Function, cells: Collection[str] = ()) -> Emitted:
    """Make the module of a function; `cells` names the user's closure cells."""
    functions = reachable(function)
    callees = _unique_names(functions)
    webs = [variables(f) for f in functions]
    local = {*callees.values(), "_"}
    for web in webs:
        local |= _local_names(web.program)
    local -= _names_outside(webs)
    scope = Scope(function.namespace, cells, local)
    body = []
    spellers: dict[str, Speller] = {}
    for web in webs:
        own = web.program.function
        scope.namespace = own.namespace or function.namespace
        body.append(_function(web, callees, scope, spellers))
    tree = gast.Module(body, [])
    return Emitted(tree, scope.free, callees[id(function)], spellers)


def reachable(function: ir.Function) -> list[ir.Function]:
    """Return a function after all functions that it calls."""
    out: list[ir.Function] = []
    seen: set[int] = set()

    def visit(f: ir.Function) -> None:
        seen.add(id(f))
        for callee in _callees(f.body):
            if id(callee) not in seen:
                visit(callee)
        out.append(f)

    visit(function)
    return out


def _callees(block: ir.Block) -> list[ir.Function]:
    out = []
    for stmt in block.stmts:
        if isinstance(stmt, ir.Call):
            out.append(stmt.callee)
        for inner in ir.blocks(stmt):
            out += _callees(inner)
    return out


def _unique_names(functions: list[ir.Function]) -> dict[int, str]:
    """Name the functions; the one asked for comes first in the choice."""
    taken: set[str] = set()
    out: dict[int, str] = {}
    for f in reversed(functions):
        base = name = clean(f.name)
        number = 1
        while name in taken:
            number += 1
            name = f"{base}{number}"
        taken.add(name)
        out[id(f)] = name
    return out


def _param_names(function: ir.Function) -> list[str]:
    if function.signature is not None:
        return list(function.signature.parameters)
    out: list[str] = []
    for i, value in enumerate(function.params):
        base = name = clean(value.hint or f"arg{i}")
        number = 1
        while name in out:
            number += 1
            name = f"{base}{number}"
        out.append(name)
    return out


def _local_names(program: Program) -> set[str]:
    out = set(_param_names(program.function))
    for node in p.walk(program.nodes):
        out |= {clean(v.hint) for v in p.defines(node) if v.hint}
    return out


def _names_outside(webs: list[Web]) -> set[str]:
    """Return the names of variables outside that are written: no other has them."""
    found: set[str] = set()
    params: set[str] = set()
    for web in webs:
        params.update(_param_names(web.program.function))
        for node in p.walk(web.program.nodes):
            op = node.op if isinstance(node, p.Let) else None
            if isinstance(op, ir.Apply) and op.fn is prims.let_name:
                found.add(op.args[0].text or "")  # type: ignore[union-attr]
    return found - params


def variables(function: ir.Function) -> Web:
    """Return the statements of a function and its variables.

    Arguments that the user's function changes are written in place, if they can be.
    """
    ours = committed(function)
    while True:
        program = lower(function)
        expect_in_place(program, ours)
        unpack_parts(program)
        drop_dead(Web(program, {}))
        sink_return(program)
        nested = nest(program, ours)
        web = coalesce(program, nested)
        choose_modes(web, ours)
        unsure = read_without_value(web)
        if unsure and give_none(function, unsure):
            continue
        failed = not_in_place(web, ours)
        if not failed:
            return web
        ours = {k: v for k, v in ours.items() if k not in failed}


def _function(
    web: Web,
    callees: dict[int, str],
    scope: Scope,
    spellers: dict[str, Speller],
) -> Node:
    """Make the definition of one function."""
    program = web.program
    function = program.function
    params = _param_names(function)
    reserved = {*scope.namespace, *scope.free, *scope.cells, *callees.values()}
    fixed = dict(zip(function.params, params, strict=True))
    names = name_variables(web, fixed, reserved)
    scope.taken |= set(names.values())
    mark_sweeps(web)
    name = callees[id(function)]
    speller = spellers[name] = Speller(web, scope, names, callees)
    writer = Writer(speller, _used(web))
    body = []
    if function.doc is not None:
        body.append(gast.Expr(literal(function.doc)))
    body += writer.body(program.nodes) if not body else writer.statements(program.nodes)
    start = int(function.doc is not None)
    body[start:start] = outside.declarations(speller)
    args = _arguments(function, params, speller)
    out = gast.FunctionDef(name, args, body, [], None, None, [])
    out.origin = function.loc
    return out


def _used(web: Web) -> set[Value]:
    out: set[Value] = set()
    for node in p.walk(web.program.nodes):
        out.update(map(web.find, web.read(node)))
    return out


def _arguments(function: ir.Function, names: list[str], speller: Speller) -> Node:
    """Return the parameter list as the user wrote it, annotations left out."""

    def param(name: str) -> Node:
        return gast.Name(name, gast.Param(), None, None)

    if function.signature is None:
        return gast.arguments([param(n) for n in names], [], None, [], [], None, [])
    kinds = inspect.Parameter
    positional: list[Node] = []
    only: list[Node] = []
    keyword: list[Node] = []
    keyword_defaults: list[Node | None] = []
    defaults: list[Node] = []
    vararg = kwarg = None
    for parameter in function.signature.parameters.values():
        name, default = param(parameter.name), parameter.default
        value = None if default is kinds.empty else speller.const(default)
        if parameter.kind is kinds.VAR_POSITIONAL:
            vararg = name
        elif parameter.kind is kinds.VAR_KEYWORD:
            kwarg = name
        elif parameter.kind is kinds.KEYWORD_ONLY:
            keyword.append(name)
            keyword_defaults.append(value)
        else:
            (only if parameter.kind is kinds.POSITIONAL_ONLY else positional).append(
                name
            )
            if value is not None:
                defaults.append(value)
    return gast.arguments(
        positional, only, vararg, keyword, keyword_defaults, kwarg, defaults
    )
