"""The text of a function is found wherever it comes from, and is the right one."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import doctest
import functools
import gc
import importlib.util
import inspect
import linecache
import math
import os
import statistics
import subprocess
import sys
import textwrap
import types
import warnings
from pathlib import Path
from typing import Any

import gast
import numpy as np
import pytest

from chainrule import differentiate, grad
from chainrule.errors import NotDifferentiable
from chainrule.frontend import source
from chainrule.frontend.source import load

# a private module, which NumPy 2 has moved
LINALG = sys.modules[inspect.unwrap(np.linalg.norm).__globals__["__name__"]]


def import_text(path: Path, text: str) -> types.ModuleType:
    """Write a module and import it."""
    path.write_text(textwrap.dedent(text), "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evaluate(found: source.Source, *args: Any) -> Any:
    """Run the tree that was found, in the globals of the function."""
    tree = gast.gast_to_ast(found.tree)
    namespace = dict(found.function.__globals__)
    if isinstance(found.tree, gast.Lambda):
        module = ast.Expression(tree)
        return eval(compile(module, "<test>", "eval"), namespace)(*args)
    module = ast.Module([tree], [])
    exec(compile(module, "<test>", "exec"), namespace)
    return namespace[tree.name](*args)


def refused(function: Any, text: str | None = None) -> NotDifferentiable:
    """Return the refusal of a function's source."""
    with pytest.raises(NotDifferentiable) as caught:
        load(function, text)
    return caught.value


def keep(function: Any) -> Any:
    """Wrap a function as decorators do."""

    @functools.wraps(function)
    def inner(*args: Any) -> Any:
        return function(*args)

    return inner


@keep
@keep
def decorated(x, y=2):
    """Add."""
    return x + y


def test_a_plain_function_is_described() -> None:
    """Tree, text, file, first line, docstring and name are those of the function."""
    found = load(source.wrapped_chain)
    assert isinstance(found.tree, gast.FunctionDef)
    assert found.text.startswith("def wrapped_chain(function: Callable")
    assert found.filename == source.__file__
    assert "def wrapped_chain" in linecache.getline(found.filename, found.first_line)
    assert found.docstring == source.wrapped_chain.__doc__
    assert found.qualname == "wrapped_chain"
    assert found.function is source.wrapped_chain


def test_the_same_code_is_read_once() -> None:
    """Two loads share one tree."""
    assert load(decorated).tree is load(decorated).tree


def test_decorators_are_dropped_and_chains_followed_on_demand() -> None:
    """A decorated function is its wrapper; what is inside comes without decorators."""
    assert load(decorated).text.startswith("def inner(*args")
    *_, innermost = source.wrapped_chain(decorated)
    found = load(innermost)
    assert found.tree.decorator_list == []
    assert found.text == 'def decorated(x, y=2):\n    """Add."""\n    return x + y\n'
    assert found.docstring == "Add."
    assert evaluate(found, 3) == 5


def test_a_chain_that_is_a_circle_ends() -> None:
    """A function that is said to wrap itself is yielded once."""

    def f(x):
        return x

    f.__wrapped__ = f
    assert list(source.wrapped_chain(f)) == [f]


class Model:
    """Has methods of every kind, and private names."""

    def __init__(self) -> None:
        self.__scale = 2.0

    def method(self, x):
        return self.__scale * x

    @staticmethod
    def static(x):
        return x + 1

    @classmethod
    def maker(cls, x):
        return cls, x

    def derived(self):
        return super().__init__

    @property
    def scale(self):
        return 3

    @scale.setter
    def scale(self, value):
        pass


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (Model().method, "def method(self, x):\n    return self.__scale * x\n"),
        (Model.method, "def method(self, x):\n    return self.__scale * x\n"),
        (Model.static, "def static(x):\n    return x + 1\n"),
        (Model.__dict__["static"], "def static(x):\n    return x + 1\n"),
        (Model.maker, "def maker(cls, x):\n    return cls, x\n"),
        (Model.derived, "def derived(self):\n    return super().__init__\n"),
        (Model.scale.fget, "def scale(self):\n    return 3\n"),
        (Model.scale.fset, "def scale(self, value):\n    pass\n"),
    ],
)
def test_methods_are_found(function: Any, text: str) -> None:
    """Bound, static and class methods are the functions behind them."""
    assert load(function).text == text


