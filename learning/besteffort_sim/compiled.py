"""Compile plain functions, the core's among them, without their module knowing about it.

A copy of the function is made whose globals hold the compiled copies of what it calls; numba compiles that copy.
So the simulator runs the source that the router interprets. Machine code is kept on disk under the hash of the
whole source, since numba itself would not see that a callee in another file has changed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]

PACKAGES = ("besteffort_core", "besteffort_sim")
DISTRIBUTION = "besteffort_"
"""What the names of our packages begin with: their rules are tested, and need no check of every index."""
ALLOCATING = frozenset(
    [
        "all",
        "argsort",
        "array",
        "astype",
        "copy",
        "cumsum",
        "dot",
        "empty",
        "full",
        "maximum",
        "minimum",
        "ones",
        "where",
        "zeros",
    ]
)
"""What makes arrays, as it is named in code."""


@functools.cache
def compiled(function: Callable[..., Any], **replaced: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled, with every function of these packages that it calls compiled too.

    `replaced` puts other functions in place of those of that name, however deep. If any of them is not ours, they and
    what calls them check every index, and are not kept on disk.
    """
    return _compiled(function, tuple(replaced.items()))


@functools.cache
def _compiled(
    function: Callable[..., Any], replaced: tuple[tuple[str, Callable[..., Any]], ...] = ()
) -> Callable[..., Any]:
    own = dict(replaced)
    called = {name: function.__globals__[name] for name in function.__code__.co_names if _is_called(function, name)}
    callees = {name: _compiled(own.get(name, callee), replaced) for name, callee in called.items()}
    fixed = _is_ours(function) and function not in own.values()
    if replaced and fixed and callees == {name: _compiled(callee) for name, callee in called.items()}:
        return _compiled(function)
    known = function.__globals__ | callees
    copy = types.FunctionType(function.__code__, known, function.__name__, function.__defaults__, function.__closure__)
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    # A call would pass, and count the references of, every array in every named tuple: so calls are inlined, and where
    # nothing is allocated nothing is counted. That is eight times as fast.
    trusted = all(_is_ours(one) for one in own.values())
    bare = trusted and _is_ours(function) and ALLOCATING.isdisjoint(_names(function))
    options: dict[str, Any] = {"cache": trusted, "boundscheck": not trusted}
    if trusted:
        numba.config.CACHE_DIR = _machine_code_folder(tuple(own.values()))  # type: ignore[attr-defined]
    if bare:
        options["_nrt"] = False
    dispatcher: Callable[..., Any] = numba.njit(nogil=True, forceinline=True, **options)(copy)
    return dispatcher


def _names(function: Callable[..., Any]) -> list[str]:
    """Return the names that a function and what it calls of ours use."""
    names = list(function.__code__.co_names)
    for name in function.__code__.co_names:
        if _is_called(function, name):
            names += _names(function.__globals__[name])
    return names


def _is_called(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a name in a function is another of ours, or of the function's own module."""
    value = function.__globals__.get(name)
    if not isinstance(value, types.FunctionType):
        return False
    return value.__module__ == function.__module__ or _is_ours(value)


def _is_ours(function: Callable[..., Any]) -> bool:
    return function.__module__.startswith(DISTRIBUTION)


@functools.cache
def _machine_code_folder(replaced: tuple[Callable[..., Any], ...]) -> str:
    """Return the folder for the machine code of this source and what is replaced in it, by this numba and Python."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.version} {[one.__qualname__ for one in replaced]}".encode())
    modules = [*PACKAGES, *(one.__module__ for one in replaced if one.__module__.partition(".")[0] not in PACKAGES)]
    for folder in sorted({Path(str(sys.modules[name].__file__)).parent for name in modules}):
        for source in sorted(folder.glob("*.py")):
            digest.update(source.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return str(home / "besteffort" / "compiled" / digest.hexdigest()[:16])
