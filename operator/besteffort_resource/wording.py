"""What is said of a broken rule, once for both who say it: the checks here, and the API server's (cel.py).

The path of the field goes before, a colon between. `{name}` stands for a value of the resource.
"""

from __future__ import annotations

from typing import Final

# One block of constants; their names are their meaning.
ABOVE_MAX: Final = "{default} is above spec.deadline.max ({max}); lower it"
GRACE: Final = '"{factor}" is not above 1 and at most 100; raise it, or set mode to Hard'
DURATION_RANGE: Final = "{value} is out of range; write a duration from {least} to {most}"
BYTES_RANGE: Final = "{value} is out of range; write a quantity from {least} to {most}"
TOO_SMALL: Final = "{value} is less than {least}; raise it"
OTHER_RESERVED: Final = "other is reserved for requests without a listed task; remove or rename it"
UNKNOWN_TASK: Final = "not in spec.tasks"
NO_TIME: Final = '"{seconds}" is not above 0; write the measured seconds of the batch'
MODEL_SOURCES: Final = "has {count}; write exactly one of repository and huggingFace"
MODEL_NAME_TWICE: Final = (
    "another size has this model name in Triton; rename one, or set spec.placement.mode to Dedicated"
)
TOKENS_DIFFER: Final = (
    "the sizes of one server share one token; write the same one, or set spec.placement.mode to Dedicated"
)
COLOCATED_ONLY: Final = "goes with Colocated only; move it to spec.sizes[].{field}"
DEDICATED_ONLY: Final = "goes with Dedicated only; move it to spec.placement.{field}"
SCALING_OR_REPLICAS: Final = "goes without replicas; keep one of the two"
MIN_ABOVE_MAX: Final = "is above maxReplicas; lower it"
KEDA_ONLY: Final = "goes with engine KEDA only; remove it"
KEDA_ASKS_NOBODY: Final = "KEDA has no Service of routers to ask with Sidecar; write prometheusAddress"
BUNDLE_MISSING: Final = "is missing for kind DQN; write where the bundle is, or choose another kind"
BUNDLE_SOURCES: Final = "has {count}; write exactly one of path, configMapRef, pvc and oci"
FALLBACK_NETWORK: Final = "{kind} cannot stand in for a network; write one of {kinds}"
STATIC_MISSING: Final = "is missing for Static; write the name of a size"
STATIC_UNUSED: Final = "goes with kind or fallback Static only; remove it"
STATIC_UNKNOWN: Final = "{size} is not in spec.sizes"
CANARY_ALONE: Final = "there is no bundle to try it against; write spec.policy.bundle"
CANARY_UNREAD: Final = "{kind} reads no bundle; choose Learned, DQN, Price or Ladder, or remove it"
CANARY_TAKES_ALL: Final = "leaves no router with the bundle in force; lower it, or have more routers"
ABOVE_LIMIT: Final = "{request} is more than its limit of {limit}; lower it, or raise the limit"
GATEWAY_ONLY: Final = "goes with router mode Gateway only; remove it"
VARIABLE_SOURCES: Final = "has {count}; write exactly one of value and valueFrom"
ARGUMENT_TAKEN: Final = "{argument} is set by the operator; remove it"
FILE_ON_CLUSTER: Final = (
    "is a file for `besteffort up`; on a cluster put the bundle into a ConfigMap and write configMapRef, "
    "or use pvc or oci"
)
FOLDER_ON_CLUSTER: Final = (
    "{uri} is a folder beside the file; on a cluster write s3://, gs://, as://, pvc://CLAIM/PATH or oci://IMAGE"
)
NAME_LONG: Final = "is too long; at most 35 characters leave room for the names of what it owns"
NAME_FORM: Final = (
    "is not a name of lower-case letters, digits and inner dashes that starts with a letter; "
    "Services are named after it, so choose one like assistant"
)
MODEL_NAME_STAYS: Final = (
    "clients send {old}, which may not change under them; make a second service with the new name and move them there"
)
PLACEMENT_MODE_STAYS: Final = (
    "{old} may not change while requests come: all servers would go before the new ones load; make a second service "
    "and move clients there"
)
ROUTER_MODE_STAYS: Final = (
    "{old} may not change: clients would be left without their router; make a second service and move them there"
)
CACHE_STAYS: Final = (
    "without it the volume goes with every model that it keeps; make a second service without a cache and move there"
)
CACHE_CLASS_STAYS: Final = "a volume keeps its class; make a second service with the new class and move clients there"
CACHE_SHRINKS: Final = "{size} is less than the {old} that the volume has; volumes only grow"
