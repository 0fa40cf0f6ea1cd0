from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from besteffort_cli.cores import split_cores
from besteffort_cli.installation import TritonInstallation, find_or_install, home_folder
from besteffort_cli.local_service import load_local_service
from besteffort_cli.stack import Ground, LocalStack
from besteffort_cli.triton import TritonServer
from besteffort_resource.profile import Profile, measured_profile
from support.repository import write_model, write_prompts, write_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from besteffort_cli.router_process import RouterProcess


@pytest.fixture(scope="session")
def triton() -> TritonInstallation:
    """The embedded Triton, installed now if it is missing."""
    return find_or_install(home_folder(), lambda _: None)


@pytest.fixture
def home(triton: TritonInstallation, tmp_path: Path) -> Path:  # noqa: ARG001 - must be there
    """A folder for runs of its own, with the Triton that is already installed."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "triton").symlink_to(home_folder() / "triton")
    return tmp_path / "home"


@pytest.fixture
def serve(triton: TritonInstallation, tmp_path: Path) -> Callable[..., AbstractContextManager[TritonServer]]:
    """A function that runs one Triton with one shouting model, made as `write_model` is told."""

    @contextmanager
    def served(**options: object) -> Iterator[TritonServer]:
        folder = tmp_path / "server"
        folder.mkdir()
        model = write_model(tmp_path / "repository", "shout", **options)  # type: ignore[arg-type]
        server = TritonServer("test", triton, {"shout": model}, folder=folder, cores=split_cores().servers)
        server.start()
        try:
            server.wait_until_ready(threading.Event())
            yield server
        finally:
            server.stop()

    return served


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service of a fast size, right for short prompts only, and a slow one, right for all; prompts beside it."""
    folder = tmp_path_factory.mktemp("service")
    write_model(folder / "models", "small", seconds=0.002, longest=3)
    write_model(folder / "models", "large", seconds=0.03)
    write_prompts(folder / "prompts.jsonl")
    return write_service(folder / "service.yaml", ["small", "large"])


@pytest.fixture(scope="module")
def profiles() -> dict[str, Profile]:
    """What the router of the service believes."""
    return {
        "small": measured_profile(0.5, {"short": 1, "long": 0}, seconds_by_batch={1: 0.004, 4: 0.005}),
        "large": measured_profile(1, {}, seconds_by_batch={1: 0.035, 4: 0.04}),
    }


@pytest.fixture(scope="module")
def running(
    triton: TritonInstallation,
    service: Path,
    profiles: dict[str, Profile],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[LocalStack, RouterProcess, list[str]]]:
    """The service, running: its stack, its router, and what was said about it."""
    said: list[str] = []
    home = tmp_path_factory.mktemp("home")
    ground = Ground(home, split_cores(), triton, said.append)
    with LocalStack(load_local_service(service), ground) as stack:
        yield stack, stack.serve(profiles), said
