"""Why a condition is as it is: every reason that the operator sets, what it means and what to do about it.

The one source of condition reasons, of docs/troubleshooting.md and of what `besteffort status` advises.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EXPLANATIONS", "Explanation", "Finding", "Reason", "is_fault"]


class Reason(StrEnum):
    """Reasons of conditions, in the order of the documentation."""

    INTERNAL_ERROR = "InternalError"
    INVALID_RESOURCE = "InvalidResource"
    NOT_CALIBRATED = "NotCalibrated"
    FORBIDDEN = "Forbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED = "Refused"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONFIGURATION_MISSING = "ConfigurationMissing"
    OUT_OF_MEMORY = "OutOfMemory"
    MODEL_LOAD_FAILED = "ModelLoadFailed"
    CRASH_LOOPING = "CrashLooping"
    NOT_ANSWERING = "NotAnswering"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    SIZES_UNSEEN = "SizesUnseen"
    BUNDLE_MISSING = "BundleMissing"
    BUNDLE_REFUSED = "BundleRefused"
    KEDA_MISSING = "KedaMissing"
    SCALER_FAILING = "ScalerFailing"
    STARTING_UP = "StartingUp"
    LOADING_MODEL = "LoadingModel"
    ROLLING_OUT = "RollingOut"
    WAITING_TURN = "WaitingTurn"
    WAITING_FOR_SIZES = "WaitingForSizes"
    CHANGE_SPREADING = "ChangeSpreading"
    NO_SIDECAR_YET = "NoSidecarYet"
    NO_ROUTER_YET = "NoRouterYet"
    NO_ROUTER_ANSWERS = "NoRouterAnswers"
    NO_BACKLOG_KNOWN = "NoBacklogKnown"
    AT_MAX_REPLICAS = "AtMaxReplicas"
    AVAILABLE = "Available"
    LOADED = "Loaded"
    SCALING = "Scaling"
    SETTLED = "Settled"
    HEALTHY = "Healthy"


@dataclass(frozen=True)
class Finding:
    """Something found out about a service: the reason, and a sentence about this very case."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """A reason in general: what it means, what to do (empty: nothing), and whether someone must act."""

    meaning: str
    action: str = ""
    fault: bool = False


def is_fault(reason: Reason) -> bool:
    """Tell whether a reason calls for somebody to act; what only takes time does not."""
    return EXPLANATIONS[reason].fault


def _fault(meaning: str, action: str) -> Explanation:
    return Explanation(meaning, action, fault=True)


EXPLANATIONS: dict[Reason, Explanation] = {
    Reason.INTERNAL_ERROR: _fault(
        "The operator itself failed at this service, and tries again. What ran before goes on running.",
        "File a bug with the resource and the lines of the operator's log that name the service.",
    ),
    Reason.INVALID_RESOURCE: _fault(
        "The resource breaks a rule that the API server cannot check. What ran before goes on running.",
        "Mend the field that the message names; `besteffort validate FILE` checks without a cluster.",
    ),
    Reason.NOT_CALIBRATED: _fault(
        "A size has no quality or no latency: neither the resource nor the profile in `spec.profile` says it.",
        "Run `besteffort calibrate` against the size and put its profile into the ConfigMap of `spec.profile`, or "
        "write `quality` and `latency` into the resource.",
    ),
    Reason.FORBIDDEN: _fault(
        "The API server does not let the operator, or a Deployment's pods, do what is needed: rights are missing, or "
        "admission (Pod Security, a policy engine) refuses the pod.",
        "Grant the right that the message names (the chart's RBAC has all), or mend `spec.triton.podTemplate` until it "
        "meets the namespace's policy.",
    ),
    Reason.QUOTA_EXCEEDED: _fault(
        "A ResourceQuota of the namespace is used up.",
        "Raise the quota, or ask for fewer replicas or smaller `resources`.",
    ),
    Reason.REFUSED: _fault(
        "The API server refuses an object that the operator wants to write, or fails at it.",
        "Read the message; most often a field below `podTemplate` or `scheduling` is not what Kubernetes takes there, "
        "or an admission webhook of the cluster does not answer.",
    ),
    Reason.UNSCHEDULABLE: _fault(
        "No node takes the pod; the message quotes the scheduler. Most often GPUs are short.",
        "Free or add GPUs; compare `gpu` (resource, product, count), `scheduling` and the nodes' labels and taints "
        "(`kubectl get nodes -L nvidia.com/gpu.product` shows which GPU each node says that it has). "
        "A cluster that adds nodes by itself needs only time.",
    ),
    Reason.IMAGE_PULL_FAILED: _fault(
        "The node cannot pull an image; the message quotes it.",
        "Check the image's name and tag, the registry, and the pull secret (`spec.triton.podTemplate`).",
    ),
    Reason.CONFIGURATION_MISSING: _fault(
        "A container cannot be made: a Secret, a ConfigMap or a key that it reads is not there.",
        "Create what the message names, such as the token Secret of `huggingFace.tokenSecretRef`.",
    ),
    Reason.OUT_OF_MEMORY: _fault(
        "A container was killed because it took more memory than its limit.",
        "Raise `resources.limits.memory` (`spec.triton` or `spec.router`); with vLLM also look at "
        "`engineArgs.gpu_memory_utilization`.",
    ),
    Reason.MODEL_LOAD_FAILED: _fault(
        "Triton ended because a model does not load; the message has its last words.",
        "`kubectl logs POD --previous` says it in full. Often: a wrong repository path or model name, a model that "
        "does not fit the GPU, no right to read the bucket, or no access to the hub.",
    ),
    Reason.CRASH_LOOPING: _fault(
        "A container ends again and again; the message has its last exit.",
        "`kubectl logs POD --previous` says why. Killed by its start-up probe: raise `spec.triton.startupTimeout`.",
    ),
    Reason.NOT_ANSWERING: _fault(
        "A container that had started no longer passes its readiness probe.",
        "`kubectl describe pod POD` shows what the probe said, `kubectl logs POD` what the server does.",
    ),
    Reason.PROGRESS_DEADLINE_EXCEEDED: _fault(
        "A Deployment has not become complete in the time it has.",
        "Look at the pods that are not ready; revert the change if it is to blame. Sizes that still run the former "
        "version keep running it.",
    ),
    Reason.SIZES_UNSEEN: _fault(
        "Triton is ready by its own probes, but no router reaches it.",
        "Look for a NetworkPolicy or a mesh between the router's and Triton's pods, and at the cluster's DNS.",
    ),
    Reason.BUNDLE_MISSING: _fault(
        "The policy bundle is not where the resource says. Instead of Learned or DQN `policy.fallback` decides "
        "meanwhile; Price and Ladder decide by their built-in numbers.",
        "Create the ConfigMap, the claim's file or the image that `policy.bundle` names; it is picked up by itself.",
    ),
    Reason.BUNDLE_REFUSED: _fault(
        "Routers refuse the policy bundle (another format or kind, for DQN other sizes or tasks, damaged) and decide "
        "without it, as with BundleMissing.",
        "`besteffort policy inspect FILE` shows what the bundle was trained for; train it for this service, or roll it "
        "back with `besteffort policy rollback NAME`.",
    ),
    Reason.KEDA_MISSING: _fault(
        "`scaling.engine` is KEDA, but the cluster has no ScaledObjects. Replicas stay as they are.",
        "Install KEDA, or use `engine: Operator`, which needs nothing else.",
    ),
    Reason.SCALER_FAILING: _fault(
        "The HorizontalPodAutoscaler or ScaledObject cannot read its metric. Replicas stay as they are.",
        "`kubectl describe` it; with engine HPA a metrics adapter must serve the metric, or use `engine: Operator`.",
    ),
    Reason.STARTING_UP: Explanation(
        "Pods are on their way: being made, waiting for volumes, or pulling images.",
        "Wait; a Triton image has 10 GB and more. `kubectl describe pod POD` shows what it waits for.",
    ),
    Reason.LOADING_MODEL: Explanation(
        "The server runs and loads its models; it has `spec.triton.startupTimeout` for that.",
        "Wait. A model that comes over the network each time loads faster from `spec.triton.cache`.",
    ),
    Reason.ROLLING_OUT: Explanation("Pods are being replaced after a change.", "Wait."),
    Reason.WAITING_TURN: Explanation(
        "A size keeps its former version until the one that the message names has taken the change and answers: one at "
        "a time, and never the last server of all.",
        "Wait; if that size is stuck, mend it or revert the change. If it cannot come back (its GPU is gone), take it "
        "out of `spec.sizes`, or set `spec.triton.maxSurge: 1` where a GPU is free for the successor.",
    ),
    Reason.WAITING_FOR_SIZES: Explanation(
        "Routers run but have nothing to send requests to: no size is available.",
        "See the condition SizesAvailable.",
    ),
    Reason.CHANGE_SPREADING: Explanation(
        "Some routers have taken a change of the configuration or of the policy, others not yet.",
        "Wait; a mounted ConfigMap takes up to a minute or two to reach every pod.",
    ),
    Reason.NO_SIDECAR_YET: Explanation(
        "`router.mode` is Sidecar, and no pod has a router of this service yet, so that nobody can call it.",
        "Give the clients' pods the label `serving.besteffort.dev/inject: NAME` and start them anew: a router is put "
        "into a pod only when it is made, and only where the chart's `webhook.enabled` is true.",
    ),
    Reason.NO_ROUTER_YET: Explanation(
        "No router is ready that could tell the operator which policy it runs.",
        "See the condition RouterReady.",
    ),
    Reason.NO_ROUTER_ANSWERS: Explanation(
        "No router tells the operator its status, so that the policy in force is not known. Requests are not touched.",
        "If it lasts, look for a NetworkPolicy between the operator's and the routers' pods (port 9090).",
    ),
    Reason.NO_BACKLOG_KNOWN: Explanation(
        "No router has said lately how much work waits, so that the number of replicas stays as it is.",
        "As for NoRouterAnswers.",
    ),
    Reason.AT_MAX_REPLICAS: Explanation(
        "More replicas would be used than `scaling.maxReplicas` allows; answers come from smaller sizes instead.",
        "Raise `maxReplicas` if the quality matters more than the GPUs.",
    ),
    Reason.AVAILABLE: Explanation("What the condition asks for is there."),
    Reason.LOADED: Explanation("Every router runs the policy that the resource asks for."),
    Reason.SCALING: Explanation("The number of replicas follows the load."),
    Reason.SETTLED: Explanation("No change is under way."),
    Reason.HEALTHY: Explanation("Nothing calls for somebody to act."),
}
