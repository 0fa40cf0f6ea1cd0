"""`besteffort render`: the objects that the operator would write for a resource, without a cluster."""

from __future__ import annotations

import json
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from besteffort_cli.errors import InputError
from besteffort_cli.faults import faults_of
from besteffort_operator.kinds import OPTIONAL_KINDS
from besteffort_operator.manifests.build import wanted
from besteffort_operator.manifests.context import Context
from besteffort_operator.manifests.metadata import WANTED_ANNOTATION
from besteffort_resource.cluster_rules import cluster_faults
from besteffort_resource.document import load_service
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import load_profiles

if TYPE_CHECKING:
    from besteffort_operator.manifests.context import Manifest
    from besteffort_resource.profile import Profile
    from besteffort_resource.service import BestEffortService

__all__ = ["Form", "render"]

VERSION = version("besteffort")


class Form(StrEnum):
    """How objects are printed."""

    YAML = "yaml"
    JSON = "json"


ServiceArgument = Annotated[Path, typer.Argument(help="The BestEffortService, a YAML or JSON file.")]
NamespaceOption = Annotated[str, typer.Option("-n", "--namespace", metavar="NAME", help="Where the service lives.")]
ImageOption = Annotated[
    str, typer.Option("--router-image", metavar="IMAGE", help="What the operator gives to routers.")
]
ProfileOption = Annotated[
    Path | None, typer.Option("--profile", metavar="FILE", help="The profile that spec.profile names in the cluster.")
]
FormOption = Annotated[Form, typer.Option("--output", help="yaml: one document each; json: one List.")]


def render(
    service: ServiceArgument,
    *,
    namespace: NamespaceOption = "default",
    router_image: ImageOption = f"besteffort/router:{VERSION}",
    profile: ProfileOption = None,
    output: FormOption = Form.YAML,
) -> None:
    """Print the objects that the operator writes for a BestEffortService, without a cluster.

    To compare before a change:
    besteffort render new.yaml | diff <(besteffort render old.yaml) -

    It shows a cluster that has KEDA and the Prometheus operator; where they are
    missing, so are their objects. Owner references are left out: who applies
    this by hand owns it.
    """
    with faults_of(service):
        found = load_service(service)
        if faults := cluster_faults(found.spec):
            raise ResourceError(faults)
        context = Context(
            namespace=namespace,
            uid="",
            router_image=router_image,
            operator_version=VERSION,
            profiles=_profiles(found, profile),
            available_kinds=frozenset(kind.kind for kind in OPTIONAL_KINDS),
        )
        manifests = [_unowned(manifest) for manifest in wanted(found, context)]
    typer.echo(_text(manifests, output), nl=False)


def _profiles(service: BestEffortService, profile: Path | None) -> dict[str, Profile]:
    if profile:
        with faults_of(profile):
            return load_profiles(profile)
    if service.spec.profile:
        reference = service.spec.profile.config_map_ref
        raise InputError(
            f"spec.profile: ConfigMap {reference.name} is in the cluster; give the file that it was made from with "
            "--profile FILE."
        )
    return {}


def _unowned(manifest: Manifest) -> Manifest:
    """Leave out what only the operator itself can know: the owner, and the fingerprint that covers it."""
    metadata: dict[str, Any] = {key: value for key, value in manifest["metadata"].items() if key != "ownerReferences"}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != WANTED_ANNOTATION}
    return manifest | {"metadata": metadata | ({"annotations": annotations} if annotations else {})}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and no aliases: every object stands for itself."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the interface of yaml
        return True


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _block)


def _text(manifests: list[Manifest], output: Form) -> str:
    if output is Form.JSON:
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}) + "\n"
    # Through JSON: enumerations are texts to Kubernetes.
    plain = json.loads(json.dumps(manifests))
    return str(yaml.dump_all(plain, Dumper=_Dumper, explicit_start=True, sort_keys=False, width=120))
