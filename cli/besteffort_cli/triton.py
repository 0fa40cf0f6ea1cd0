"""One Triton server on this machine: its model repository, its process, and whether it is ready."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import time
from random import SystemRandom
from typing import TYPE_CHECKING

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

from besteffort_cli.errors import InputError, ServerError
from besteffort_cli.process import KeptProcess

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path
    from threading import Event

    from besteffort_cli.installation import TritonInstallation

__all__ = ["TritonServer", "free_port", "is_ready", "telling_line"]

READY_WITHIN_S = 120.0
LOOK_S = 0.05
# Below the ports that the kernel gives to outgoing connections, so that none of those can take one meanwhile.
PORTS = range(15_000, 32_000)
ERROR_LINE = re.compile(r"^E\d{4} \S+ +\d+ [\w.]+:\d+\] +\"?(?P<said>.*?)\"?$")
SHARED_MEMORY_PREFIX = "besteffort-"


class TritonServer:
    """A Triton with some models of a repository, always on the same two ports of the loopback address."""

    def __init__(
        self,
        name: str,
        installation: TritonInstallation,
        models: Mapping[str, Path],
        *,
        folder: Path,
        cores: Collection[int] = (),
    ) -> None:
        self.name = name
        self.title = f"Triton {name}"
        self._installation = installation
        self._models = tuple(models)
        self._folder = folder
        self._cores = cores
        self._log = folder / "triton.log"
        self._process: KeptProcess | None = None
        grpc_port, metrics_port = free_port(), free_port()
        self.address = f"127.0.0.1:{grpc_port}"
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._command = self._build_command(grpc_port, metrics_port, models.values())
        _assemble(models, folder / "models")

    def _build_command(self, grpc_port: int, metrics_port: int, models: Iterable[Path]) -> list[str]:
        return [
            str(self._installation.server),
            f"--model-repository={self._folder / 'models'}",
            "--allow-http=false",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc_port}",
            "--metrics-address=127.0.0.1",
            f"--metrics-port={metrics_port}",
            "--allow-cpu-metrics=false",
            "--exit-timeout-secs=1",
            f"--backend-config=python,shm-region-prefix-name={self._shm_prefix}",
            *self._installation.flags,
            *(["--disable-auto-complete-config"] if all(map(_is_complete, models)) else []),
        ]

    @property
    def _shm_prefix(self) -> str:
        return f"{SHARED_MEMORY_PREFIX}{os.getpid()}-{self.name}-"

    def start(self) -> None:
        """Start the process; `wait_until_ready` tells when it serves."""
        self._process = KeptProcess(
            self._command,
            log=self._log,
            cores=self._cores,
            environment=self._installation.environment,
            shm_prefix=self._shm_prefix,
        )

    def wait_until_ready(self, cancelled: Event) -> None:
        """Return when all models are ready, or when `cancelled` is set.

        Raises:
            ServerError: it ended, or was not ready in time; with the log line that tells most.
        """
        assert self._process
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not is_ready(self.address, self._models):
            if (code := self._process.exit_code()) is not None:
                ended = f"{self._installation.server} ended with exit status {code}; log: {self._log}"
                raise ServerError(f"Triton {self.name} did not start: {self._said()} ({ended}).")
            if time.monotonic() > give_up_at:
                raise ServerError(f"Triton {self.name} was not ready in {READY_WITHIN_S:.0f} s (log: {self._log}).")
            if cancelled.wait(LOOK_S):
                return

    def exit_code(self) -> int | None:
        """Return the exit status, 128 + n after signal n; None while it runs."""
        assert self._process
        return self._process.exit_code()

    def ask_to_stop(self) -> None:
        """Begin to stop; `stop` must follow."""
        if self._process:
            self._process.ask_to_stop()

    def stop(self) -> None:
        """Stop the server with all that it started."""
        if self._process:
            self._process.stop()

    def _said(self) -> str:
        return telling_line(self._log.read_text(errors="replace"))


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    while True:
        port = SystemRandom().choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def telling_line(log: str) -> str:
    """Return what of Triton's log says most about why it ended: why a model failed, else the last error or line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [found["said"].split("\\n")[0] for line in lines if (found := ERROR_LINE.match(line))]
    failures = [said for said in errors if said.startswith("failed to load '") and " version " in said]
    return (failures or errors[-1:] or lines[-1:] or ["it said nothing"])[0]


def is_ready(address: str, models: Collection[str]) -> bool:
    """Tell whether a Triton answers at host:port and all these models of it are ready."""
    # A channel that was refused once waits seconds before it tries again: take a new one, with nothing shared.
    with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        try:
            if not stub.ServerReady(service_pb2.ServerReadyRequest(), timeout=1).ready:
                return False
            return all(stub.ModelReady(service_pb2.ModelReadyRequest(name=model), timeout=1).ready for model in models)
        except grpc.RpcError:
            return False


def _is_complete(model: Path) -> bool:
    """Tell whether a configuration says all itself: to ask the model, Triton runs its Python once more at the start."""
    text = (model / "config.pbtxt").read_text(errors="replace")
    return all(re.search(rf"^\s*{field}\b", text, re.MULTILINE) for field in ("max_batch_size", "input", "output"))


def _assemble(models: Mapping[str, Path], repository: Path) -> None:
    """Make a model repository of the given folders only: hard links where possible, else copies; no symbolic links."""
    for name, source in models.items():
        ignored = shutil.ignore_patterns("__pycache__")
        try:
            shutil.copytree(source, repository / name, copy_function=_link_or_copy, ignore=ignored)
        except shutil.Error as error:
            missing = error.args[0][0][0]
            raise InputError(
                f"{missing} cannot be read; is it a link to nothing? (Copy models with cp -rL.)"
            ) from error


def _link_or_copy(source: str, target: str) -> None:
    real = os.path.realpath(source)
    try:
        os.link(real, target)
    except OSError:
        shutil.copy2(real, target)
