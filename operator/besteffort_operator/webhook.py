"""The webhook that the API server asks about each labelled pod: it answers with the patch that injects the router.

It refuses nothing: a pod whose service is unknown is admitted with a warning. Where it cannot tell, it answers with an
error, and the webhook's configuration says whether that refuses the pod.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
import ssl
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from besteffort_operator.errors import ApiError, ListenError, NotFoundError
from besteffort_operator.injection import is_injected, obstacle, patch_of
from besteffort_operator.kinds import SERVICE
from besteffort_operator.live_service import read_service
from besteffort_operator.manifests.context import Context
from besteffort_operator.manifests.metadata import INJECT_LABEL
from besteffort_operator.manifests.router_container import SIDECAR, router_container
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

MOST_BYTES = 1024 * 1024
"""Reviews of a pod are rarely above 256 KiB; read, one takes twenty times its bytes."""
AT_ONCE = 4
ANSWER_S = 5.0
"""The API server waits no longer."""
LOOK_S = 30.0
RETRY_S = 5.0
SETTLE_S = 2.0
"""Until all API servers have heard of a new authority."""
LONGEST_WARNING = 240
"""Clients cut longer ones off."""

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

log = logging.getLogger(__name__)


class Verdict(NamedTuple):
    """What becomes of a pod: it is always admitted."""

    patch: list[Manifest]
    warning: str = ""


def verdict(service: Manifest, pod: Manifest, surroundings: Surroundings) -> Verdict:
    """Return what becomes of a pod that asks for the router of a live service."""
    metadata = service["metadata"]
    try:
        found = read_service(service)
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
    router = router_container(found, context, listen=SIDECAR)
    if not is_injected(pod) and (why := obstacle(pod, router)):
        return Verdict([], why)
    return Verdict(patch_of(pod, router))


class _Asked(NamedTuple):
    """What a review asks; the names are such as a path of the API may hold."""

    uid: str
    namespace: str
    service: str
    """By the pod's label; empty: it has none."""
    pod: Manifest


class Webhook:
    """Answers the API server by TLS. It asks nobody who they are: what they send is bounded, and trusted in nothing."""

    def __init__(self, cluster: Cluster, trust: Trust, surroundings: Surroundings, address: tuple[str, int]) -> None:
        self.is_listening = False
        self._cluster = cluster
        self._trust = trust
        self._surroundings = surroundings
        self._address = address
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._shown: Certificate | None = None
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Answer POST /inject at its address until cancelled, from when there is a certificate.

        Raises:
            ListenError: the address is taken.
        """
        await self._first()
        runner = web.AppRunner(self.application(), access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await self._listen(runner)
            log.info("the webhook answers at %s:%d", *runner.addresses[0][:2])
            self.is_listening = True
            while True:
                await asyncio.sleep(LOOK_S)
                await self._renew()
        finally:
            self.is_listening = False
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, *self._address, ssl_context=self._tls).start()
        except OSError as error:
            raise ListenError("--webhook", self._address, error) from error

    def application(self) -> web.Application:
        """Return what answers."""
        application = web.Application(client_max_size=MOST_BYTES)
        application.add_routes([web.post("/inject", self._inject)])
        return application

    async def _first(self) -> None:
        """Wait until there is a certificate to show."""
        while True:
            if await self._renew():
                return
            await asyncio.sleep(RETRY_S)

    async def _renew(self) -> bool:
        """Show the certificate that is due; return whether there is one to show."""
        try:
            await self._show(await self._trust.certificate())
        except ApiError as error:
            log.warning("the webhook's certificate cannot be looked after: %s", error)
        except Exception:  # the outermost loop: whatever is wrong with a certificate must not end the operator
            log.exception("the webhook's certificate cannot be looked after")
        return self._shown is not None

    async def _show(self, certificate: Certificate) -> None:
        if certificate == self._shown:
            return
        if self._shown is not None:
            await asyncio.sleep(SETTLE_S)
            log.info("the webhook shows a new certificate")
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate.chain + certificate.key)
            file.flush()
            self._tls.load_cert_chain(file.name)
        self._shown = certificate

    async def _inject(self, request: web.Request) -> web.Response:
        """Answer a review; few at once, each of which may be large."""
        try:
            async with asyncio.timeout(ANSWER_S), self._room:
                return await self._answer(await request.read())
        except TimeoutError:
            return web.Response(status=503, text=f"no answer within {ANSWER_S:g} s\n")

    async def _answer(self, body: bytes) -> web.Response:
        asked = _asked(body)
        if asked is None:
            return web.Response(
                status=400, text="not an AdmissionReview of a pod, or a namespace or label that can be no name\n"
            )
        try:
            found = await self._verdict(asked)
        except ApiError as error:
            log.warning("cannot tell what becomes of a pod in %s: %s", asked.namespace, error)
            return web.Response(status=503, text=f"{error}\n")
        return web.json_response(_review(asked.uid, found))

    async def _verdict(self, asked: _Asked) -> Verdict:
        if not asked.service:
            return Verdict([])
        try:
            service = await self._cluster.get(SERVICE, asked.namespace, asked.service)
        except NotFoundError:
            return Verdict([], f"no BestEffortService {asked.service} in namespace {asked.namespace}")
        return verdict(service, asked.pod, self._surroundings)


def _asked(body: bytes) -> _Asked | None:
    """Return what a review asks, None where it is no review of a pod, or one with names that cannot be any."""
    try:
        request = json.loads(body)["request"]
        uid, namespace, pod = request["uid"], request["namespace"], request["object"]
        service = pod["metadata"].get("labels", {}).get(INJECT_LABEL, "")
        named = _DNS_LABEL.fullmatch(namespace) and (service == "" or _DNS_LABEL.fullmatch(service))
        whole = isinstance(uid, str) and isinstance(pod["spec"]["containers"], list)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return _Asked(uid, namespace, service, pod) if named and whole else None


def _review(uid: str, found: Verdict) -> Mapping[str, Any]:
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if found.patch:
        patch = base64.b64encode(json.dumps(found.patch).encode()).decode()
        response |= {"patchType": "JSONPatch", "patch": patch}
    if found.warning:
        response["warnings"] = [f"the pod gets no router: {found.warning}"[:LONGEST_WARNING]]
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
