"""The webhook's certificate in the cluster: kept in a Secret, trusted by the webhook's configuration, renewed in time.

Every replica may do it: whoever comes second reads what the first has written.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from besteffort_operator.certificates import LIFE, issued, needs_renewal, read_secret, secret_data
from besteffort_operator.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from besteffort_operator.certificates import Certificate
    from besteffort_operator.cluster import Cluster
    from besteffort_operator.manifests.context import Manifest
    from besteffort_operator.settings import WebhookSettings

__all__ = ["SECRET", "WEBHOOKS", "Trust", "names_in"]

SECRET = Kind("v1", "Secret", "secrets")
WEBHOOKS = Kind("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Trust:
    """Between the API server and this webhook."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        settings: WebhookSettings,
        *,
        life: timedelta = LIFE,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`namespace` is the Secret's."""
        self._cluster = cluster
        self._namespace = namespace
        self._settings = settings
        self._life = life
        self._now = now

    async def certificate(self) -> Certificate:
        """Return the certificate to show, renewed if it is due, once the API server is told to trust it.

        Raises:
            ApiError: try again; NotFoundError where the chart's Secret or configuration is not there.
        """
        configuration = await self._cluster.get(WEBHOOKS, "", self._settings.configuration)
        found = await self._kept(names_in(configuration))
        await self._make_trusted(configuration, found)
        return found

    async def _kept(self, names: list[str]) -> Certificate:
        secret = await self._cluster.get(SECRET, self._namespace, self._settings.secret)
        kept, now = read_secret(secret), self._now()
        if kept is not None and not needs_renewal(kept, names, now):
            return kept
        new = issued(names, now, life=self._life, before=kept)
        # Refused if another replica was faster: the Secret then is of another resourceVersion.
        await self._cluster.replace(SECRET, secret | {"data": secret_data(new)})
        return new

    async def _make_trusted(self, configuration: Manifest, certificate: Certificate) -> None:
        bundle = b64encode(certificate.authorities).decode()
        hooks = configuration.get("webhooks", [])
        if all(hook["clientConfig"].get("caBundle") == bundle for hook in hooks):
            return
        wanted = {
            "apiVersion": WEBHOOKS.api_version,
            "kind": WEBHOOKS.kind,
            "metadata": {"name": self._settings.configuration, "namespace": ""},
            "webhooks": [{"name": hook["name"], "clientConfig": {"caBundle": bundle}} for hook in hooks],
        }
        await self._cluster.apply(WEBHOOKS, wanted)


def names_in(configuration: Manifest) -> list[str]:
    """Return the host names under which the API server calls the webhooks of a configuration."""
    found: dict[str, None] = {}
    for hook in configuration.get("webhooks", []):
        client = hook["clientConfig"]
        service = client.get("service")
        name = f"{service['name']}.{service['namespace']}.svc" if service else urlsplit(client["url"]).hostname
        found[name or ""] = None
    return list(found)
