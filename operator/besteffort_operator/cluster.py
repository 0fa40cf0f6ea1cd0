"""The Kubernetes API over one connection: objects are plain mappings, errors are the operator's own.

The only module that imports `kubernetes`. It decides nothing, retries nothing and caches nothing.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from urllib.request import getproxies

import aiohttp
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from besteffort_operator.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    OperatorError,
    UnauthorizedError,
    UnavailableError,
)
from besteffort_operator.kinds import FIELD_MANAGER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from besteffort_operator.kinds import Kind
    from besteffort_operator.manifests.context import Manifest

__all__ = ["Cluster", "Credentials", "connected"]

READ_S = 30.0
WRITE_S = 10.0
CONNECT_S = 5.0
CONNECTIONS = 32
LISTED_AT_ONCE = 500
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500
ERRORS = {
    400: InvalidError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: NotFoundError,
    409: ConflictError,
    410: UnavailableError,
    413: InvalidError,
    422: InvalidError,
    TOO_MANY_REQUESTS: UnavailableError,
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What another client needs to reach the same API server as the same user; paths are of files."""

    server: str
    token: str | None
    ca_path: str | None
    certificate_path: str | None
    key_path: str | None
    insecure: bool


@asynccontextmanager
async def connected(kubeconfig: Path | None, user_agent: str, *, context: str | None = None) -> AsyncIterator[Cluster]:
    """Yield the cluster that a kubeconfig names, by its present context if none is given.

    Without a kubeconfig it is the cluster that this pod runs in.

    Raises:
        OperatorError: neither is there, or the kubeconfig does not say how to connect.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(_check_fence)
    configuration = Configuration(
        connection_pool_maxsize=CONNECTIONS,
        trace_configs=[tracing],
        # Looking for proxies costs each call two turns of a thread: only where the environment names one.
        client_session_kwargs={"trust_env": bool(getproxies())},
    )
    try:
        if kubeconfig is None:
            _load_own(configuration)
        else:
            await load_kube_config(str(kubeconfig), context, configuration, persist_config=False)
    except (ConfigException, OSError, TypeError, yaml.YAMLError) as error:  # TypeError: a file of another shape
        raise OperatorError(f"cannot connect to a cluster with {kubeconfig} ({error})") from error
    async with ApiClient(configuration) as api:
        api.user_agent = user_agent
        yield Cluster(api)


def _load_own(configuration: Configuration) -> None:
    try:
        load_incluster_config(configuration)
    except ConfigException as error:
        raise OperatorError(
            "cannot tell which cluster to act in: give --kubeconfig FILE or set KUBECONFIG; only a pod of the cluster, "
            "with its service account's token, needs neither"
        ) from error


def _seconds_of_a_write() -> float:
    return WRITE_S


_fence: ContextVar[Callable[[], float]] = ContextVar("fence", default=_seconds_of_a_write)


async def _check_fence(*_: object) -> None:
    """Ask the fence of a write once more, when its bytes are about to leave: a new connection may have taken long."""
    _fence.get()()


class Cluster:
    """Reads and writes objects; every call has a time limit, and every error is an ApiError."""

    def __init__(self, api: ApiClient, write_s: Callable[[], float] = _seconds_of_a_write) -> None:
        self._api = api
        self._write_s = write_s

    def fenced(self, write_s: Callable[[], float]) -> Cluster:
        """Return the same cluster; before each write `write_s` says how many seconds it may take, or raises."""
        return Cluster(self._api, write_s)

    async def credentials(self) -> Credentials:
        """Return how this connection is made, with a fresh token."""
        found = self._api.configuration
        token = await found.get_api_key_with_prefix("BearerToken")
        return Credentials(
            server=found.host,
            token=token.rpartition(" ")[2].strip() if token else None,
            ca_path=found.ssl_ca_cert,
            certificate_path=found.cert_file,
            key_path=found.key_file,
            insecure=not found.verify_ssl,
        )

    async def version(self) -> str:
        """Return the version of the API server, such as v1.34.1."""
        return str((await self._call("GET", "/version", limit_s=READ_S))["gitVersion"])

    async def serves(self, kind: Kind) -> bool:
        """Say whether the API server knows a kind."""
        try:
            found = await self._call("GET", kind.api_path, limit_s=READ_S)
        except NotFoundError:
            return False
        return any(resource["name"] == kind.plural for resource in found["resources"])

    async def may_list(self, kind: Kind, namespace: str | None = None) -> bool:
        """Say whether the operator has the right to list a kind in a namespace, or in all."""
        try:
            await self._call("GET", kind.path(namespace), limit_s=READ_S, query={"limit": "1"})
        except ForbiddenError:
            return False
        return True

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """Return one object.

        Raises:
            NotFoundError: there is none of that name.
        """
        return await self._call("GET", kind.path(namespace, name), limit_s=READ_S)

    async def get_cached(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """Return one object as the API server remembers it, which is cheap and may be a moment old; None: not there."""
        try:
            return await self._call("GET", kind.path(namespace, name), limit_s=READ_S, query={"resourceVersion": "0"})
        except NotFoundError:
            return None

    async def list(self, kind: Kind, namespace: str | None = None, *, labels: str = "") -> list[Manifest]:
        """Return the objects of a kind that match a label selector, of one namespace or of all."""
        query = {"limit": str(LISTED_AT_ONCE)} | ({"labelSelector": labels} if labels else {})
        items: list[Manifest] = []
        while True:
            page = await self._call("GET", kind.path(namespace), limit_s=READ_S, query=query)
            items += page["items"]
            if not (rest := page["metadata"].get("continue")):
                # Items of a list come without their kind.
                return [{"apiVersion": kind.api_version, "kind": kind.kind} | item for item in items]
            query["continue"] = rest

    async def apply(self, kind: Kind, manifest: Manifest, *, manager: str = FIELD_MANAGER) -> Manifest:
        """Make an object hold the fields of a manifest (server-side apply); return it as it then is."""
        return await self._apply(kind, manifest, manager, part="")

    async def apply_status(self, kind: Kind, manifest: Manifest, *, manager: str = FIELD_MANAGER) -> Manifest:
        """Make the status of an object hold the fields of a manifest; return the object as it then is."""
        return await self._apply(kind, manifest, manager, part="/status")

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create an object.

        Raises:
            ConflictError: it exists.
        """
        return await self._write("POST", kind.path(manifest["metadata"]["namespace"]), manifest)

    async def replace(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Replace an object.

        Raises:
            ConflictError: it is not of the resourceVersion that the manifest holds.
        """
        metadata = manifest["metadata"]
        return await self._write("PUT", kind.path(metadata["namespace"], metadata["name"]), manifest)

    async def merge(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Merge a manifest into an object that exists."""
        metadata = manifest["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"])
        return await self._write("PATCH", path, manifest, content="application/merge-patch+json")

    async def delete(self, kind: Kind, manifest: Manifest) -> None:
        """Delete the very object that was read; one that is gone is fine."""
        metadata = manifest["metadata"]
        options = {"propagationPolicy": "Background", "preconditions": {"uid": metadata["uid"]}}
        try:
            await self._write("DELETE", kind.path(metadata["namespace"], metadata["name"]), options)
        except NotFoundError:
            return

    async def _apply(self, kind: Kind, manifest: Manifest, manager: str, *, part: str) -> Manifest:
        metadata = manifest["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"]) + part
        query = {"fieldManager": manager, "force": "true"}
        return await self._write("PATCH", path, manifest, content="application/apply-patch+yaml", query=query)

    async def _write(
        self,
        method: str,
        path: str,
        body: Manifest,
        *,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Manifest:
        limit_s = self._write_s()
        token = _fence.set(self._write_s)
        try:
            return await self._call(method, path, limit_s=limit_s, query=query, body=body, content=content)
        finally:
            _fence.reset(token)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        limit_s: float,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content: str = "application/json",
    ) -> Manifest:
        limit = aiohttp.ClientTimeout(total=limit_s, sock_connect=min(CONNECT_S, limit_s))
        configuration = self._api.configuration
        headers = self._api.default_headers | {"Content-Type": content}
        if token := await configuration.get_api_key_with_prefix("BearerToken"):
            headers["Authorization"] = token
        url = configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            # The client itself, below its typed models: they cost more than the call.
            response = await self._api.rest_client.request(method, url, headers, body, _request_timeout=limit)
            data = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            why = str(error) or f"no answer within {limit_s:.1f} s"
            raise UnavailableError(f"{method} {path}: {why}", why) from error
        return _answer(method, path, response.status, data)


def _answer(method: str, path: str, status: int, data: bytes) -> Manifest:
    """Return what an answer holds, or raise what its status means."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        # Such as the page of a proxy, or the plain text about a path that is not served, or what is too deep to read.
        found = None
    if status >= min(ERRORS) or not isinstance(found, dict):
        message = found.get("message") if isinstance(found, dict) else data[:200].decode(errors="replace").strip()
        raise _error_class(status)(f"{method} {path}: {status} {message}", str(message or status))
    return found


def _error_class(status: int) -> type[ApiError]:
    return UnavailableError if status >= SERVER_ERRORS or status < min(ERRORS) else ERRORS.get(status, ApiError)