def test_closures_are_found_and_keep_their_own_function() -> None:
    """Two closures share code and tree, each source names its own function."""

    def outer(a):
        def inner(x):
            return a * x

        return inner

    one, two = outer(1), outer(2)
    assert load(one).tree is load(two).tree
    assert (load(one).function, load(two).function) == (one, two)
    assert load(one).qualname.endswith("outer.<locals>.inner")


first, second = lambda x: x + 1, lambda x: x * 2
twins = [lambda x: x + 1, lambda x: x + 1]
nested = lambda x: lambda y: x - y
ünï, broken = (lambda é: é + 1), lambda x: (
    x +
    3
)  # fmt: skip


@pytest.mark.parametrize(
    ("function", "text", "column"),
    [
        (first, "lambda x: x + 1", 16),
        (second, "lambda x: x * 2", 33),
        (twins[0], "lambda x: x + 1", 9),
        (twins[1], "lambda x: x + 1", 26),
        (nested, "lambda x: lambda y: x - y", 9),
        (nested(1), "lambda y: x - y", 19),
        (ünï, "lambda é: é + 1", 15),
        (broken, "lambda x: (\n    x +\n    3\n)", 33),
    ],
)
def test_lambdas_on_one_line_are_told_apart(
    function: Any, text: str, column: int
) -> None:
    """The lambda that is meant is found by its columns, which count characters."""
    found = load(function)
    assert found.text == text
    assert found.tree.col_offset == column


