"""What a container gets, as frozen pydantic models: variables, resources, keys of ConfigMaps and Secrets."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from besteffort_resource import forms
from besteffort_resource.block import Block, CoreObject

__all__ = ["ConfigMapRef", "EnvironmentVariable", "Resources", "SecretRef"]


def _as_text(value: Any) -> Any:  # noqa: ANN401  whatever stands there
    return str(value) if type(value) is int else value


Amount = Annotated[
    forms.Quantity, BeforeValidator(_as_text), Field(json_schema_extra={"x-kubernetes-int-or-string": True})
]
"""A quantity that may also stand as a whole number, as in a pod."""


class ConfigMapRef(Block):
    """A key of a ConfigMap in the service's namespace."""

    name: forms.DnsName = Field(description="Name of the ConfigMap.")
    key: forms.DataKey = Field(description="Key in the ConfigMap.")


class SecretRef(Block):
    """A key of a Secret in the service's namespace."""

    name: forms.DnsName = Field(description="Name of the Secret.")
    key: forms.DataKey = Field(description="Key in the Secret.")


class EnvironmentVariable(Block):
    """An environment variable, as in a pod."""

    name: forms.VariableName = Field(description="Name of the variable.")
    value: forms.Text | None = Field(default=None, description="Its value.")
    value_from: CoreObject | None = Field(default=None, description="Where its value comes from, as in a pod.")


class Resources(Block):
    """CPU, memory and the like, as in a pod."""

    requests: dict[str, Amount] = Field(default={}, max_length=8, description="What is set aside for it.")
    limits: dict[str, Amount] = Field(default={}, max_length=8, description="What it may use at most.")
