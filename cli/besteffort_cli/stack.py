"""A BestEffortService on this machine: its Triton servers, then its router, kept running until closed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from besteffort_cli.router_process import RouterProcess
from besteffort_cli.run_folder import make_run_folder
from besteffort_cli.supervision import Supervisor
from besteffort_cli.triton import TritonServer
from besteffort_resource.router_config import BackendAddress, router_config
from besteffort_resource.service import PlacementMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from besteffort.v1 import config_pb2
    from besteffort_cli.cores import CoreSplit
    from besteffort_cli.installation import TritonInstallation
    from besteffort_cli.local_service import LocalService
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import Policy, PolicyKind
    from besteffort_resource.size import Size

__all__ = ["Ground", "LocalStack"]


@dataclass(frozen=True)
class Ground:
    """What a stack stands on."""

    home: Path
    """The folder for what commands keep."""
    cores: CoreSplit
    triton: TritonInstallation | None = None
    """None: every size runs elsewhere."""
    say: Callable[[str], None] = field(default=lambda _: None)
    """Hears, from other threads, what died and what is back."""


class LocalStack:
    """Entering starts the Tritons, `serve` the router, leaving stops all; logs stay in `folder`."""

    def __init__(self, local: LocalService, ground: Ground) -> None:
        self._local = local
        self._ground = ground
        self.folder = make_run_folder(ground.home, local.service.metadata.name)
        self._hosted = {name: sizes for name, sizes in _hosted(local).items() if sizes}
        self._tritons = [self._triton(name, sizes) for name, sizes in self._hosted.items()]
        self._supervisor = Supervisor(ground.say)
        self._routers = Supervisor(ground.say)
        """Of the router alone, so that another can take its place."""
        self._router: RouterProcess | None = None
        self._profiles: Mapping[str, Profile] = {}

    def __enter__(self) -> Self:
        """Start the Triton servers and wait until all of them are ready.

        Raises:
            ServerError: one does not start.
        """
        try:
            self._supervisor.run(self._tritons)
        except BaseException:
            self._supervisor.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._routers.close()
        self._supervisor.close()

    @property
    def backends(self) -> tuple[BackendAddress, ...]:
        """Return where every Triton answers, those elsewhere last; all embedded ones share one device."""
        device = f"cpu{','.join(map(str, sorted(self._ground.cores.servers)))}"
        embedded = [
            BackendAddress(triton.name, triton.address, triton.metrics_url, _names(self._hosted[triton.name]), device)
            for triton in self._tritons
        ]
        return (*embedded, *_remote_backends(self._local.remotes))

    @property
    def restarts(self) -> int:
        """Return how often a server that died, or the router that serves, was started anew."""
        return self._supervisor.restarts + self._routers.restarts

    def serve(
        self, profiles: Mapping[str, Profile], *, listen: str = "127.0.0.1:0", metrics: str = "127.0.0.1:0"
    ) -> RouterProcess:
        """Start the router and return it, ready; what the resource lacks comes from the profiles.

        Served again, a new router takes the place of the old one, and of all that this one has learned.

        Raises:
            ResourceError: a size has no quality or no latency.
            ServerError: it does not start.
        """
        self._profiles = profiles
        config = self._config(self._local.service.spec.policy)
        router = RouterProcess(self.folder, listen=listen, metrics=metrics, cores=self._ground.cores.rest)
        self._routers.close()
        self._router, self._routers = router, Supervisor(self._ground.say)
        router.write(config)
        self._routers.run([router])
        return router

    def set_policy(self, kind: PolicyKind, *, static_size: str | None = None) -> None:
        """Let another policy rule; return when the router has taken it.

        Raises:
            ServerError: the router does not take it.
        """
        assert self._router
        changes = {"kind": kind} | ({"static_size": static_size} if static_size else {})
        self._router.write(self._config(self._local.service.spec.policy.model_copy(update=changes)))
        self._router.wait_until_taken()

    def _config(self, policy: Policy) -> config_pb2.RouterConfig:
        service = self._local.service
        service = service.model_copy(update={"spec": service.spec.model_copy(update={"policy": policy})})
        bundle_path = self._local.bundle_path()
        return router_config(service, self.backends, bundle_path=bundle_path, profiles=self._profiles)

    def _triton(self, name: str, sizes: tuple[Size, ...]) -> TritonServer:
        assert self._ground.triton
        folder = self.folder / name
        folder.mkdir()
        models = {size.triton_model: self._local.model_folder(size) for size in sizes}
        return TritonServer(name, self._ground.triton, models, folder=folder, cores=self._ground.cores.servers)


def _hosted(local: LocalService) -> dict[str, tuple[Size, ...]]:
    """Return the sizes that each embedded Triton hosts, by its name: as in a cluster, see Placement."""
    placement = local.service.spec.placement
    if placement.mode is PlacementMode.COLOCATED:
        return {f"replica-{i}": local.embedded for i in range(placement.replicas or 1)}
    return {
        size.name if local.service.replicas_of(size) == 1 else f"{size.name}-{i}": (size,)
        for size in local.embedded
        for i in range(local.service.replicas_of(size))
    }


def _remote_backends(remotes: Mapping[str, str]) -> list[BackendAddress]:
    """Return one backend for each address; what it computes on is its own."""
    addresses = dict.fromkeys(remotes.values())
    sizes = {address: tuple(size for size, at in remotes.items() if at == address) for address in addresses}
    return [
        BackendAddress(_label(address), address, "", sizes[address], device=_label(address)) for address in addresses
    ]


def _label(address: str) -> str:
    """Return an address as the router takes names: letters, digits, "-", "_" and "." only, at most 63."""
    return re.sub(r"[^\w.-]+", "-", address, flags=re.ASCII)[-63:].strip("-_.")


def _names(sizes: tuple[Size, ...]) -> tuple[str, ...]:
    return tuple(size.name for size in sizes)
