"""Print an `ast` tree as tokens: astor's generator, mended.

In: a fresh `ast` tree (astor leaves marks on nodes, so a tree is printed once). Out:
text that `layout` lays out. What astor 0.8.1 prints wrongly or not at all (defaults of
positional-only parameters, `**(a or b)`, parentheses of a tuple that is a test,
f-strings) is corrected here; a comment is a statement that holds a `Remark`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import Any

with warnings.catch_warnings():
    # astor 0.8.1 touches `ast.Num` when imported, which is deprecated since 3.12.
    warnings.simplefilter("ignore", DeprecationWarning)
    import astor
    from astor.code_gen import set_precedence
    from astor.op_util import Precedence, get_op_precedence, get_op_symbol


class Remark(str):
    """The text of a comment, carried through trees as an expression statement."""

    __slots__ = ()


def is_remark(node: Any) -> bool:
    """Say whether a statement is a comment."""
    value = getattr(node, "value", None)
    return isinstance(getattr(value, "value", None), Remark)


def to_text(tree: ast.Module, layout: Callable[[list[str]], str]) -> str:
    """Print a tree; the layout joins the tokens of each line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        text: str = astor.to_source(
            tree, pretty_source=layout, source_generator_class=Generator
        )
    return text


COMPLEX = (
    ast.BinOp,
    ast.BoolOp,
    ast.Compare,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.IfExp,
    ast.Lambda,
)


def _simple(node: ast.expr) -> bool:
    """Say whether Black writes a power of this operand without blanks."""
    while isinstance(node, ast.Attribute):
        node = node.value
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Name | ast.Constant)


