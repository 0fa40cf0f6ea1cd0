"""Find a Python that Triton's Python backend can run models with.

The backend's stub loads libpython of one minor version and needs the standard library of exactly that build, so an
interpreter fits only together with its own shared library.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from besteffort_cli.errors import EnvironmentMissingError

__all__ = ["Interpreter", "find_interpreter"]

MINORS = (11, 12)
"""The stub needs numpy 1, which ends with Python 3.12."""
PROBE = """
import importlib.util, json, sys, sysconfig
from pathlib import Path
variables = sysconfig.get_config_vars("LIBDIR", "MULTIARCH", "INSTSONAME")
folder, triplet, name = [value or "" for value in variables]
folders = [Path(folder), Path(folder, triplet), Path(sys.base_prefix, "lib")]
found = [str(place / name) for place in folders if name.startswith("libpython") and (place / name).is_file()]
has_venv = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print(json.dumps({"minor": sys.version_info[1], "library": (found or [""])[0], "has_venv": has_venv}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python 3 and its shared library."""

    executable: Path
    minor: int
    library: Path

    @property
    def version(self) -> str:
        """Return the version as 3.minor."""
        return f"3.{self.minor}"


def find_interpreter() -> Interpreter:
    """Return the first interpreter that fits, the distribution's own first.

    Raises:
        EnvironmentMissingError: there is none.
    """
    for executable in _candidates():
        if found := _probed(executable):
            return found
    raise EnvironmentMissingError(
        "The embedded Triton runs models with Python 3.11 or 3.12, its venv and its shared library, and none was found "
        "(on Debian or Ubuntu, with N for 11 or 12: apt-get install python3.N python3.N-venv libpython3.N)."
    )


def _candidates() -> list[str]:
    names = [f"python3.{minor}" for minor in MINORS]
    places = ["/usr/bin/python3", *(f"/usr/bin/{name}" for name in names)]
    running = [str(getattr(sys, "_base_executable", sys.executable))]
    elsewhere = [path for name in ("python3", *names) if (path := shutil.which(name))]
    return list(dict.fromkeys([*places, *running, *elsewhere]))


def _probed(executable: str) -> Interpreter | None:
    try:
        done = subprocess.run(  # noqa: S603 - a Python on the path
            [executable, "-I", "-c", PROBE], capture_output=True, text=True, timeout=30, check=True
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if answer["minor"] not in MINORS or not answer["library"] or not answer["has_venv"]:
        return None
    return Interpreter(Path(executable), answer["minor"], Path(answer["library"]))
