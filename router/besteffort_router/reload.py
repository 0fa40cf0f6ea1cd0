"""Notice that the configuration or the policy bundle has changed on disk, and read it anew. Puts nothing in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from besteffort_router.config import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_router.config import Settings

__all__ = ["Watch"]

_Sign = tuple[int, int, int] | None


class Watch:
    """The files behind the settings in force.

    A change is first suspected by a file's inode, time or size, seen through links (a mounted ConfigMap is swapped by a
    link), and then established by its content.
    """

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._settings = settings
        self._signs = self._look()

    def suspects(self) -> bool:
        """Tell whether a file looks changed since the last `read`."""
        return self._look() != self._signs

    def read(self) -> Settings | None:
        """Return the new settings, None if the content is that of the old.

        Raises:
            ConfigError: the file is refused; it is suspected again only after another change.
        """
        self._signs = self._look()
        settings = load_settings(self._path)
        if _content(settings) == _content(self._settings):
            return None
        if _policy(settings) == _policy(self._settings):
            settings = settings._replace(policy_since_s=self._settings.policy_since_s)
        self._settings = settings
        return settings

    def _look(self) -> tuple[_Sign, _Sign]:
        return _sign(self._path), _sign(self._settings.bundle_path)


def _sign(path: Path | None) -> _Sign:
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size)


def _policy(settings: Settings) -> tuple[str, bool, str]:
    return settings.policy.kind, settings.policy.shadow, settings.policy.digest


def _content(settings: Settings) -> tuple[str, str, str]:
    return settings.digest, settings.policy.digest, settings.bundle_error