class Generator(astor.SourceGenerator):  # type: ignore[misc]
    """astor's generator with comments and corrections."""

    def visit(self, node: ast.AST) -> None:
        """Visit a node; the method is looked up once for each kind of nodes."""
        kind = node.__class__
        method = self.methods.get(kind)
        if method is None:
            method = self.methods[kind] = getattr(self, f"visit_{kind.__name__}")
        method(node)

    @cached_property
    def methods(self) -> dict[type, Callable[[Any], None]]:
        """The methods that have been looked up."""
        return {}

    def visit_Expr(self, node: ast.Expr) -> None:
        if is_remark(node):
            self.statement(node, f"# {node.value.value}")  # type: ignore[attr-defined]
        else:
            super().visit_Expr(node)

    def verbatim(self, node: ast.expr) -> None:
        self.write(ast.unparse(ast.fix_missing_locations(node)))

    visit_JoinedStr = visit_TemplateStr = verbatim

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            super().visit_Constant(node)
        else:
            # A number before a dot needs parentheses: (1).real.
            text = "..." if node.value is ... else repr(node.value)
            attribute = getattr(node, "_pp", 0) == Precedence.highest
            closed = attribute and isinstance(node.value, int | float)
            self.write(f"({text})" if closed else text)

    def visit_FunctionDef(self, node: ast.FunctionDef, is_async: bool = False) -> None:
        if is_async or node.returns or getattr(node, "type_params", None):
            raise NotImplementedError("only plain functions are generated")
        self.decorators(node, 1 if self.indentation else 2)
        self.statement(node, "def ", node.name, "(")
        self.visit_arguments(node.args)
        self.write(")", ":")
        self.body(node.body)
        if not self.indentation:
            self.newline(extra=2)

    def visit_arguments(self, node: ast.arguments) -> None:
        items: list[list[Any]] = []

        def param(arg: ast.arg, default: ast.expr | None) -> None:
            equals = " = " if arg.annotation is not None else "="
            items.append([arg] if default is None else [arg, equals, default])

        positional = [*node.posonlyargs, *node.args]
        set_precedence(Precedence.Comma, node.defaults)
        set_precedence(Precedence.Comma, [d for d in node.kw_defaults if d is not None])
        padding: list[Any] = [None] * (len(positional) - len(node.defaults))
        for i, (arg, default) in enumerate(
            zip(positional, padding + node.defaults, strict=True), 1
        ):
            param(arg, default)
            if i == len(node.posonlyargs):
                items.append(["/"])
        if node.vararg is not None:
            items.append(["*", node.vararg])
        elif node.kwonlyargs:
            items.append(["*"])
        for arg, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            param(arg, default)
        if node.kwarg is not None:
            items.append(["**", node.kwarg])
        for i, item in enumerate(items):
            self.write(*([", "] if i else []), *item)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self.delimit(node) as delimiters:
            set_precedence(delimiters.p, node.body)
            a = node.args
            bare = not (a.posonlyargs or a.args or a.vararg or a.kwonlyargs or a.kwarg)
            # One token: the layout must not split it.
            self.write("")
            start = len(self.result)
            self.write("lambda" if bare else "lambda ")
            self.visit_arguments(a)
            self.write(": ", node.body)
            self.result[start:] = ["".join(self.result[start:])]

    def visit_Dict(self, node: ast.Dict) -> None:
        with self.delimit("{}"):
            for i, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
                self.write(", " if i else "")
                if key is None:
                    set_precedence(Precedence.BitOr, value)
                    self.write("**", value)
                else:
                    set_precedence(Precedence.Comma, key, value)
                    self.write(key, ": ", value)

    def visit_Call(self, node: ast.Call) -> None:
        set_precedence(Precedence.highest, node.func)
        many = len(node.args) + len(node.keywords) > 1
        level = Precedence.Comma if many else Precedence.call_one_arg
        set_precedence(level, node.args)
        self.write(node.func, "(")
        first = True
        for arg in node.args:
            self.write("" if first else ", ", arg)
            first = False
        for keyword in node.keywords:
            self.write("" if first else ", ")
            first = False
            if keyword.arg is None:
                set_precedence(Precedence.BitOr, keyword.value)
                self.write("**", keyword.value)
            else:
                set_precedence(Precedence.Comma, keyword.value)
                self.write(keyword.arg, "=", keyword.value)
        self.write(")")

    def visit_Tuple(self, node: ast.Tuple) -> None:
        if len(node.elts) == 1:
            set_precedence(Precedence.Comma, node.elts[0])
            self.write("(", node.elts[0], ",", ")")
        else:
            super().visit_Tuple(node)

    def visit_Starred(self, node: ast.Starred) -> None:
        set_precedence(Precedence.BitOr, node.value)
        self.write("*", node.value)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        set_precedence(Precedence.highest, node.value)
        self.write(node.value, ".", node.attr)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        set_precedence(Precedence.highest, node.value)
        spaced = any(isinstance(n, COMPLEX) for n in ast.walk(node.slice))
        whole = isinstance(node.slice, ast.Tuple)
        for part in node.slice.elts if whole else [node.slice]:  # type: ignore[attr-defined]
            if isinstance(part, ast.Slice):
                part.spaced = spaced  # type: ignore[attr-defined]
        super().visit_Subscript(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        """Space the colons of slices that compute, as Black does."""
        space = " " if getattr(node, "spaced", False) else ""
        for bound in (node.lower, node.upper, node.step):
            set_precedence(Precedence.Comma, bound)
        if node.lower is not None:
            self.write(node.lower, space)
        self.write(":")
        if node.upper is not None:
            self.write(space, node.upper)
        if node.step is not None:
            self.write(space if node.upper is not None else "", ":", space, node.step)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Write `x**2` without blanks, as Black does for simple operands."""
        level = get_op_precedence(node.op)
        symbol = get_op_symbol(node.op, " %s ")
        first, second = level, level + 1
        if isinstance(node.op, ast.Pow):
            first, second = Precedence.Pow + 1, Precedence.PowRHS
            if _simple(node.left) and _simple(node.right):
                symbol = "**"
        set_precedence(first, node.left)
        set_precedence(second, node.right)
        if level < getattr(node, "_pp", Precedence.highest):
            self.write("(", node.left, symbol, node.right, ")")
        else:
            self.write(node.left, symbol, node.right)

    def visit_If(self, node: ast.If) -> None:
        keyword = "if "
        while True:
            set_precedence(Precedence.Comma, node.test)
            self.statement(node, keyword, node.test, ":")
            self.body(node.body)
            if len(node.orelse) != 1 or not isinstance(node.orelse[0], ast.If):
                break
            node, keyword = node.orelse[0], "elif "
        self.else_body(node.orelse)

    def visit_While(self, node: ast.While) -> None:
        set_precedence(Precedence.Comma, node.test)
        self.statement(node, "while ", node.test, ":")
        self.body_or_else(node)

    def visit_For(self, node: ast.For, is_async: bool = False) -> None:
        set_precedence(node, node.iter)
        super().visit_For(node, is_async)

    def visit_Assert(self, node: ast.Assert) -> None:
        set_precedence(Precedence.Comma, node.test, node.msg)
        self.statement(node, "assert ", node.test)
        self.conditional_write(", ", node.msg)

    def visit_Raise(self, node: ast.Raise) -> None:
        set_precedence(Precedence.Comma, node.exc, node.cause)
        super().visit_Raise(node)

    def visit_With(self, node: ast.With, is_async: bool = False) -> None:
        for item in node.items:
            set_precedence(Precedence.Comma, item.context_expr, item.optional_vars)
        super().visit_With(node, is_async)
