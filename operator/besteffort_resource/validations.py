"""The rules of the resource as the API server checks them: one for each rule of rules.py that CEL can say, and its own.

Its own are what only a cluster refuses (cluster_rules.py), the name's length, and what may not change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from besteffort_resource import forms, wording
from besteffort_resource.cel import Validation, formed, spoken
from besteffort_resource.cluster_rules import ON_CLUSTER
from besteffort_resource.counting import NO_SOURCE, SEVERAL_SOURCES
from besteffort_resource.placement_rules import PLACED
from besteffort_resource.policy import NETWORKS
from besteffort_resource.policy_rules import STAND_INS, WITH_BUNDLE
from besteffort_resource.rules import DEADLINE, GRACE_FACTOR_MAX, OTHER
from besteffort_resource.running_rules import (
    ARGUMENTS_TAKEN,
    BACKLOG,
    DRAIN,
    QUEUE_BYTES,
    SCALE_DOWN,
    STARTUP,
    VOLUME_MIN,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["UNSAID", "VALIDATIONS"]

SCALED: Final = ("spec.placement", "spec.sizes[]")
BUNDLES: Final = ("spec.policy.bundle", "spec.policy.canary.bundle")
MODEL_NAME: Final = "(has({0}.model.repository) ? {0}.model.repository.name : {0}.name)"
ROUTERS: Final = (
    "(has(self.router.scaling) ? self.router.scaling.minReplicas : "
    "has(self.router.replicas) ? self.router.replicas : 1)"
)
SENT_NAME: Final = "(has({0}.spec.modelName) ? {0}.spec.modelName : {0}.metadata.name)"

UNSAID: Final[Mapping[str, str]] = {
    "tasks_are_unique": "the list is a set to the API server",
    "sizes_are_unique": "the list is a map by name to the API server",
    "requests_are_within_limits": "quantities of a pod may be numbers or text, and the operator tells it anyway",
    "engine_arguments_are_plain": "CEL does not see into objects that are passed on as they are",
}
"""Rules that no CEL says, and why."""


def _duration(name: str, at: str, bounds: tuple[str, str]) -> Validation:
    least, most = bounds
    in_range = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    says = spoken(wording.DURATION_RANGE, value="self", least=f"'{least}'", most=f"'{most}'")
    return Validation(name, at, f"!{formed('self', forms.Duration)} || ({in_range})", says)


def _one_of(name: str, at: str, fields: tuple[str, ...], sentence: str) -> Iterator[Validation]:
    present = f"[{', '.join(f'has(self.{field})' for field in fields)}]"
    yield Validation(name, at, f"{present}.exists(x, x)", spoken(sentence.format(count=NO_SOURCE)))
    several = spoken(sentence.format(count=SEVERAL_SOURCES))
    yield Validation(name, at, f"{present}.filter(x, x).size() <= 1", several)


def _quantity(name: str, at: str, least: str) -> Validation:
    enough = f"quantity(self).compareTo(quantity('{least}')) >= 0"
    says = spoken(wording.TOO_SMALL, value="self", least=f"'{least}'")
    return Validation(name, at, f"!{formed('self', forms.Quantity)} || {enough}", says)


def _deadlines() -> Iterator[Validation]:
    for field in ("default", "max"):
        yield _duration("deadlines_are_bounded", f"spec.deadline.{field}", DEADLINE)
    both_formed = f"{formed('self.default', forms.Duration)} && {formed('self.max', forms.Duration)}"
    yield Validation(
        "default_deadline_is_at_most_max",
        "spec.deadline",
        f"!({both_formed}) || duration(self.default) <= duration(self.max)",
        spoken(wording.ABOVE_MAX, default="self.default", max="self.max"),
        ".default",
    )
    factor = "double(self.graceFactor)"
    yield Validation(
        "soft_grace_ends_after_the_deadline",
        "spec.deadline",
        f"self.mode != 'Soft' || !{formed('self.graceFactor', forms.Factor)}"
        f" || ({factor} > 1.0 && {factor} <= {GRACE_FACTOR_MAX}.0)",
        spoken(wording.GRACE, factor="self.graceFactor"),
        ".graceFactor",
    )


def _sizes() -> Iterator[Validation]:
    yield Validation("other_is_reserved", "spec.tasks[]", f"self != '{OTHER}'", spoken(wording.OTHER_RESERVED))
    sources = ("repository", "huggingFace")
    yield from _one_of("each_size_has_one_model_source", "spec.sizes[].model", sources, wording.MODEL_SOURCES)
    yield Validation(
        "quality_is_by_known_tasks",
        "spec",
        "self.sizes.all(s, !has(s.quality) || !has(s.quality.byTask)"
        " || s.quality.byTask.all(t, has(self.tasks) && t in self.tasks))",
        spoken(f"a key of sizes[].quality.byTask is {wording.UNKNOWN_TASK}; add it there or remove it"),
        ".sizes",
    )
    yield Validation(
        "latency_ascends",
        "spec.sizes[].latency",
        "self.map(point, point.batch).isSorted()",
        spoken("a batch follows a larger one; sort the batches upward, each once"),
    )
    yield Validation(
        "latency_ascends",
        "spec.sizes[].latency[].seconds",
        f"!{formed('self', forms.Seconds)} || double(self) > 0.0",
        spoken(wording.NO_TIME, seconds="self"),
    )


def _placement() -> Iterator[Validation]:
    for field in PLACED:
        yield Validation(
            "servers_follow_the_placement",
            "spec.placement",
            f"self.mode != 'Dedicated' || !has(self.{field})",
            spoken(wording.COLOCATED_ONLY, field=f"'{field}'"),
            f".{field}",
        )
        yield Validation(
            "servers_follow_the_placement",
            "spec",
            f"self.placement.mode != 'Colocated' || self.sizes.all(s, !has(s.{field}))",
            spoken(f"sizes[].{field} " + wording.DEDICATED_ONLY, field=f"'{field}'"),
            ".sizes",
        )
    one, other = MODEL_NAME.format("s"), MODEL_NAME.format("t")
    twin = f"s.name != t.name && {one} == {other}"
    yield Validation(
        "colocated_models_differ",
        "spec",
        f"self.placement.mode != 'Colocated' || self.sizes.all(s, !self.sizes.exists(t, {twin}))",
        spoken(wording.MODEL_NAME_TWICE),
        ".sizes",
    )


def _tokens() -> Iterator[Validation]:
    none = "!has({0}.model.huggingFace) || !has({0}.model.huggingFace.tokenSecretRef)"
    reference = "{0}.model.huggingFace.tokenSecretRef.{1}"
    same = " && ".join(f"{reference.format('s', field)} == {reference.format('t', field)}" for field in ("name", "key"))
    agree = f"self.sizes.all(s, {none.format('s')} || self.sizes.all(t, {none.format('t')} || ({same})))"
    yield Validation(
        "colocated_tokens_agree",
        "spec",
        f"self.placement.mode != 'Colocated' || {agree}",
        spoken(wording.TOKENS_DIFFER),
        ".sizes",
    )


def _scaling() -> Iterator[Validation]:
    for at in (*SCALED, "spec.router"):
        either = "!has(self.replicas) || !has(self.scaling)"
        yield Validation("replicas_are_fixed_or_scaled", at, either, spoken(wording.SCALING_OR_REPLICAS), ".scaling")
        ordered = "self.minReplicas <= self.maxReplicas"
        says = spoken(wording.MIN_ABOVE_MAX)
        yield Validation("scaling_has_a_range", f"{at}.scaling", ordered, says, ".minReplicas")
    for at in SCALED:
        yield Validation(
            "prometheus_is_for_keda",
            f"{at}.scaling",
            "!has(self.prometheusAddress) || self.engine == 'KEDA'",
            spoken(wording.KEDA_ONLY),
            ".prometheusAddress",
        )
        yield _duration("waits_are_bounded", f"{at}.scaling.target.backlog", BACKLOG)
        yield _duration("waits_are_bounded", f"{at}.scaling.scaleDownDelay", SCALE_DOWN)
    asks = "!has({0}.scaling) || {0}.scaling.engine != 'KEDA' || has({0}.scaling.prometheusAddress)"
    says = wording.KEDA_ASKS_NOBODY
    for rule, text, field in (
        (asks.format("self.placement"), says, ".placement.scaling"),
        (f"self.sizes.all(s, {asks.format('s')})", f"sizes[].scaling {says}", ".sizes"),
    ):
        yield Validation("keda_asks_somebody", "spec", f"self.router.mode != 'Sidecar' || {rule}", spoken(text), field)


def _policy() -> Iterator[Validation]:
    networks, reading = (", ".join(f"'{kind}'" for kind in kinds) for kinds in (NETWORKS, WITH_BUNDLE))
    stand_ins = f"'{', '.join(STAND_INS)}'"
    yield from (
        Validation(name, "spec.policy", rule, says, field)
        for name, rule, says, field in (
            (
                "dqn_comes_in_a_bundle",
                "self.kind != 'DQN' || has(self.bundle)",
                spoken(wording.BUNDLE_MISSING),
                ".bundle",
            ),
            (
                "fallback_is_a_rule",
                f"!(self.fallback in [{networks}])",
                spoken(wording.FALLBACK_NETWORK, kind="self.fallback", kinds=stand_ins),
                ".fallback",
            ),
            (
                "canary_is_tried_against_a_bundle",
                "!has(self.canary) || has(self.bundle)",
                spoken(wording.CANARY_ALONE),
                ".canary",
            ),
            (
                "canary_is_tried_against_a_bundle",
                f"!has(self.canary) || self.kind in [{reading}]",
                spoken(wording.CANARY_UNREAD, kind="self.kind"),
                ".canary",
            ),
        )
    )


def _static_size() -> Iterator[Validation]:
    used, names = "({0}.kind == 'Static' || {0}.fallback == 'Static')", "self.sizes.map(s, s.name)"
    yield Validation(
        "static_size_is_for_static",
        "spec.policy",
        f"{used.format('self')} || !has(self.staticSize)",
        spoken(wording.STATIC_UNUSED),
        ".staticSize",
    )
    static = used.format("self.policy")
    yield Validation(
        "static_size_is_for_static",
        "spec",
        f"!{static} || has(self.policy.staticSize)",
        spoken(wording.STATIC_MISSING),
        ".policy.staticSize",
    )
    yield Validation(
        "static_size_is_for_static",
        "spec",
        f"!{static} || !has(self.policy.staticSize) || self.policy.staticSize in {names}",
        spoken(wording.STATIC_UNKNOWN + "; write the name of a size", size="self.policy.staticSize"),
        ".policy.staticSize",
    )


def _bundles() -> Iterator[Validation]:
    sources = ("path", "configMapRef", "pvc", "oci")
    for at in BUNDLES:
        yield from _one_of("each_bundle_has_one_source", at, sources, wording.BUNDLE_SOURCES)
        yield Validation("files_are_not_on_a_cluster", at, "!has(self.path)", spoken(wording.FILE_ON_CLUSTER), ".path")
    yield Validation(
        "canary_leaves_routers",
        "spec",
        f"self.router.mode != 'Gateway' || !has(self.policy.canary) || self.policy.canary.replicas < {ROUTERS}",
        spoken(wording.CANARY_TAKES_ALL),
        ".policy.canary.replicas",
    )


def _containers() -> Iterator[Validation]:
    yield _duration("waits_are_bounded", "spec.triton.startupTimeout", STARTUP)
    yield _duration("waits_are_bounded", "spec.triton.drain", DRAIN)
    yield _duration("waits_are_bounded", "spec.router.drain", DRAIN)
    least, most = QUEUE_BYTES
    in_range = " && ".join(
        f"quantity(self).compareTo(quantity('{bound}')) {order} 0" for bound, order in ((least, ">="), (most, "<="))
    )
    yield Validation(
        "queue_bytes_are_bounded",
        "spec.router.queue.maxBytes",
        f"!{formed('self', forms.Bytes)} || ({in_range})",
        spoken(wording.BYTES_RANGE, value="self", least=f"'{least}'", most=f"'{most}'"),
    )
    for field in ("sharedMemory", "cache.size"):
        yield _quantity("volumes_hold_something", f"spec.triton.{field}", VOLUME_MIN)
    sources = ("value", "valueFrom")
    yield from _one_of("variables_are_unambiguous", "spec.triton.env[]", sources, wording.VARIABLE_SOURCES)
    yield Validation(
        "arguments_are_free",
        "spec.triton.args[]",
        f"!self.matches('^--({'|'.join(ARGUMENTS_TAKEN)})(=|$)')",
        spoken(wording.ARGUMENT_TAKEN, argument="self"),
    )
    for field in ("replicas", "scaling", "tls", "podTemplate"):
        rule = f"self.mode != 'Sidecar' || !has(self.{field})"
        yield Validation("sidecars_are_no_deployment", "spec.router", rule, spoken(wording.GATEWAY_ONLY), f".{field}")
    yield Validation(
        "sidecars_are_no_deployment",
        "spec",
        "self.router.mode != 'Sidecar' || !has(self.policy.canary)",
        spoken(wording.GATEWAY_ONLY),
        ".policy.canary",
    )


def _cluster() -> Iterator[Validation]:
    yield Validation(
        "folders_are_not_on_a_cluster",
        "spec.sizes[].model.repository.uri",
        f"!{formed('self', forms.Uri)} || self.matches('{ON_CLUSTER}')",
        spoken(wording.FOLDER_ON_CLUSTER, uri="self"),
    )
    name = "self.metadata.name"
    for rule, kept, says in (
        ("name_leaves_room", f"{name}.size() <= 35", wording.NAME_LONG),
        ("name_is_a_label", formed(name, forms.ServiceName), wording.NAME_FORM),
    ):
        yield Validation(rule, "", kept, spoken(says), ".metadata.name")


def _immutable() -> Iterator[Validation]:
    yield Validation(
        "model_name_stays",
        "",
        f"{SENT_NAME.format('self')} == {SENT_NAME.format('oldSelf')}",
        spoken(wording.MODEL_NAME_STAYS, old=SENT_NAME.format("oldSelf")),
        ".spec.modelName",
    )
    yield Validation(
        "placement_mode_stays",
        "spec.placement.mode",
        "self == oldSelf",
        spoken(wording.PLACEMENT_MODE_STAYS, old="oldSelf"),
    )
    yield Validation(
        "router_mode_stays", "spec.router.mode", "self == oldSelf", spoken(wording.ROUTER_MODE_STAYS, old="oldSelf")
    )
    yield Validation(
        "cache_stays",
        "spec.triton",
        "has(self.cache) || !has(oldSelf.cache)",
        spoken(wording.CACHE_STAYS),
        ".cache",
    )
    yield Validation(
        "cache_class_stays",
        "spec.triton.cache",
        "has(self.storageClassName) == has(oldSelf.storageClassName)"
        " && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
        spoken(wording.CACHE_CLASS_STAYS),
        ".storageClassName",
    )
    yield Validation(
        "cache_only_grows",
        "spec.triton.cache.size",
        f"!{formed('self', forms.Quantity)} || quantity(self).compareTo(quantity(oldSelf)) >= 0",
        spoken(wording.CACHE_SHRINKS, size="self", old="oldSelf"),
    )


VALIDATIONS: Final = (
    *_deadlines(),
    *_sizes(),
    *_placement(),
    *_tokens(),
    *_scaling(),
    *_policy(),
    *_static_size(),
    *_bundles(),
    *_containers(),
    *_cluster(),
    *_immutable(),
)
