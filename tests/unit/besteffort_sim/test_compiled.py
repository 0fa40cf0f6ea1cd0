from __future__ import annotations

import sys

from besteffort_core import latency
from besteffort_core.latency import candidates
from besteffort_sim.compiled import compiled


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
