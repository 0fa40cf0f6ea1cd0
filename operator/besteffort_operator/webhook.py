"""The webhook that the API server asks about each labelled pod: it answers with the patch that injects the router.

It refuses nothing: a pod whose service is unknown is admitted with a warning. Where it cannot tell, it answers with an
error, and the webhook's configuration says whether that refuses the pod.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from besteffort_operator.errors import ApiError, NotFoundError
from besteffort_operator.injection import patch_of
from besteffort_operator.kinds import SERVICE
from besteffort_operator.manifests.context import Context
from besteffort_operator.manifests.metadata import INJECT_LABEL
from besteffort_operator.manifests.router_container import SIDECAR, router_container
from besteffort_resource.document import service_from_mapping
from besteffort_resource.errors import ResourceError
from besteffort_resource.service import RouterMode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from besteffort_operator.certificates import Certificate
    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.reconcile import Surroundings
    from besteffort_operator.trust import Trust

__all__ = ["Verdict", "Webhook", "verdict"]

MOST_BYTES = 4 * 1024 * 1024
"""The API server takes objects of 3 MiB at most."""
LOOK_S = 30.0
RETRY_S = 5.0
SETTLE_S = 2.0
"""Until all API servers have heard of a new authority."""
LONGEST_WARNING = 240
"""Clients cut longer ones off."""

log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """What becomes of a pod: it is always admitted."""

    patch: list[Manifest]
    warning: str = ""


def verdict(service: Manifest, pod: Manifest, surroundings: Surroundings) -> Verdict:
    """Return what becomes of a pod that asks for the router of a live service."""
    metadata = service["metadata"]
    try:
        found = service_from_mapping(
            {key: service[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": metadata["name"]}}
        )
    except ResourceError as error:
        return Verdict([], f"BestEffortService {metadata['name']} is not valid ({error.sentences[0]})")
    if found.spec.router.mode is not RouterMode.SIDECAR:
        return Verdict([], f"BestEffortService {metadata['name']} has spec.router.mode Gateway, not Sidecar")
    context = Context(
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        router_image=surroundings.router_image,
        operator_version=surroundings.operator_version,
    )
    return Verdict(patch_of(pod, router_container(found, context, listen=SIDECAR)))


class Webhook:
    """Answers the API server by TLS."""

    def __init__(self, cluster: Cluster, trust: Trust, surroundings: Surroundings) -> None:
        self._cluster = cluster
        self._trust = trust
        self._surroundings = surroundings
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._shown: Certificate | None = None

    async def run(self, address: tuple[str, int]) -> None:
        """Answer POST /inject at `address` until cancelled, from when there is a certificate.

        Raises:
            OSError: the address is taken.
        """
        await self._first()
        application = web.Application(client_max_size=MOST_BYTES)
        application.add_routes([web.post("/inject", self._inject)])
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, *address, ssl_context=self._tls).start()
            log.info("the webhook answers at %s:%d", *runner.addresses[0][:2])
            while True:
                await asyncio.sleep(LOOK_S)
                await self._renew()
        finally:
            await runner.cleanup()

    async def _first(self) -> None:
        """Wait until there is a certificate to show."""
        while True:
            if await self._renew():
                return
            await asyncio.sleep(RETRY_S)

    async def _renew(self) -> bool:
        """Show the certificate that is due; return whether there is one to show."""
        try:
            certificate = await self._trust.certificate()
        except ApiError as error:
            log.warning("the webhook's certificate cannot be looked after: %s", error)
            return self._shown is not None
        if certificate != self._shown:
            if self._shown is not None:
                await asyncio.sleep(SETTLE_S)
                log.info("the webhook shows a new certificate")
            with tempfile.NamedTemporaryFile() as file:
                file.write(certificate.chain + certificate.key)
                file.flush()
                self._tls.load_cert_chain(file.name)
            self._shown = certificate
        return True

    async def _inject(self, request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.read())["request"]
            uid, namespace, pod = asked["uid"], asked["namespace"], asked["object"]
            name = pod["metadata"].get("labels", {}).get(INJECT_LABEL, "")
        except (ValueError, KeyError, TypeError, AttributeError):
            return web.Response(status=400, text="not an AdmissionReview of a pod\n")
        try:
            found = await self._verdict(namespace, name, pod)
        except ApiError as error:
            log.warning("cannot tell what becomes of a pod in %s: %s", namespace, error)
            return web.Response(status=503, text=f"{error}\n")
        return web.json_response(_review(uid, found))

    async def _verdict(self, namespace: str, name: str, pod: Manifest) -> Verdict:
        if not name:
            return Verdict([])
        try:
            service = await self._cluster.get(SERVICE, namespace, name)
        except NotFoundError:
            return Verdict([], f"no BestEffortService {name} in namespace {namespace}")
        return verdict(service, pod, self._surroundings)


def _review(uid: str, found: Verdict) -> Mapping[str, Any]:
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if found.patch:
        patch = base64.b64encode(json.dumps(found.patch).encode()).decode()
        response |= {"patchType": "JSONPatch", "patch": patch}
    if found.warning:
        response["warnings"] = [f"the pod gets no router: {found.warning}"[:LONGEST_WARNING]]
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
