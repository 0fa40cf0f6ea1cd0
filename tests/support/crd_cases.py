"""For each rule that the API server checks: a resource that breaks it alone, and one that only comes close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "FULL", "Case", "resource"]

S3 = {"repository": {"uri": "s3://bucket/models", "name": "small"}}
HUB = {"huggingFace": {"id": "facebook/opt-125m", "revision": "27dcfa7"}}
KEY = {"name": "policies", "key": "policy.safetensors"}
CONFIG = {"configMapRef": KEY}
CLAIM = {"pvc": {"claimName": "policies", "path": "policy.safetensors"}}
OCI = {"oci": {"image": "registry.example/policies:1", "path": "policy.safetensors"}}
DEDICATED = {"mode": "Dedicated"}
SIDECAR = {"router": {"mode": "Sidecar"}}
KEDA = {"maxReplicas": 2, "engine": "KEDA", "prometheusAddress": "http://prometheus:9090"}


@dataclass(frozen=True)
class Case:
    """Specs as changes to the smallest one; of an update also what was there before."""

    refused: Mapping[str, Any]
    accepted: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    names: tuple[str, str] = field(default=("assistant", "assistant"))
    """The names of the two resources."""


def resource(spec: Mapping[str, Any], *, name: str = "assistant") -> dict[str, Any]:
    """Return a resource that a cluster takes but for what `spec` changes."""
    return {
        "apiVersion": "serving.besteffort.dev/v1alpha1",
        "kind": "BestEffortService",
        "metadata": {"name": name},
        "spec": {"sizes": [size()], **spec},
    }


def size(name: str = "small", **fields: Any) -> dict[str, Any]:
    return {"name": name, "model": {"repository": {"uri": "s3://bucket/models", "name": name}}, **fields}


def hub(**fields: Any) -> dict[str, Any]:
    return {"huggingFace": {**HUB["huggingFace"], **fields}}


def secret(key: str) -> dict[str, Any]:
    return hub(tokenSecretRef={"name": "hub", "key": key})


def sized(**fields: Any) -> dict[str, Any]:
    return {"sizes": [size(**fields)]}


def dedicated(**fields: Any) -> dict[str, Any]:
    return {"placement": DEDICATED, **sized(**fields)}


def scaled(**fields: Any) -> dict[str, Any]:
    return {"placement": {"scaling": {"maxReplicas": 2, **fields}}}


def scaled_size(**fields: Any) -> dict[str, Any]:
    return dedicated(scaling={"maxReplicas": 2, **fields})


def canary(
    bundle: Mapping[str, Any] = CLAIM, *, router: Mapping[str, Any] | None = None, **policy: Any
) -> dict[str, Any]:
    fields = {"bundle": CONFIG, "canary": {"bundle": bundle}, **policy}
    return {"policy": fields, "router": {"replicas": 2} if router is None else router}


def points(*batches: int, seconds: str = "0.01") -> list[dict[str, Any]]:
    return [{"batch": batch, "seconds": seconds} for batch in batches]


def quality(task: str) -> dict[str, Any]:
    return {"tasks": ["addition"], **sized(quality={"default": "0.4", "byTask": {task: "0.5"}})}


def cached(size: str = "10Gi", **fields: str) -> dict[str, Any]:
    return {"triton": {"cache": {"size": size, **fields}}}


SCALING = {"maxReplicas": 2}

CASES: tuple[Case, ...] = (
    Case({"deadline": {"default": "0.9ms"}}, {"deadline": {"default": "1ms"}}),
    Case({"deadline": {"max": "60.1m"}}, {"deadline": {"max": "60m"}}),
    Case({"deadline": {"default": "2s", "max": "1999ms"}}, {"deadline": {"default": "2s", "max": "2000ms"}}),
    Case(
        {"deadline": {"mode": "Soft", "graceFactor": "1.0"}}, {"deadline": {"mode": "Soft", "graceFactor": "1.000001"}}
    ),
    Case(
        {"deadline": {"mode": "Soft", "graceFactor": "100.5"}}, {"deadline": {"mode": "Hard", "graceFactor": "100.5"}}
    ),
    Case({"tasks": ["addition", "other"]}, {"tasks": ["addition", "others"]}),
    Case(sized(model={}), sized(model=HUB)),
    Case(sized(model={**S3, **HUB}), sized(model=S3)),
    Case(quality("chain"), quality("addition")),
    Case({**quality("addition"), "tasks": []}, quality("addition")),
    Case(sized(latency=points(2, 1)), sized(latency=points(1, 2, 8))),
    Case(sized(latency=points(1, seconds="0.000")), sized(latency=points(1, seconds="0.001"))),
    Case({"placement": DEDICATED | {"replicas": 2}}, {"placement": {"replicas": 2}}),
    Case(sized(replicas=2), dedicated(replicas=2)),
    Case({"placement": DEDICATED | {"scaling": SCALING}}, {"placement": {"scaling": SCALING}}),
    Case(sized(scaling=SCALING), dedicated(scaling=SCALING)),
    Case({"placement": DEDICATED | {"gpu": {}}}, {"placement": {"gpu": {}}}),
    Case(sized(gpu={"count": 2}), dedicated(gpu={"count": 2})),
    Case({"placement": DEDICATED | {"scheduling": {}}}, {"placement": {"scheduling": {}}}),
    Case(sized(scheduling={}), dedicated(scheduling={})),
    Case(
        {"sizes": [size(), size("large", model=S3)]},
        {"sizes": [size(), size("large", model=S3)], "placement": DEDICATED},
    ),
    Case(
        {"sizes": [size(model=HUB), size("large", model=S3)]},
        {"sizes": [size(model=HUB), size("large", model=HUB), size("huge")]},
    ),
    Case(
        {"sizes": [size(model=secret("one")), size("large", model=secret("two"))]},
        {"sizes": [size(model=secret("one")), size("large", model=secret("one")), size("huge", model=HUB)]},
    ),
    Case({"placement": {"replicas": 1, "scaling": SCALING}}, {"placement": {"scaling": SCALING}}),
    Case(scaled(minReplicas=3), scaled(minReplicas=2)),
    Case(dedicated(replicas=1, scaling=SCALING), dedicated(replicas=1)),
    Case(scaled_size(minReplicas=3), scaled_size(minReplicas=2)),
    Case({"router": {"replicas": 1, "scaling": SCALING}}, {"router": {"scaling": SCALING}}),
    Case({"router": {"scaling": SCALING | {"minReplicas": 3}}}, {"router": {"scaling": SCALING | {"minReplicas": 1}}}),
    Case(scaled(**KEDA | {"engine": "HPA"}), scaled(**KEDA)),
    Case(scaled_size(**KEDA | {"engine": "Operator"}), scaled_size(**KEDA)),
    Case(scaled(target={"backlog": "0s"}), scaled(target={"backlog": "1ms"})),
    Case(scaled(scaleDownDelay="61m"), scaled(scaleDownDelay="0s")),
    Case(scaled_size(target={"backlog": "61m"}), scaled_size(target={"backlog": "60m"})),
    Case(scaled_size(scaleDownDelay="3600.1s"), scaled_size(scaleDownDelay="3600s")),
    Case(SIDECAR | scaled(engine="KEDA"), SIDECAR | scaled(**KEDA)),
    Case(SIDECAR | scaled_size(engine="KEDA"), scaled_size(engine="KEDA")),
    Case({"policy": {"kind": "DQN"}}, {"policy": {"kind": "Learned"}}),
    Case({"policy": {"kind": "DQN", "fallback": "Greedy"}}, {"policy": {"kind": "DQN", "bundle": OCI}}),
    Case({"policy": {"fallback": "Learned"}}, {"policy": {"fallback": "Ladder"}}),
    Case({"policy": {"fallback": "DQN"}}, {"policy": {"fallback": "Greedy"}}),
    Case({"policy": {"staticSize": "small"}}, {"policy": {"kind": "Static", "staticSize": "small"}}),
    Case({"policy": {"kind": "Static"}}, {"policy": {"fallback": "Static", "staticSize": "small"}}),
    Case({"policy": {"kind": "Static", "staticSize": "smal"}}, {"policy": {"kind": "Static", "staticSize": "small"}}),
    Case({"policy": {"bundle": {}}}, {"policy": {"bundle": OCI}}),
    Case({"policy": {"bundle": CLAIM | CONFIG}}, {"policy": {"bundle": CLAIM}}),
    Case({"policy": {"bundle": {"path": "policy.safetensors"}}}, {"policy": {"bundle": CONFIG}}),
    Case(canary(bundle={}), canary()),
    Case(canary(bundle=CLAIM | CONFIG), canary(bundle=OCI)),
    Case(canary(bundle={"path": "policy.safetensors"}), canary(bundle=CONFIG)),
    Case({**canary(), "policy": {"canary": {"bundle": CONFIG}}}, canary()),
    Case(canary(kind="Greedy"), canary(kind="Ladder")),
    Case(canary(kind="LeastLoaded"), canary(kind="DQN")),
    Case(canary(router={}), canary(router={"replicas": 2})),
    Case(
        canary(router={"scaling": {"minReplicas": 1, "maxReplicas": 4}}),
        canary(router={"scaling": {"minReplicas": 2, "maxReplicas": 4}}),
    ),
    Case({"triton": {"startupTimeout": "999ms"}}, {"triton": {"startupTimeout": "240m"}}),
    Case({"triton": {"drain": "61m"}}, {"triton": {"drain": "0s"}}),
    Case({"router": {"drain": "61m"}}, {"router": {"drain": "60m"}}),
    Case({"router": {"queue": {"maxBytes": "65535"}}}, {"router": {"queue": {"maxBytes": "65536"}}}),
    Case({"router": {"queue": {"maxBytes": "65Gi"}}}, {"router": {"queue": {"maxBytes": "64Gi"}}}),
    Case({"triton": {"sharedMemory": "1023Ki"}}, {"triton": {"sharedMemory": "1.5M"}}),
    Case(cached("0"), cached("1Mi")),
    Case({"triton": {"env": [{"name": "A"}]}}, {"triton": {"env": [{"name": "A", "value": ""}]}}),
    Case(
        {"triton": {"env": [{"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}},
        {"triton": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]}},
    ),
    Case({"triton": {"args": ["--http-port=80"]}}, {"triton": {"args": ["--http-thread-count=8"]}}),
    Case({"triton": {"args": ["--load-model"]}}, {"triton": {"args": ["--model-load-thread-count=8"]}}),
    Case({"router": {"mode": "Sidecar", "replicas": 2}}, {"router": {"mode": "Gateway", "replicas": 2}}),
    Case({"router": {"mode": "Sidecar", "scaling": SCALING}}, {"router": {"mode": "Gateway", "scaling": SCALING}}),
    Case(
        {"router": {"mode": "Sidecar", "tls": {"secretName": "tls"}}},
        {"router": {"mode": "Gateway", "tls": {"secretName": "tls"}}},
    ),
    Case({"router": {"mode": "Sidecar", "podTemplate": {}}}, {"router": {"mode": "Gateway", "podTemplate": {}}}),
    Case(canary(router={"mode": "Sidecar"}), {"policy": {"bundle": CONFIG}, "router": {"mode": "Sidecar"}}),
    Case(
        sized(model={"repository": {"uri": "./models", "name": "small"}}),
        sized(model={"repository": {"uri": "pvc://models/llm", "name": "small"}}),
    ),
    Case(
        sized(model={"repository": {"uri": "models", "name": "small"}}),
        sized(model={"repository": {"uri": "/models", "name": "small"}}),
    ),
    Case({}, {}, names=("a" * 36, "a" * 35)),
    Case({}, {}, names=("7b", "b7")),
    Case({"modelName": "b"}, {"modelName": "a"}, before={"modelName": "a"}),
    Case({"modelName": "other"}, {"modelName": "assistant"}, before={}),
    Case({}, {"placement": {"mode": "Dedicated"}}, before={"placement": {"mode": "Dedicated"}}),
    Case({}, {"router": {"mode": "Sidecar", "drain": "1s"}}, before={"router": {"mode": "Sidecar"}}),
    Case(cached(storageClassName="slow"), cached(storageClassName="fast"), before=cached(storageClassName="fast")),
    Case(cached(), cached(storageClassName="fast"), before=cached(storageClassName="fast")),
    Case({}, cached(), before=cached()),
    Case({"triton": {"maxSurge": 1}}, {"triton": {"maxSurge": 1} | cached()["triton"]}, before=cached()),
    Case(cached("9.9Gi"), cached("11G"), before=cached("10Gi")),
)

FULL: Mapping[str, Any] = {
    "modelName": "assistant",
    "deadline": {"default": "300ms", "max": "10s", "graceFactor": "2"},
    "tasks": ["addition"],
    "profile": {"configMapRef": KEY},
    "placement": {
        "scaling": KEDA | {"target": {"backlog": "150ms"}, "scaleDownDelay": "5m"},
        "gpu": {"resource": "nvidia.com/gpu", "count": 1, "product": "A100"},
        "scheduling": {
            "nodeSelector": {"pool": "gpu"},
            "tolerations": [{}],
            "affinity": {},
            "priorityClassName": "high",
            "runtimeClassName": "nvidia",
            "topologySpreadConstraints": [{}],
        },
    },
    "sizes": [
        {
            "name": "small",
            "quality": {"default": "0.4", "byTask": {"addition": "0.5"}},
            "latency": [{"batch": 1, "seconds": "0.1"}],
            "model": {**S3, **hub(engineArgs={"seed": 1}, tokenSecretRef={"name": "hub", "key": "token"})},
            "gpu": {"resource": "nvidia.com/gpu", "count": 1, "product": "A100"},
            "scheduling": {
                "nodeSelector": {"pool": "gpu"},
                "tolerations": [{}],
                "affinity": {},
                "priorityClassName": "high",
                "runtimeClassName": "nvidia",
                "topologySpreadConstraints": [{}],
            },
            "replicas": 1,
            "scaling": KEDA | {"target": {"backlog": "150ms"}, "scaleDownDelay": "5m"},
        }
    ],
    "triton": {
        "image": "registry.example/triton:1",
        "args": ["--log-verbose=1"],
        "env": [{"name": "A", "value": "1", "valueFrom": {}}],
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "startupTimeout": "10m",
        "sharedMemory": "1Gi",
        "maxSurge": 1,
        "drain": "35s",
        "cache": {"size": "10Gi", "storageClassName": "fast"},
        "podTemplate": {},
    },
    "policy": {
        "kind": "Static",
        "bundle": {"path": "policy.safetensors", **CONFIG, **CLAIM, **OCI},
        "fallback": "Price",
        "staticSize": "small",
        "canary": {"bundle": {"path": "policy.safetensors", **CONFIG, **CLAIM, **OCI}, "replicas": 1},
    },
    "router": {
        "mode": "Gateway",
        "replicas": 2,
        "scaling": {"minReplicas": 1, "maxReplicas": 2, "cpuPercent": 70},
        "queue": {"maxRequests": 512, "maxBytes": "64Mi"},
        "image": "registry.example/router:1",
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "drain": "10s",
        "tls": {"secretName": "tls"},
        "podTemplate": {},
    },
}
"""Every field at once: well formed, against many rules."""
