from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from besteffort_resource import forms

NAMES = sorted(forms.__all__)


def accepts(form: Any, value: object) -> bool:
    try:
        TypeAdapter(form).validate_python(value)
    except ValidationError:
        return False
    return True


def schema_of(name: str) -> dict[str, Any]:
    return TypeAdapter(getattr(forms, name)).json_schema()


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_form_have_that_form(name: str) -> None:
    assert all(accepts(getattr(forms, name), example) for example in schema_of(name)["examples"])


@pytest.mark.parametrize("name", NAMES)
def test_a_form_is_bounded_and_says_what_it_is(name: str) -> None:
    schema = schema_of(name)
    assert schema["pattern"].startswith("^")
    assert schema["pattern"].endswith("$")
    assert schema["maxLength"] <= 4096
    assert schema["form"]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("NodeLabel", "Text")])
@pytest.mark.parametrize("value", ["", 1, 0.5, True, None, b"small", "a\n", "\x00", ["small"]])
def test_no_form_takes_what_is_no_text_or_holds_control_characters(name: str, value: object) -> None:
    assert not accepts(getattr(forms, name), value)


@pytest.mark.parametrize(
    ("form", "value", "fits"),
    [
        (forms.Duration, "300", False),
        (forms.Duration, "-1s", False),
        (forms.Duration, "1h", False),
        (forms.Duration, "1 s", False),
        (forms.Duration, "1e3s", False),
        (forms.Duration, ".5s", False),
        (forms.Share, "0", True),
        (forms.Share, "1.000", True),
        (forms.Share, "1.001", False),
        (forms.Share, "-0.1", False),
        (forms.Share, "nan", False),
        (forms.Seconds, "9999", True),
        (forms.Seconds, "1e-3", False),
        (forms.Bytes, "64Mi", True),
        (forms.Bytes, "64M", False),
        (forms.DnsLabel, "a" * 63, True),
        (forms.DnsLabel, "a" * 64, False),
        (forms.DnsLabel, "a-", False),
        (forms.DnsLabel, "Small", False),
        (forms.TaskName, "7-up", False),
        (forms.Uri, "file:///models", True),
        (forms.Uri, "./my models", True),
        (forms.Uri, "https://example.org/models", False),
        (forms.Image, "a b", False),
        (forms.ServiceName, "a" * 35, True),
        (forms.ServiceName, "a" * 36, False),
        (forms.ServiceName, "7b", False),
        (forms.SizeName, "7b", True),
        (forms.SizeName, "a" * 21, False),
        (forms.Quantity, "0.5", True),
        (forms.Quantity, "1e3", False),
        (forms.Quantity, "-1", False),
        (forms.Uri, "pvc://models", True),
        (forms.Uri, "pvc://models/llm/v1", True),
        (forms.Uri, "pvc:///models", False),
        (forms.Uri, "oci://registry.example:5000/models:1@sha256:0a", True),
        (forms.Uri, "oci://a b", False),
        (forms.NodeLabel, "", True),
        (forms.NodeLabel, "-", False),
        (forms.Text, "", True),
        (forms.Text, "a\nb: \u00e9", True),
        (forms.Text, "a\x00", False),
        (forms.Text, 1, False),
        (forms.InnerPath, "/etc/passwd", False),
        (forms.Argument, "--log-verbose=1", True),
        (forms.Argument, "-v", False),
        (forms.VariableName, "HF_HOME", True),
        (forms.VariableName, "a=b", False),
        (forms.WebAddress, "https://prometheus:9090/prefix", True),
        (forms.WebAddress, "ftp://prometheus", False),
    ],
)
def test_a_form_fits(form: Any, value: object, fits: bool) -> None:  # noqa: FBT001
    assert accepts(form, value) is fits
