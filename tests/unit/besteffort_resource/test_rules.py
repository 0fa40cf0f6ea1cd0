from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from besteffort_resource import placement_rules, policy_rules, rules, running_rules
from besteffort_resource.rules import RULES, broken_rules
from besteffort_resource.service import Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = {"repository": {"uri": "models", "name": "m"}}
HUB = {"huggingFace": {"id": "facebook/opt-125m", "revision": "27dcfa7"}}
FILE = {"path": "policy.safetensors"}
CLAIM = {"pvc": {"claimName": "policies", "path": "policy.safetensors"}}


def spec(**fields: Any) -> Spec:
    return Spec.model_validate({"sizes": [size()], **fields})


def size(name: str = "small", **fields: Any) -> dict[str, Any]:
    return {"name": name, "model": {"repository": {"uri": "models", "name": name}}, **fields}


def hub(**fields: Any) -> dict[str, Any]:
    return {"huggingFace": {**HUB["huggingFace"], **fields}}


def points(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"batch": batch, "seconds": seconds} for batch, seconds in pairs]


BROKEN: list[tuple[Callable[[Spec], Iterator[str]], dict[str, Any], int]] = [
    (rules.deadlines_are_bounded, {"deadline": {"default": "0.9ms"}}, 1),
    (rules.deadlines_are_bounded, {"deadline": {"default": "61m", "max": "3660s"}}, 2),
    (rules.default_deadline_is_at_most_max, {"deadline": {"default": "301ms", "max": "0.3s"}}, 1),
    (rules.soft_grace_ends_after_the_deadline, {"deadline": {"mode": "Soft", "graceFactor": "1"}}, 1),
    (rules.soft_grace_ends_after_the_deadline, {"deadline": {"mode": "Soft", "graceFactor": "100.1"}}, 1),
    (rules.tasks_are_unique, {"tasks": ["a", "b", "a", "a", "b"]}, 2),
    (rules.other_is_reserved, {"tasks": ["a", "other"]}, 1),
    (rules.sizes_are_unique, {"placement": {"mode": "Dedicated"}, "sizes": [size(), size("large"), size()]}, 1),
    (rules.each_size_has_one_model_source, {"sizes": [size(model={})]}, 1),
    (
        rules.each_size_has_one_model_source,
        {"sizes": [size(model={**SOURCE, "huggingFace": {"id": "a", "revision": "b"}})]},
        1,
    ),
    (
        rules.quality_is_by_known_tasks,
        {"tasks": ["a"], "sizes": [size(quality={"default": "1", "byTask": {"a": "1", "b": "1", "C d": "1"}})]},
        2,
    ),
    (rules.latency_ascends, {"sizes": [size(latency=points((2, "0.1"), (1, "0.2"), (1, "0.0")))]}, 3),
    (placement_rules.servers_follow_the_placement, {"sizes": [size(replicas=1, gpu={}, scheduling={})]}, 3),
    (placement_rules.servers_follow_the_placement, {"sizes": [size(scaling={"maxReplicas": 2})]}, 1),
    (
        placement_rules.servers_follow_the_placement,
        {"placement": {"mode": "Dedicated", "replicas": 1, "gpu": {}, "scheduling": {}}},
        3,
    ),
    (
        placement_rules.servers_follow_the_placement,
        {"placement": {"mode": "Dedicated", "scaling": {"maxReplicas": 2}}},
        1,
    ),
    (placement_rules.colocated_models_differ, {"sizes": [size(), size("b"), size("c", model=size()["model"])]}, 1),
    (
        placement_rules.colocated_models_differ,
        {"sizes": [size(), size("b", model=HUB), size("c", model={"repository": {"uri": "m", "name": "b"}})]},
        1,
    ),
    (
        placement_rules.colocated_tokens_agree,
        {
            "sizes": [
                size("a", model=hub(tokenSecretRef={"name": "hub", "key": "one"})),
                size("b", model=hub()),
                size("c", model=hub(tokenSecretRef={"name": "hub", "key": "two"})),
            ]
        },
        1,
    ),
    (placement_rules.replicas_are_fixed_or_scaled, {"placement": {"replicas": 1, "scaling": {"maxReplicas": 2}}}, 1),
    (
        placement_rules.replicas_are_fixed_or_scaled,
        {"placement": {"mode": "Dedicated"}, "sizes": [size(replicas=1, scaling={"maxReplicas": 2})]},
        1,
    ),
    (placement_rules.replicas_are_fixed_or_scaled, {"router": {"replicas": 1, "scaling": {"maxReplicas": 2}}}, 1),
    (placement_rules.scaling_has_a_range, {"placement": {"scaling": {"minReplicas": 3, "maxReplicas": 2}}}, 1),
    (
        placement_rules.scaling_has_a_range,
        {"placement": {"mode": "Dedicated"}, "sizes": [size(scaling={"minReplicas": 3, "maxReplicas": 2})]},
        1,
    ),
    (placement_rules.scaling_has_a_range, {"router": {"scaling": {"minReplicas": 3, "maxReplicas": 2}}}, 1),
    (
        placement_rules.prometheus_is_for_keda,
        {"placement": {"scaling": {"maxReplicas": 2, "prometheusAddress": "http://prometheus:9090"}}},
        1,
    ),
    (
        placement_rules.keda_asks_somebody,
        {"placement": {"scaling": {"maxReplicas": 2, "engine": "KEDA"}}, "router": {"mode": "Sidecar"}},
        1,
    ),
    (policy_rules.dqn_comes_in_a_bundle, {"policy": {"kind": "DQN"}}, 1),
    (policy_rules.each_bundle_has_one_source, {"policy": {"bundle": {}}}, 1),
    (policy_rules.each_bundle_has_one_source, {"policy": {"bundle": {**FILE, **CLAIM}}}, 1),
    (
        policy_rules.each_bundle_has_one_source,
        {"policy": {"bundle": FILE, "canary": {"bundle": {**FILE, **CLAIM}}}, "router": {"replicas": 2}},
        1,
    ),
    (policy_rules.fallback_is_a_rule, {"policy": {"fallback": "Learned"}}, 1),
    (policy_rules.fallback_is_a_rule, {"policy": {"fallback": "DQN"}}, 1),
    (policy_rules.static_size_is_for_static, {"policy": {"kind": "Static"}}, 1),
    (policy_rules.static_size_is_for_static, {"policy": {"fallback": "Static"}}, 1),
    (policy_rules.static_size_is_for_static, {"policy": {"staticSize": "small"}}, 1),
    (policy_rules.static_size_is_for_static, {"policy": {"kind": "Static", "staticSize": "large"}}, 1),
    (
        policy_rules.canary_is_tried_against_a_bundle,
        {"policy": {"canary": {"bundle": FILE}}, "router": {"replicas": 2}},
        1,
    ),
    (
        policy_rules.canary_is_tried_against_a_bundle,
        {"policy": {"kind": "Greedy", "bundle": FILE, "canary": {"bundle": FILE}}, "router": {"replicas": 2}},
        1,
    ),
    (policy_rules.canary_leaves_routers, {"policy": {"bundle": FILE, "canary": {"bundle": FILE}}}, 1),
    (
        policy_rules.canary_leaves_routers,
        {
            "policy": {"bundle": FILE, "canary": {"bundle": FILE, "replicas": 2}},
            "router": {"scaling": {"minReplicas": 2, "maxReplicas": 4}},
        },
        1,
    ),
    (running_rules.waits_are_bounded, {"triton": {"startupTimeout": "0s", "drain": "61m"}}, 2),
    (running_rules.waits_are_bounded, {"router": {"drain": "61m"}}, 1),
    (
        running_rules.waits_are_bounded,
        {"placement": {"scaling": {"maxReplicas": 2, "target": {"backlog": "0s"}, "scaleDownDelay": "61m"}}},
        2,
    ),
    (running_rules.queue_bytes_are_bounded, {"router": {"queue": {"maxBytes": "63Ki"}}}, 1),
    (running_rules.queue_bytes_are_bounded, {"router": {"queue": {"maxBytes": "65Gi"}}}, 1),
    (running_rules.volumes_hold_something, {"triton": {"sharedMemory": "0", "cache": {"size": "1023Ki"}}}, 2),
    (
        running_rules.requests_are_within_limits,
        {
            "triton": {"resources": {"requests": {"cpu": 4, "memory": "8Gi"}, "limits": {"cpu": "3500m", "memory": 1}}},
            "router": {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "999m"}}},
        },
        3,
    ),
    (
        running_rules.variables_are_unambiguous,
        {"triton": {"env": [{"name": "A", "value": ""}, {"name": "A", "value": "1"}]}},
        1,
    ),
    (
        running_rules.variables_are_unambiguous,
        {"triton": {"env": [{"name": "A"}, {"name": "B", "value": "1", "valueFrom": {}}]}},
        2,
    ),
    (running_rules.arguments_are_free, {"triton": {"args": ["--http-port=1", "--load-model", "--http-header=a"]}}, 2),
    (
        running_rules.engine_arguments_are_plain,
        {"sizes": [size(model=hub(engineArgs={"model": "x", "revision": "y", "seed": [1], "dtype": None}))]},
        4,
    ),
    (
        running_rules.sidecars_are_no_deployment,
        {"router": {"mode": "Sidecar", "replicas": 2, "tls": {"secretName": "tls"}, "podTemplate": {}}},
        3,
    ),
    (
        running_rules.sidecars_are_no_deployment,
        {
            "router": {"mode": "Sidecar", "scaling": {"maxReplicas": 2}},
            "policy": {"bundle": FILE, "canary": {"bundle": FILE}},
        },
        2,
    ),
]
KEPT: list[dict[str, Any]] = [
    {},
    {"triton": {"resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "1000m"}}}},
    {"deadline": {"default": "1ms", "max": "60m"}},
    {"deadline": {"default": "2s", "max": "2s"}},
    {"deadline": {"mode": "Soft", "graceFactor": "1.01"}},
    {"deadline": {"mode": "Hard", "graceFactor": "1"}},
    {"tasks": ["a"], "sizes": [size(quality={"default": "1", "byTask": {"a": "0"}})]},
    {"sizes": [size(latency=points((1, "0.2"), (8, "0.1")))]},
    {"placement": {"mode": "Dedicated"}, "sizes": [size(replicas=2), size("large")]},
    {"policy": {"kind": "Learned"}},
    {"policy": {"kind": "Learned", "bundle": {"path": "p"}}},
    {"policy": {"kind": "DQN", "bundle": {"path": "p"}, "fallback": "LeastLoaded"}},
    {"policy": {"kind": "Price", "bundle": {"path": "p"}}},
    {"policy": {"kind": "Static", "fallback": "Static", "staticSize": "small"}},
    {"router": {"queue": {"maxBytes": "64Gi"}}},
    {"placement": {"mode": "Dedicated"}, "sizes": [size(model=SOURCE), size("large", model=SOURCE)]},
    {"placement": {"scaling": {"minReplicas": 2, "maxReplicas": 2}, "gpu": {}, "scheduling": {}}},
    {"placement": {"scaling": {"maxReplicas": 2, "engine": "KEDA", "prometheusAddress": "http://prometheus:9090"}}},
    {"placement": {"mode": "Dedicated"}, "sizes": [size(scaling={"maxReplicas": 2}), size("large", gpu={"count": 2})]},
    {"policy": {"bundle": FILE, "canary": {"bundle": CLAIM}}, "router": {"replicas": 2}},
    {
        "policy": {"bundle": FILE, "canary": {"bundle": CLAIM}},
        "router": {"scaling": {"minReplicas": 2, "maxReplicas": 9}},
    },
    {"router": {"mode": "Sidecar", "drain": "0s", "resources": {"limits": {"cpu": 1}}}},
    {"triton": {"sharedMemory": "1Mi", "cache": {"size": "1G"}, "startupTimeout": "240m", "drain": "60m"}},
    {"triton": {"env": [{"name": "A", "value": ""}, {"name": "B", "valueFrom": {"fieldRef": {}}}]}},
    {"triton": {"args": ["--log-verbose=1", "--http-header-forward-pattern=.*"]}},
    {"sizes": [size(model=hub(engineArgs={"gpu_memory_utilization": 0.5, "enforce_eager": True, "dtype": "half"}))]},
]


@pytest.mark.parametrize(("rule", "fields", "count"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_broken_rule_is_told_by_that_rule_alone(
    rule: Callable[[Spec], Iterator[str]], fields: dict[str, Any], count: int
) -> None:
    sentences = list(rule(spec(**fields)))
    assert len(sentences) == count
    assert broken_rules(spec(**fields)) == sentences
    assert all(sentence.startswith("spec.") and "; " in sentence for sentence in sentences)


@pytest.mark.parametrize("fields", KEPT, ids=str)
def test_what_keeps_the_rules_is_accepted(fields: dict[str, Any]) -> None:
    assert broken_rules(spec(**fields)) == []


def test_every_rule_is_broken_by_one_of_these_tests_and_says_what_it_is() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
    assert all(rule.__doc__ for rule in RULES)
