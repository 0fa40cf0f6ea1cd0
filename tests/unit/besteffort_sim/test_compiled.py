from __future__ import annotations

import dis
import sys
from types import FunctionType

from besteffort_core import latency, scorer
from besteffort_core.latency import candidates
from besteffort_sim import auction, iteration, router, serving, view
from besteffort_sim.compiled import compiled

METHODS = ("LOAD_METHOD", "LOAD_ATTR")


def test_a_copy_is_compiled_and_the_original_stays_plain() -> None:
    dispatcher = compiled(candidates)
    assert dispatcher is compiled(candidates)
    assert dispatcher is not candidates
    assert type(latency.work_s).__name__ == "function"


def test_what_a_function_calls_is_compiled_too() -> None:
    inner = compiled(candidates).py_func.__globals__["_finish_s"]
    assert hasattr(inner, "py_func")


def test_the_core_does_not_import_numba() -> None:
    assert not any(hasattr(sys.modules[name], "numba") for name in sys.modules if name.startswith("besteffort_core"))


def test_what_may_not_allocate_asks_no_array_for_its_extremes() -> None:
    """Numba can compile that only where something that may has asked before, so the order would decide."""
    for module in (latency, scorer, auction, iteration, router, serving, view):
        for function in vars(module).values():
            if isinstance(function, FunctionType) and not compiled(function).targetoptions.get("_nrt", True):
                asked = {step.argval for step in dis.get_instructions(function) if step.opname in METHODS}
                assert asked.isdisjoint({"max", "min"}), function.__name__
