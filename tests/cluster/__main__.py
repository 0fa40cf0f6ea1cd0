"""A real Kubernetes on this machine, for tests and for trying things: build its programs, start it."""

# ruff: noqa: E402, T201 - the path is set before the imports; a command's output is printed
from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that `python tests/cluster` finds the package `cluster`

from cluster import binaries
from cluster.errors import ClusterError

NEXT = """\
Next, in another shell with that KUBECONFIG:
  {kubectl} apply --server-side -f manifests/crd.yaml
  {python} -m besteffort_operator
  {kubectl} apply -f FILE  (docs/first-service.md has one; the pods run in name only)\
"""


def main() -> int:
    """Run one command; return the exit status."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what runs in the background deaf to Ctrl-C
        signal.signal(number, signal.default_int_handler)
    arguments = _parse()
    try:
        if arguments.command == "build":
            _build(arguments.names or list(binaries.PROGRAMS))
        else:
            _up(arguments.nodes)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _build(names: list[str]) -> None:
    """Build what is not there, and print where each program is."""
    for name in names:
        print(binaries.path(name), flush=True)


def _up(nodes: int) -> None:
    """Keep a control plane running until Ctrl-C; standard output is for the shell's `eval`."""
    from cluster.control_plane import ControlPlane  # noqa: PLC0415 - `build` needs the standard library only

    with ControlPlane(nodes) as plane:
        print(f"export KUBECONFIG={plane.kubeconfig}", flush=True)
        print(f"Ready: {nodes} nodes of 8 GPUs at {plane.url}; Ctrl-C ends and removes it.", file=sys.stderr)
        print(NEXT.format(kubectl=binaries.path("kubectl"), python=sys.executable), file=sys.stderr)
        signal.pause()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build programs into the user's cache and print their paths")
    build.add_argument("names", nargs="*", metavar="NAME", help=f"all when left out: {', '.join(binaries.PROGRAMS)}")
    up = commands.add_parser("up", help="start etcd, API server, controllers, scheduler and GPU nodes until Ctrl-C")
    up.add_argument("--nodes", type=int, default=8, help="how many nodes of eight GPUs, in name only (default: 8)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
