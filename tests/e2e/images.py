"""Build the images where no registry is reached: a base made of Debian packages, the rest from the Dockerfiles."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import CommandError

__all__ = ["IMAGES", "Image", "build_images"]

ROOT = Path(__file__).parents[2]
BASE = "localhost/besteffort-base:e2e"
RELEASE = "bookworm"
PACKAGES = ("ca-certificates", "libpython3.11", "python3", "python3-venv")
NEEDLESS = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
# For package registries behind a proxy of the house.
TRUST = "/etc/ssl/certs:/etc/ssl/certs:ro"


@dataclass(frozen=True)
class Image:
    """An image that the nodes get."""

    name: str
    dockerfile: str

    @property
    def tag(self) -> str:
        """Return the name that pods use."""
        return f"localhost/besteffort-{self.name}:e2e"


IMAGES = (
    Image("pause", "tests/e2e/images/pause.Dockerfile"),
    Image("triton", "examples/demo/Dockerfile"),
    Image("router", "router/Dockerfile"),
    Image("operator", "operator/Dockerfile"),
    Image("client", "tests/e2e/images/client.Dockerfile"),
)


def build_images(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return for each image its archive and its size for people; layers in `folder` are not built anew.

    Raises:
        CommandError: a step failed; with its last lines.
    """
    store = _Store(folder)
    if not store.has(BASE):
        store.take(BASE, _bootstrapped(folder / "base"))
        shutil.rmtree(folder / "base")
    for image in IMAGES:
        store.build(image)
    return {image.name: (store.export(image), store.size(image)) for image in IMAGES}


class _Store:
    """Images and layers in a folder, by buildah."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def has(self, tag: str) -> bool:
        return bool(self._buildah("images", "--quiet", "--filter", f"reference={tag}"))

    def take(self, tag: str, files: Path) -> None:
        """Make an image of a folder."""
        container = self._buildah("from", "scratch")
        self._buildah("copy", "--quiet", container, str(files), "/")
        self._buildah("commit", "--quiet", "--rm", container, tag)

    def build(self, image: Image) -> None:
        flags = ("--quiet", "--format=docker", "--layers", f"--build-arg=BASE={BASE}", f"--volume={TRUST}")
        self._buildah("build", *flags, "--file", image.dockerfile, "--tag", image.tag, ".")

    def export(self, image: Image) -> Path:
        archive = self._folder / f"{image.name}.tar"
        archive.unlink(missing_ok=True)
        # Not oci-archive: that compresses, which takes longer than all else.
        self._buildah("push", "--quiet", image.tag, f"docker-archive:{archive}:{image.tag}")
        return archive

    def size(self, image: Image) -> str:
        return self._buildah("images", "--format={{.Size}}", image.tag)

    def _buildah(self, *words: str) -> str:
        place = (
            f"--root={self._folder / 'store'}",
            f"--runroot={self._folder / 'runroot'}",
            "--storage-driver=overlay",
        )
        return _run("buildah", *place, *words)


def _bootstrapped(folder: Path) -> Path:
    """Return a small Debian with Python."""
    shutil.rmtree(folder, ignore_errors=True)
    _run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", RELEASE, str(folder))
    for place in NEEDLESS:
        shutil.rmtree(folder / place)
        (folder / place).mkdir()
    return folder


def _run(*words: str) -> str:
    environment = os.environ | {"BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise CommandError(f"{' '.join(words[:1])} failed: {last}")
    return done.stdout.strip()
