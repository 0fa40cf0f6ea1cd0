"""Find the programs that a cluster is made of, or build them from pinned Go modules; starts none of them.

Imports nothing but the standard library, so that any Python can build before an environment is there.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import MissingProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PROGRAMS", "Program", "path"]

MODULES = Path(__file__).with_name("go")
ENVTEST = ("etcd", "kube-apiserver", "kubectl")
"""What `setup-envtest` brings."""
NO_DISCOVERY = "remove_all_sd"
"""Leaves Prometheus without service discovery, whose clients take longest to compile; 0.310 is the first to know it."""
COMPONENT = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Program:
    """One program: which go.mod pins its module, and its minutes on two cores in a build of all, in their order."""

    name: str
    folder: str
    module: str
    minutes: float
    stamps: tuple[str, ...] = ()
    """Variables that the linker sets, for programs that else do not know their version."""
    main: str = ""
    """The main package where it is ours."""

    @property
    def package(self) -> str:
        """The main package, as `go build` takes it."""
        return self.main or f"{self.module}/cmd/{self.name}"

    @property
    def version(self) -> str:
        """The version that go.mod pins."""
        pinned = re.search(
            rf"^require {re.escape(self.module)} (v\S+)$", (MODULES / self.folder / "go.mod").read_text(), re.MULTILINE
        )
        assert pinned, f"{self.folder}/go.mod must pin {self.module} in a line of its own"
        return pinned[1]

    @property
    def file(self) -> str:
        """Its name in the cache, where programs of other versions and other main packages are too."""
        if not self.main:
            return f"{self.name}-{self.version}"
        source = b"".join(path.read_bytes() for path in sorted((MODULES / self.folder / self.main).glob("*.go")))
        return f"{self.name}-{self.version}-{sha256(source).hexdigest()[:8]}"

    @property
    def linker_flags(self) -> str:
        """Strip the symbols, which halves the file, and set the stamps."""
        major, minor, _patch = self.version.lstrip("v").split(".")
        return " ".join(["-s -w", *(f"-X {stamp.format(self.version, major, minor)}" for stamp in self.stamps)])


def _kubernetes(name: str, minutes: float) -> Program:
    stamps = (f"{COMPONENT}.gitVersion={{0}}", f"{COMPONENT}.gitMajor={{1}}", f"{COMPONENT}.gitMinor={{2}}")
    return Program(name, "kubernetes", "k8s.io/kubernetes", minutes, stamps)


PROGRAMS = {
    program.name: program
    for program in (
        Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", 0.5, main="."),
        _kubernetes("kube-apiserver", 3),
        _kubernetes("kube-controller-manager", 0.5),
        _kubernetes("kube-scheduler", 0.5),
        _kubernetes("kubectl", 0.5),
        Program("kwok", "programs", "sigs.k8s.io/kwok", 2),
        Program(
            "helm",
            "programs",
            "helm.sh/helm/v3",
            0.5,
            # What `helm template` takes for the cluster's version; without it 1.20.
            (
                "helm.sh/helm/v3/internal/version.version={0}",
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1",
                "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34",
                "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1",
                "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34",
            ),
        ),
        _kubernetes("kubelet", 0.5),
        _kubernetes("kube-proxy", 0.2),
        Program("coredns", "programs", "github.com/coredns/coredns", 0.5, main="./coredns"),
        Program("kubeconform", "programs", "github.com/yannh/kubeconform", 0.2),
        Program("kube-score", "kube-score", "github.com/zegl/kube-score", 0.3),
        Program("promtool", "programs", "github.com/prometheus/prometheus", 0.5),
    )
}


def path(name: str) -> Path:
    """Return where a program is, building it at most once per user.

    In this order: the folder KUBEBUILDER_ASSETS, the user's cache, `setup-envtest`, a Go build into the cache, PATH.

    Raises:
        MissingProgramError: it is unknown, or it is nowhere and cannot be built; one sentence says why and what to do.
    """
    program = PROGRAMS.get(name)
    if program is None:
        raise MissingProgramError(f"{name} is none of the cluster's programs: {', '.join(PROGRAMS)}.")
    return _named_by_user(program) or _cached(program) or _from_envtest(program) or _built(program)


def _named_by_user(program: Program) -> Path | None:
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    found = folder and shutil.which(program.name, path=folder)
    return Path(found) if found else None


def _cached(program: Program) -> Path | None:
    there = _cache() / program.file
    return there if there.exists() else None


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "besteffort" / "bin"


def _from_envtest(program: Program) -> Path | None:
    if program.name not in ENVTEST or not shutil.which("setup-envtest"):
        return None
    version = PROGRAMS["kube-apiserver"].version.lstrip("v")
    asked = subprocess.run(["setup-envtest", "use", version, "-p", "path"], capture_output=True, text=True, check=False)
    found = asked.returncode == 0 and Path(asked.stdout.strip()) / program.name
    return found if found and found.exists() else None


def _built(program: Program) -> Path:
    go = shutil.which("go")
    if go is None:
        return _on_path(program)
    with _building(program):
        return _cached(program) or _build(program, go)


def _on_path(program: Program) -> Path:
    """Return what PATH has, in whichever version: the last resort."""
    found = shutil.which(program.name)
    if found is None:
        raise MissingProgramError(
            f"{program.name} {program.version} is not here and cannot be built without Go: install Go 1.26 or later, "
            f"or set KUBEBUILDER_ASSETS to a folder that holds {program.name}."
        )
    return Path(found)


@contextmanager
def _building(program: Program) -> Iterator[None]:
    """Let one process build at a time: what a second would build, it can then share."""
    _cache().mkdir(parents=True, exist_ok=True)
    with (_cache() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another build to end before {program.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(program: Program, go: str) -> Path:
    minutes = f"about {program.minutes:g} min" if program.minutes >= 1 else "under a minute"
    _say(f"building {program.name} {program.version} with Go (once, {minutes} on two cores)")
    target = _cache() / program.file
    part = target.with_name(f".{target.name}.part")
    flags = ["-trimpath", "-buildvcs=false", "-tags", NO_DISCOVERY, "-ldflags", program.linker_flags]
    environment = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(
        [go, "build", *flags, "-o", part, program.package],
        cwd=MODULES / program.folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingProgramError(
            f"{program.name} {program.version} could not be built ({(done.stderr.splitlines() or ['killed'])[-1]}): "
            f"let Go reach its module proxy, or set KUBEBUILDER_ASSETS to a folder that holds {program.name}."
        )
    return part.rename(target)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - progress of minutes, for whoever waits
