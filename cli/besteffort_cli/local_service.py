"""A BestEffortService as one machine can run it: the file that it came from, and where its models lie here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from besteffort_cli.errors import InputError
from besteffort_cli.faults import faults_of
from besteffort_resource.document import load_service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from besteffort_resource.service import BestEffortService
    from besteffort_resource.size import Size

__all__ = ["LocalService", "load_local_service", "parse_remotes"]


@dataclass(frozen=True)
class LocalService:
    """A service, the folder of its file, and what the command line says about its models."""

    service: BestEffortService
    folder: Path
    remotes: Mapping[str, str]
    """host:port by size, for sizes that run elsewhere."""
    models: Path | None = None
    """A folder with all models, instead of what the resource says."""

    @property
    def embedded(self) -> tuple[Size, ...]:
        """Return the sizes that need a server here."""
        return tuple(size for size in self.service.spec.sizes if size.name not in self.remotes)

    def model_folder(self, size: Size) -> Path:
        """Return the folder with a size's config.pbtxt.

        Raises:
            InputError: it is not on this machine, or Triton cannot serve it here.
        """
        field = f"spec.sizes[{self.service.spec.sizes.index(size)}].model"
        repository = size.model.repository
        if repository is None:
            raise InputError(
                f"{field}.huggingFace: vLLM does not run in the embedded Triton; start {size.name} elsewhere and give "
                f"--backend {size.name}=HOST:PORT."
            )
        root = self.models or self._local_repository(f"{field}.repository.uri", repository.uri)
        if not (root / repository.name / "config.pbtxt").is_file():
            raise InputError(
                f"{field}.repository: there is no {root / repository.name / 'config.pbtxt'}; name the folder that "
                "holds the model's folder, or give it with --models DIR."
            )
        return root / repository.name

    def bundle_path(self) -> str:
        """Return the absolute path of the policy bundle, empty if the resource names no file."""
        bundle = self.service.spec.policy.bundle
        return str((self.folder / bundle.path).resolve()) if bundle and bundle.path else ""

    def _local_repository(self, field: str, uri: str) -> Path:
        parts = urlsplit(uri)
        if parts.scheme not in ("", "file"):
            raise InputError(f"{field}: {uri} is not on this machine; copy the models here and give --models DIR.")
        return (self.folder / unquote(parts.path)).resolve() if parts.scheme else (self.folder / uri).resolve()


def load_local_service(path: Path, *, remotes: Sequence[str] = (), models: Path | None = None) -> LocalService:
    """Read a service file; `remotes` are SIZE=HOST:PORT.

    Raises:
        InputError: the file is refused, or a remote is malformed or of no size of the service.
    """
    with faults_of(path):
        service = load_service(path)
    known = [size.name for size in service.spec.sizes]
    return LocalService(service, path.resolve().parent, parse_remotes(remotes, known), models and models.resolve())


def parse_remotes(words: Sequence[str], sizes: Sequence[str]) -> dict[str, str]:
    """Return the address by size.

    Raises:
        InputError: a word is not SIZE=HOST:PORT with a known size.
    """
    remotes = {}
    for word in words:
        size, _, address = word.partition("=")
        host, _, port = address.rpartition(":")
        if size not in sizes or not host or not port.isdecimal():
            raise InputError(f"--backend {word}: write SIZE=HOST:PORT with SIZE one of {', '.join(sizes)}.")
        remotes[size] = address
    return remotes
