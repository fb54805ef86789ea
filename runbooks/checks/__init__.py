"""The checks: one module per question, one function per good state.

A check is a public generator function of a module in this folder. Its name is the good state
(``agent_is_running`` has the id ``agent-is-running``), its docstring says it. Nothing else is declared.
"""

import inspect
import pkgutil
from functools import cache
from importlib import import_module

from runbooks.engine import Check


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of modules and of lines."""
    modules = [
        import_module(f"{__name__}.{module.name}")
        for module in pkgutil.iter_modules(__path__)
        if module.name[0] != "_"
    ]
    return tuple(
        Check.of(function)
        for module in modules
        for name, function in vars(module).items()
        if inspect.isgeneratorfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    )
