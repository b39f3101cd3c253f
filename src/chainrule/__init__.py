"""Derivatives of plain NumPy code, as code that a person could have written.

The public names are loaded when they are first used: `import chainrule` costs next to
nothing and imports neither NumPy nor the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule import rules
    from chainrule.api import (
        Derivative,
        Differentiable,
        checkpoint,
        differentiate,
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        on_cotangent,
        stop_gradient,
        value_and_grad,
        vjp,
    )
    from chainrule.errors import (
        DifferentiationWarning,
        NotDifferentiable,
        WrongDerivative,
    )
    from chainrule.tensor import tensor

__version__ = "0.1.0"

__all__ = [
    "Derivative",
    "Differentiable",
    "DifferentiationWarning",
    "NotDifferentiable",
    "WrongDerivative",
    "__version__",
    "checkpoint",
    "differentiate",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "on_cotangent",
    "rules",
    "stop_gradient",
    "tensor",
    "value_and_grad",
    "vjp",
]

_ERRORS = {"DifferentiationWarning", "NotDifferentiable", "WrongDerivative"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    if name in ("rules", "tensor"):
        return importlib.import_module(f"chainrule.{name}")
    module = importlib.import_module(
        "chainrule.errors" if name in _ERRORS else "chainrule.api"
    )
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Add the cell magic `%%derivative`: what `%load_ext chainrule` calls."""
    from chainrule import notebook

    notebook.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magic away again, for `%unload_ext` and `%reload_ext`."""
    from chainrule import notebook

    notebook.unload(shell)
