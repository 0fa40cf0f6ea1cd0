"""A policy: the rule that a service asks for, the rule it falls back to, and the tuned numbers of both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from besteffort_core import policies
from besteffort_core.general import GENERAL
from besteffort_core.model import Reason

if TYPE_CHECKING:
    from besteffort_core.bundle import Bundle
    from besteffort_core.dqn import Network
    from besteffort_core.policies import Choose, Parameters
    from besteffort_core.scorer import Scorer

__all__ = ["NETWORKS", "Kind", "Policy", "Rule", "build_policy", "build_rule"]


class Kind(StrEnum):
    """The policies, as the resource names them."""

    LEARNED = "Learned"
    DQN = "DQN"
    PRICE = "Price"
    GREEDY = "Greedy"
    LADDER = "Ladder"
    STATIC = "Static"
    ROUND_ROBIN = "RoundRobin"
    LEAST_LOADED = "LeastLoaded"


@dataclass(frozen=True, slots=True)
class Rule:
    """A heuristic with its parameters."""

    kind: Kind
    reason: Reason
    choose: Choose
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Policy:
    """What decides: `network` where the kind has one and its bundle is usable, else `rule`."""

    kind: Kind
    rule: Rule
    """The heuristic of the kind itself, or the fallback of a network."""
    network: Network | Scorer | None = None
    """A scorer for Learned, a Q-network for DQN; None where it is not there."""
    shadow: bool = False
    """Let the network decide and be recorded, but let the rule rule."""
    digest: str = ""
    """SHA-256 of the bundle that the numbers come from; empty where none is used."""
    limit_s: float = 0.005
    """A learned decision that takes longer than this on average is too slow."""


_RULES = {
    Kind.PRICE: (Reason.PRICE, policies.choose_price),
    Kind.GREEDY: (Reason.BEST_IN_TIME, policies.choose_greedy),
    Kind.LADDER: (Reason.LADDER, policies.choose_ladder),
    Kind.STATIC: (Reason.STATIC, policies.choose_static),
    Kind.ROUND_ROBIN: (Reason.ROUND_ROBIN, policies.choose_round_robin),
    Kind.LEAST_LOADED: (Reason.LEAST_LOADED, policies.choose_least_loaded),
}

NETWORKS = (Kind.LEARNED, Kind.DQN)
"""The kinds that a network decides for; a rule stands behind each."""

_TUNED = (*NETWORKS, Kind.PRICE, Kind.LADDER)


def build_rule(kind: Kind, bundle: Bundle | None = None, *, static_size: int = 0) -> Rule:
    """Return the heuristic of a kind, with the numbers tuned for the pool where a bundle brings them."""
    reason, choose = _RULES[kind]
    parameters = np.empty(0)
    if kind is Kind.PRICE:
        parameters = policies.DEFAULT_PRICE if bundle is None else bundle.price
    elif kind is Kind.GREEDY:
        parameters = policies.DEFAULT_GREEDY
    elif kind is Kind.LADDER:
        parameters = policies.DEFAULT_LADDER if bundle is None else bundle.ladder
    elif kind is Kind.STATIC:
        parameters = np.array([float(static_size)])
    return Rule(kind, reason, choose, parameters)


def build_policy(
    kind: Kind,
    fallback: Kind,
    bundle: Bundle | None,
    *,
    static_size: int = 0,
    shadow: bool = False,
    bundle_lost: bool = False,
) -> Policy:
    """Return the policy of a service; a network that is not there leaves its fallback in charge from the start.

    Learned needs no bundle: without one the general scorer decides. `bundle_lost`: one is named, but cannot be used.
    """
    rule = build_rule(fallback if kind in NETWORKS else kind, bundle, static_size=static_size)
    network = bundle.network if bundle is not None and bundle.kind == kind else None
    if kind is Kind.LEARNED and bundle is None and not bundle_lost:
        network = GENERAL
    digest = bundle.digest if bundle is not None and kind in _TUNED else ""
    return Policy(kind, rule, network, shadow=shadow, digest=digest)
