"""The programs of fixtures/programs, loaded as modules.

Each file holds a function named as the file, `arguments(rng)`, `expert_gradient`, and
`WRT` where the gradient is not with respect to the first argument only.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
NAMES = sorted(path.stem for path in (FIXTURES / "programs").glob("*.py"))


def load(name: str) -> ModuleType:
    """Return the module of a program, the same one at every call."""
    full = f"fixtures_programs_{name}"
    if full not in sys.modules:
        path = FIXTURES / "programs" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(full, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
    return sys.modules[full]


def arguments(module: ModuleType) -> tuple[Any, ...]:
    """Return a program's arguments, always the same."""
    return tuple(module.arguments(np.random.default_rng(0)))


def gradient(name: str) -> Any:
    """Return a program's gradient."""
    from chainrule import grad

    module = load(name)
    return grad(getattr(module, name), argnums=getattr(module, "WRT", 0))


def gradient_source(name: str) -> str:
    """Return the text that the compiler makes of a program's gradient."""
    return str(gradient(name).source(*arguments(load(name))))