def test_lambdas_without_positions_are_refused_unless_alike(tmp_path: Path) -> None:
    """An interpreter that keeps no columns cannot tell two lambdas apart."""
    script = tmp_path / "script.py"
    script.write_text(
        "from chainrule.frontend.source import load\n"
        "a, b = lambda x: x, lambda x: x * 2\n"
        "c, d = lambda x: x, lambda x: x\n"
        "print(load(d).text)\n"
        "load(b)\n"
    )
    run = subprocess.run(
        [sys.executable, "-X", "no_debug_ranges", str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert run.stdout == "lambda x: x\n"
    assert "CR202 the text of `<lambda>` cannot be told from its file" in run.stderr
    assert "several functions on this line fit" in run.stderr


def test_positions_are_true_in_the_file() -> None:
    """Lines count from the top of the file, columns in characters, not bytes."""

    def f(x):
        é = "äöü"; y = x  # fmt: skip # noqa: E702
        return y, é

    found = load(f)
    _, second, _ = found.tree.body
    loc = found.loc(second)
    assert loc.line == f.__code__.co_firstlineno + 1
    assert (loc.column, loc.end_column) == (19, 24)
    assert found.segment(second) == "y = x"
    assert loc.function == f.__qualname__
    assert found.loc().line == found.first_line


def test_functions_with_assertions_are_found_in_rewritten_tests() -> None:
    """pytest's rewriting of `assert` does not look like an edit."""

    def f(x):
        assert x > 0, "positive"
        return [v * 2.5 for v in x]

    assert "assert x > 0" in load(f).text


def test_an_edit_is_seen_behind_rewritten_assertions() -> None:
    """Where assertions are rewritten, another number in the text is still an edit."""

    def f(x):
        assert x > 0
        return x * 2.5

    def g(x):
        assert x > 0
        return x * 3.5

    moved = f.__code__.replace(co_firstlineno=g.__code__.co_firstlineno, co_name="g")
    assert refused(types.FunctionType(moved, globals(), "g")).code == "CR203"


IMPORTS = """\
    import os.path
    try:
        import numpy as np
    except ImportError:
        pass

    def loss(x):
        return np.sum(os.path.join("a", "b") and x)
"""


def test_calls_on_imported_modules_compile_alike(tmp_path: Path) -> None:
    """CPython compiles `np.sum(x)` otherwise where np is imported; both are known."""
    module = import_text(tmp_path / "imports.py", IMPORTS)
    assert load(module.loss).text.startswith("def loss")


@pytest.mark.parametrize("module", [argparse, dataclasses, statistics, LINALG])
def test_all_functions_of_real_modules_are_found(module: types.ModuleType) -> None:
    """Nobody edited the standard library or NumPy: each function has its own text."""
    owners = [module, *(v for v in vars(module).values() if isinstance(v, type))]
    found = 0
    for function in [v for owner in owners for v in vars(owner).values()]:
        function = inspect.unwrap(getattr(function, "__func__", function))
        if isinstance(function, types.FunctionType):
            if function.__code__.co_filename == module.__file__:
                expected = textwrap.dedent(inspect.getsource(function)).rstrip()
                assert expected.endswith(load(function).text.rstrip())
                found += 1
    assert found > 30


def test_warnings_of_the_compiler_are_not_repeated(tmp_path: Path) -> None:
    """What Python warns of at the import neither shows again nor stops us."""
    text = "def f(x):\n    return x is 1, '\\d'\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = import_text(tmp_path / "warns.py", text)
    assert load(module.f).text == text


def test_future_imports_are_honoured(tmp_path: Path) -> None:
    """Annotations that are not evaluated do not look like an edit."""
    text = """\
    from __future__ import annotations

    def outer(x):
        def inner(y: Undefined) -> Nothing:
            return y
        return inner(x)
    """
    module = import_text(tmp_path / "future.py", text)
    assert load(module.outer).first_line == 3


def test_an_edited_file_is_refused(tmp_path: Path) -> None:
    """The text of another function than the one that runs is never used."""
    path = tmp_path / "model.py"
    module = import_text(path, "def loss(x):\n    return x * x\n")
    path.write_text("def loss(x):\n    return x * x * x\n")
    error = refused(module.loss)
    assert str(error) == (
        f"CR203 {path} was edited after `loss` was imported\n"
        f"  --> {path}:1:1\n"
        "   |\n"
        " 1 | def loss(x):\n"
        "   | ^^^^^^^^^^^^ this text compiles to other code than the `loss` that runs\n"
        "   = help: import the module again (importlib.reload) or restart Python\n"
        "   = note: if an import hook rewrites the code, give the text: "
        '`differentiate(loss, source="...")`'
    )


@pytest.mark.parametrize(
    "text",
    [
        "def loss(x):\n    return x * 2.0\n",
        "def loss(x):\n    return 2 * x\n",
        "def loss(x):\n    return y * 2\n",
        "def loss(y):\n    return y * 2\n",
        "def loss(x):\n    return x * -2\n",
        "def loss(*x):\n    return x * 2\n",
        "def other(x):\n    return x * 2\n",
        "\n\ndef other(x):\n    pass\n\ndef loss(x):\n    return x * 3\n",
        "loss = lambda x: x * 2\n",
        "x = (\n",
    ],
)
def test_every_kind_of_edit_is_seen(tmp_path: Path, text: str) -> None:
    """Constants and their types, operators, order, names, arguments."""
    path = tmp_path / "model.py"
    module = import_text(path, "def loss(x):\n    return x * 2\n")
    path.write_text(text)
    assert refused(module.loss).code in ("CR202", "CR203")


def test_an_edit_of_a_nested_function_is_seen(tmp_path: Path) -> None:
    """Functions inside the function are compared, too."""
    path = tmp_path / "model.py"
    text = "def loss(x):\n    g = lambda y: y + 1\n    return g(x)\n"
    module = import_text(path, text)
    path.write_text(text.replace("y + 1", "y + 2"))
    assert refused(module.loss).code == "CR203"


def test_an_edit_of_one_of_two_lambdas_is_seen(tmp_path: Path) -> None:
    """Two lambdas that change places are not mistaken for each other."""
    path = tmp_path / "model.py"
    module = import_text(path, "a, b = lambda x: x + 1, lambda x: x - 1\n")
    path.write_text("a, b = lambda x: x - 1, lambda x: x + 1\n")
    assert refused(module.a).code == "CR203"


def test_a_function_that_only_moved_is_found(tmp_path: Path) -> None:
    """New lines above do not matter; the places are those of the text as it is now."""
    path = tmp_path / "model.py"
    module = import_text(path, "def loss(x):\n    return x * x\n")
    path.write_text("import math\n\n\ndef loss(x):\n    return x * x\n")
    assert load(module.loss).first_line == 4


def test_a_reloaded_module_is_read_again(tmp_path: Path) -> None:
    """After an edit and a new import, the new text counts."""
    path = tmp_path / "model.py"
    before = import_text(path, "def loss(x):\n    return x * x\n")
    load(before.loss)
    after = import_text(path, "def loss(x):\n    return x * x * x\n")
    assert load(after.loss).text.endswith("return x * x * x\n")
    assert load(before.loss).text.endswith("return x * x\n")


def test_the_cache_does_not_keep_functions_alive() -> None:
    """A function that nobody needs any more leaves the cache with its code."""
    namespace: dict[str, Any] = {}
    text = "def f(x):\n    return x\n"
    linecache.cache["<test cache>"] = (len(text), None, text.splitlines(True), "")
    exec(compile(text, "<test cache>", "exec"), namespace)
    load(namespace["f"])
    key = id(namespace["f"].__code__)
    assert key in source._cache
    del namespace
    gc.collect()
    assert key not in source._cache


def test_registered_text_is_found() -> None:
    """Functions made by exec are found if their text is in linecache, as ours is."""
    name = "<chainrule model.loss>"
    text = "import numpy as np\n\ndef loss_grad(x):\n    return np.cos(x)\n"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace: dict[str, Any] = {}
    exec(compile(text, name, "exec"), namespace)
    found = load(namespace["loss_grad"])
    assert (found.filename, found.first_line) == (name, 3)
    assert evaluate(found, 0.0) == np.cos(0.0)


def made_by_exec(text: str, name: str = "f", **names: Any) -> Any:
    """Return a function whose text nobody keeps."""
    exec(text, names)
    return names[name]


def test_a_function_without_text_is_refused_with_advice() -> None:
    """The message says how the function came to be, and what to do."""
    assert str(refused(made_by_exec("def f(x): return x"))) == (
        "CR201 no source text for `f`\n"
        "   = help: define it in a file or a notebook cell, or give the text: "
        '`differentiate(f, source="...")`\n'
        "   = note: it was made by exec() or python -c, which keep no text"
    )


def test_the_text_can_be_given() -> None:
    """An explicit text is taken when it is that of the function, however indented."""
    text = "    def f(x):\n        return x + 1.5\n"
    found = load(made_by_exec(textwrap.dedent(text)), text)
    assert evaluate(found, 1.0) == 2.5
    assert found.filename == "<source of f>"
    assert linecache.getline(found.filename, 2) == "    return x + 1.5\n"


def test_the_text_of_a_closure_can_be_given() -> None:
    """Captured variables compile otherwise than globals; both are recognised."""
    text = "def f(x):\n    return a * x\n"
    outer = "def outer(a):\n" + textwrap.indent(text, "    ") + "    return f\n"
    closure = made_by_exec(outer, "outer")(3)
    assert load(closure, text).tree.name == "f"


def test_the_text_of_a_lambda_can_be_given() -> None:
    """The lambda is found in whatever statement it is given in."""
    function = made_by_exec("f = lambda x: x * 3")
    assert load(function, "g = lambda x: x * 3").text == "lambda x: x * 3"


@pytest.mark.parametrize("text", ["def f(x): return x * 2", "def g(x): return x", "("])
def test_a_wrong_text_is_refused(text: str) -> None:
    """A text that compiles to another function is not believed."""
    assert refused(made_by_exec("def f(x): return x"), text).code == "CR205"


def test_a_text_that_is_given_is_that_of_the_function_from_then_on() -> None:
    """`differentiate(f, source=...)` makes a derivative, also where `f` is called."""
    text = "def f(x): return x * x * x"
    function = made_by_exec(text)
    caller = lambda x: 2 * function(x)  # noqa: E731
    with pytest.raises(NotDifferentiable, match="CR201"):
        grad(caller)(2.0)
    with pytest.raises(NotDifferentiable, match="CR205"):
        differentiate(function, source="def f(x): return x * x")
    made = differentiate(function, source=text)
    assert (made(2.0), made.grad(2.0), grad(caller)(2.0)) == (8.0, 12.0, 24.0)
    decorated = differentiate(source=text)(made_by_exec(text))
    assert decorated.hessian(2.0) == 12.0


@pytest.mark.parametrize("thing", [len, np.sin, Model, functools.partial(load), 3])
def test_what_is_no_python_function_is_refused(thing: Any) -> None:
    """Builtins, ufuncs, classes and objects have no text."""
    assert refused(thing).code == "CR204"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is gone is like a text that never was."""
    module = import_text(tmp_path / "gone.py", "def f(x):\n    return x\n")
    (tmp_path / "gone.py").unlink()
    error = refused(module.f)
    assert error.code == "CR201"
    assert "gone.py` cannot be read" in str(error)


def test_deep_expressions_are_an_ordinary_refusal(tmp_path: Path) -> None:
    """A tree that recursion cannot walk is not an internal error."""
    text = "def f(x):\n    return " + " + ".join(["x"] * 2000) + "\n"
    module = import_text(tmp_path / "deep.py", text)
    assert refused(module.f).code == "CR109"


def test_functions_of_a_doctest_are_found() -> None:
    """The examples of a docstring are compiled from text that doctest keeps."""
    text = ">>> def f(x):\n...     return x * 4\n>>> seen.append(load(f).text)\n"
    seen: list[str] = []
    test = doctest.DocTestParser().get_doctest(
        text, {"load": load, "seen": seen}, "example", None, 0
    )
    result = doctest.DocTestRunner(verbose=False).run(test, out=lambda text: None)
    assert result.failed == 0
    assert seen == ["def f(x):\n    return x * 4\n"]


@pytest.mark.parametrize("prompt", [False, True])
def test_functions_of_a_document_are_found(tmp_path: Path, prompt: bool) -> None:
    """Code in a README, compiled with the line numbers of the file, is found there."""
    code = ["def f(é, x):", "    return é * 4, np.cos(math.log(x)), x.real", ""]
    first, more = (">>> ", "... ") if prompt else ("    ", "    ")
    shown = [first + code[0], more + code[1], more + code[2]]
    path = tmp_path / "README.md"
    path.write_text("\n".join(["# It's a title", "", *shown, "", "text", ""]), "utf-8")
    namespace: dict[str, Any] = {"math": math}
    code.insert(0, "import numpy as np")
    exec(compile("\n" + "\n".join(code), str(path), "exec"), namespace)
    found = load(namespace["f"])
    assert evaluate(found, 2, 1) == (8, 1, 1)
    (statement,) = found.tree.body
    assert found.first_line == 3
    assert found.text == "\n".join(code[1:])
    assert found.segment(statement) == "return é * 4, np.cos(math.log(x)), x.real"


def test_functions_of_earlier_examples_are_found(tmp_path: Path) -> None:
    """sybil gives all examples of a file one name; they are found in the file."""
    path = tmp_path / "README.md"
    path.write_text(
        ">>> def f(x):\n...     return x\n>>> @keep\n... def g(x): return 1\n"
    )
    name = f"<doctest {path}[0]>"
    namespace: dict[str, Any] = {"keep": keep}
    exec(compile("def f(x):\n    return x\n", name, "single"), namespace)
    exec(compile("@keep\ndef g(x): return 1\n", name, "single"), namespace)
    linecache.cache[name] = (9, None, ["print(1)\n"], name)
    found = load(namespace["f"])
    assert (found.filename, found.first_line) == (str(path), 1)
    assert found.text == "def f(x):\n    return x\n"
    assert load(namespace["g"].__wrapped__).text == "def g(x): return 1\n"


NOTEBOOK = """\
from IPython.core.interactiveshell import InteractiveShell
import chainrule.frontend.source as source

shell = InteractiveShell.instance()
run = lambda cell: shell.run_cell(cell, store_history=True).raise_error()
run("import numpy as np")
run("def f(x):\\n    return np.sin(x) * 2\\nf")
print(source.load(shell.user_ns["f"]).text)
old = shell.user_ns["f"]
run("def f(x):\\n    return np.cos(x)")
print(source.load(shell.user_ns["f"]).text, source.load(old).text)
run("%%time\\ndef g(x):\\n    return x")
try:
    source.load(shell.user_ns["g"])
except SyntaxError as error:
    print(error)
"""


def test_functions_of_notebook_cells_are_found(tmp_path: Path) -> None:
    """Cells keep their text, also of what is defined again; %%time cells do not."""
    env = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, env=env
    )
    sin, cos = "    return np.sin(x) * 2\n", "    return np.cos(x)\n"
    assert f"def f(x):\n{sin}\ndef f(x):\n{cos} def f(x):\n{sin}" in run.stdout
    assert "CR201 no source text for `g`" in run.stdout
    assert "= help: define it in a cell without %%time" in run.stdout
