"""What only a cluster refuses: files and folders of the machine that the resource was written on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from besteffort_resource import wording
from besteffort_resource.policy_rules import bundles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from besteffort_resource.service import Spec

__all__ = ["ON_CLUSTER", "cluster_faults"]

ON_CLUSTER = r"^(/|[a-z0-9]+://)"
"""How the URI of a repository begins that a node of a cluster can read."""


def cluster_faults(spec: Spec) -> list[str]:
    """Return one sentence for each part of a spec that `besteffort up` could run and a cluster cannot."""
    return [*_files(spec), *_folders(spec)]


def _files(spec: Spec) -> Iterator[str]:
    for path, bundle in bundles(spec):
        if bundle.path is not None:
            yield f"{path}.path: {wording.FILE_ON_CLUSTER}"


def _folders(spec: Spec) -> Iterator[str]:
    for i, size in enumerate(spec.sizes):
        repository = size.model.repository
        if repository and not re.match(ON_CLUSTER, repository.uri):
            yield f"spec.sizes[{i}].model.repository.uri: " + wording.FOLDER_ON_CLUSTER.format(uri=repository.uri)
