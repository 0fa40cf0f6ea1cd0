"""Install the embedded Triton where the image wants it, with a `tritonserver` that starts it; for the Dockerfile."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from besteffort_cli.installation import find_or_install

HOME = Path("/opt/besteffort")
COMMAND = HOME / "bin" / "tritonserver"


def main() -> None:
    """Install, then write the command."""
    triton = find_or_install(HOME, print)
    environment = [f"{name}={value}" for name, value in triton.environment.items()]
    words = shlex.join(["env", *environment, str(triton.server), *triton.flags])
    COMMAND.parent.mkdir()
    COMMAND.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    COMMAND.chmod(0o755)


if __name__ == "__main__":
    sys.exit(main())
