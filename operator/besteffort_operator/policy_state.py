"""Pure: which policy the routers of a service really run, from what they say themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_operator.reasons import Finding, Reason
from besteffort_resource.policy import NETWORKS, PolicyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from besteffort_operator.router_report import Heard, PolicyReport
    from besteffort_resource.policy import Policy

__all__ = ["SILENT_S", "PolicyState", "policy_state"]

SILENT_S = 45.0
"""A router that has said nothing for so long is not counted: several polls in a row failed."""
DIGEST_SHOWN = 12
UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class PolicyState:
    """The policy that most routers run, how many of how many, and what that means."""

    kind: str
    mode: str
    digest: str
    loaded_at_s: float
    agreeing: int
    routers: int
    finding: Finding
    known: bool = True
    """Some router has said it."""


def policy_state(policy: Policy, routers: Sequence[Heard]) -> PolicyState:
    """Return what runs, against what the resource asks for; routers of a canary are told apart."""
    main, canary = _said([r for r in routers if not r.router.canary]), _said([r for r in routers if r.router.canary])
    count = sum(not heard.router.canary for heard in routers)
    if not main:
        finding = Finding(Reason.NO_ROUTER_YET, "there is no router yet")
        if count:
            finding = Finding(Reason.NO_ROUTER_ANSWERS, f"none of {count} routers says which policy it runs")
        return PolicyState(policy.kind.value, policy.mode.value, "", 0.0, 0, count, finding, known=False)
    ruling = _most_common(main)
    agreeing = [said for said in main if _identity(said) == _identity(ruling)]
    return PolicyState(
        kind=ruling.kind,
        mode=ruling.mode,
        digest=ruling.digest,
        loaded_at_s=max(said.loaded_at_s for said in agreeing),
        agreeing=len(agreeing),
        routers=count,
        finding=_trouble(policy, main, canary) or _in_force(ruling, len(agreeing), count, canary),
    )


def _said(routers: Sequence[Heard]) -> list[PolicyReport]:
    return [heard.report.policy for heard in routers if heard.report and heard.age_s <= SILENT_S]


def _identity(said: PolicyReport) -> tuple[str, str, str]:
    return said.kind, said.mode, said.digest


def _most_common(found: Sequence[PolicyReport]) -> PolicyReport:
    """Return the policy that most run; of two that equally many run, the one that came last."""
    counts = Counter(map(_identity, found))
    return max(found, key=lambda said: (counts[_identity(said)], said.loaded_at_s))


def _trouble(policy: Policy, main: Sequence[PolicyReport], canary: Sequence[PolicyReport]) -> Finding | None:
    for said, whose in [*((said, "") for said in main), *((said, "canary: ") for said in canary)]:
        if said.error:
            reason = Reason.BUNDLE_MISSING if UNREADABLE in said.error else Reason.BUNDLE_REFUSED
            return Finding(reason, f"{whose}{said.error}; {_meanwhile(policy)}")
        if said.kind == PolicyKind.DQN.value and not said.digest:
            return Finding(Reason.BUNDLE_MISSING, f"{whose}there is no bundle; {_meanwhile(policy)}")
    wanted = (policy.kind.value, policy.mode.value)
    if policy.canary and not canary:
        return Finding(Reason.CHANGE_SPREADING, "canary: none of its routers says yet which policy it runs")
    different = sum((said.kind, said.mode) != wanted for said in main)
    if different:
        return Finding(Reason.CHANGE_SPREADING, f"{different} of {len(main)} routers do not run {' '.join(wanted)} yet")
    digests = {said.digest for said in main}
    if len(digests) > 1:
        shown = ", ".join(sorted(digest[:DIGEST_SHOWN] or "none" for digest in digests))
        return Finding(Reason.CHANGE_SPREADING, f"routers run different bundles: {shown}")
    return None


def _meanwhile(policy: Policy) -> str:
    """Say who decides without the bundle: of a heuristic it holds only the tuned numbers."""
    if policy.kind in NETWORKS:
        return f"{policy.fallback.value} decides meanwhile"
    return f"{policy.kind.value} decides meanwhile, by its built-in numbers"


def _in_force(ruling: PolicyReport, agreeing: int, count: int, canary: Sequence[PolicyReport]) -> Finding:
    bundle = f" {ruling.digest[:DIGEST_SHOWN]}" if ruling.digest else ""
    tried = sorted({said.digest[:DIGEST_SHOWN] for said in canary})
    trial = f"; canary {', '.join(tried)} on {len(canary)} more" if tried else ""
    sentence = f"{ruling.kind}{bundle} in mode {ruling.mode} on {agreeing} of {count} routers{trial}"
    return Finding(Reason.LOADED, sentence)
