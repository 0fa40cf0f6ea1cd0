"""The forms of text that the resource knows: durations, decimals, quantities, names, references.

A form is a pattern with a title ("a duration", `form` in the schema: pydantic drops the title of a value in a map)
and examples; the sentence about a wrong value is made from those.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

__all__ = [
    "Argument",
    "Bytes",
    "DataKey",
    "DnsLabel",
    "DnsName",
    "Duration",
    "Factor",
    "HubId",
    "Image",
    "InnerPath",
    "LabelValue",
    "ModelName",
    "NodeLabel",
    "Path",
    "Quantity",
    "ResourceName",
    "Revision",
    "Seconds",
    "ServiceName",
    "Share",
    "SizeName",
    "TaskName",
    "Text",
    "Uri",
    "VariableName",
    "WebAddress",
]


def _form(title: str, pattern: str, max_length: int, *examples: str) -> Any:  # noqa: ANN401  what Field returns
    return Field(
        strict=True, max_length=max_length, pattern=pattern, examples=list(examples), json_schema_extra={"form": title}
    )


Duration = Annotated[
    str,
    _form(
        "a duration with the unit ms, s or m",
        r"^[0-9]{1,7}(\.[0-9]{1,6})?(ms|s|m)$",
        16,
        "300ms",
        "1.5s",
        "2m",
    ),
]
Seconds = Annotated[
    str, _form("a positive decimal number of seconds in quotes", r"^[0-9]{1,4}(\.[0-9]{1,9})?$", 16, "0.0123")
]
Share = Annotated[
    str, _form("a decimal number from 0 to 1 in quotes", r"^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$", 16, "0.41")
]
Factor = Annotated[str, _form("a positive decimal number in quotes", r"^[0-9]{1,3}(\.[0-9]{1,6})?$", 16, "2")]
Bytes = Annotated[
    str,
    _form("a number of bytes, alone in quotes or with the unit Ki, Mi or Gi", r"^[0-9]{1,12}(Ki|Mi|Gi)?$", 16, "64Mi"),
]
Quantity = Annotated[
    str,
    _form(
        "a quantity of Kubernetes in quotes",
        r"^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$",
        32,
        "500m",
        "16Gi",
    ),
]

ServiceName = Annotated[
    str,
    _form(
        "a name of lower-case letters, digits and inner dashes that starts with a letter",
        r"^[a-z]([a-z0-9-]*[a-z0-9])?$",
        35,
        "assistant",
    ),
]
SizeName = Annotated[
    str,
    _form("a name of lower-case letters, digits and inner dashes", r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", 20, "opt-125m"),
]
DnsLabel = Annotated[
    str,
    _form("a name of lower-case letters, digits and inner dashes", r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", 63, "opt-125m"),
]
DnsName = Annotated[
    str,
    _form(
        "a name of lower-case letters, digits, inner dots and dashes",
        r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        253,
        "assistant-policy",
    ),
]
TaskName = Annotated[
    str,
    _form(
        "a name of lower-case letters, digits and dashes that starts with a letter",
        r"^[a-z][a-z0-9-]*$",
        63,
        "arithmetic",
    ),
]
ModelName = Annotated[
    str,
    _form(
        "a model name of letters, digits, dots, dashes and underscores",
        r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        128,
        "opt_125m",
    ),
]
DataKey = Annotated[
    str,
    _form("a key of letters, digits, dots, dashes and underscores", r"^[A-Za-z0-9._-]+$", 253, "policy.safetensors"),
]
LabelValue = Annotated[
    str,
    _form(
        "a label of letters, digits, inner dots, dashes and underscores",
        r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        63,
        "NVIDIA-A100-SXM4-80GB",
    ),
]
ResourceName = Annotated[
    str, _form("a resource name of Kubernetes", r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$", 253, "nvidia.com/gpu")
]

NodeLabel = Annotated[
    str,
    _form(
        "a label of letters, digits, inner dots, dashes and underscores, or nothing in quotes",
        r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$",
        63,
        "NVIDIA-A100-SXM4-80GB",
    ),
]

Uri = Annotated[
    str,
    _form(
        "a folder or a file, s3, gs, as, pvc or oci URI",
        r"^((file|s3|gs|as)://[^\x00-\x1f]+"
        r"|pvc://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[^\x00-\x1f]*)?"
        r"|oci://[a-z0-9][A-Za-z0-9._:/@-]*"
        r"|[^:\x00-\x1f]+)$",
        1024,
        "models",
        "s3://bucket/models",
        "pvc://claim/models",
    ),
]
WebAddress = Annotated[
    str,
    _form("an http or https address", r"^https?://[^\x00-\x20]+$", 512, "http://prometheus.monitoring:9090"),
]
Path = Annotated[str, _form("a path", r"^[^\x00-\x1f]+$", 1024, "policy.safetensors")]
InnerPath = Annotated[
    str,
    _form("a path without a leading slash", r"^[^/\x00-\x1f][^\x00-\x1f]*$", 1024, "policies/policy.safetensors"),
]
HubId = Annotated[
    str,
    _form(
        "a model id of the hub",
        r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$",
        200,
        "facebook/opt-125m",
    ),
]
Revision = Annotated[
    str, _form("a commit, tag or branch in quotes", r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", 128, "27dcfa7", "main")
]
Image = Annotated[
    str,
    _form("an image reference", r"^[a-z0-9][A-Za-z0-9._:/@-]*$", 512, "registry.example/tritonserver:26.10-py3"),
]
Argument = Annotated[
    str,
    _form("an argument that starts with two dashes", r"^--[a-z][a-z0-9-]*(=[^\x00-\x1f]*)?$", 1024, "--log-verbose=1"),
]
VariableName = Annotated[
    str,
    _form(
        "a name of letters, digits and underscores, no digit first", r"^[A-Za-z_][A-Za-z0-9_]*$", 128, "CUDA_CACHE_PATH"
    ),
]
Text = Annotated[str, _form("text in quotes", r"^[^\x00]*$", 4096, "0")]
