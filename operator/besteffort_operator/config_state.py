"""Pure: whether the routers of a service run its present configuration, from what they say themselves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from besteffort_operator.manifests.metadata import Component
from besteffort_operator.manifests.router_container import CONFIG_KEY
from besteffort_operator.policy_state import SILENT_S
from besteffort_operator.reasons import Finding, Reason
from besteffort_operator.workload import COMPONENT

if TYPE_CHECKING:
    from besteffort_operator.view import View

__all__ = ["config_spreading"]

DIGEST_LENGTH = 12
"""Of what a router says: the first hexadecimal digits of the SHA-256 of the file that it read."""


def config_spreading(view: View) -> Finding | None:
    """Return that some routers run a former configuration, None where none is known to."""
    digests = _digests(view)
    said = [heard for heard in view.routers if heard.report and heard.age_s <= SILENT_S]
    behind = 0
    for heard in said:
        wanted = digests.get(Component.ROUTER_CANARY if heard.router.canary else Component.ROUTER)
        behind += bool(wanted and heard.report and heard.report.config_digest not in ("", wanted))
    if not behind:
        return None
    sentence = f"{behind} of {len(said)} routers do not run the present configuration yet"
    return Finding(Reason.CHANGE_SPREADING, sentence)


def _digests(view: View) -> dict[str, str]:
    """Return the digest of the live configuration by the component that reads it."""
    found = {}
    for child in view.children:
        if child["kind"] == "ConfigMap" and CONFIG_KEY in child.get("data", {}):
            text = child["data"][CONFIG_KEY]
            component = child["metadata"]["labels"][COMPONENT]
            found[component] = hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
    return found
