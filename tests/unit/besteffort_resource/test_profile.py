from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_resource.document import service_from_yaml
from besteffort_resource.errors import ResourceError
from besteffort_resource.profile import load_profiles, measured_profile, profile_to_yaml, profiles_from_yaml

if TYPE_CHECKING:
    from pathlib import Path

MEASURED = {
    "small": measured_profile(0.41239, {"sorting": 0.92, "reversal": 1.0}, seconds_by_batch={8: 0.0045, 1: 0.00123456}),
    "large": measured_profile(0.68, {}, seconds_by_batch={1: 3e-9}),
}


def refusal(text: str) -> tuple[str, ...]:
    with pytest.raises(ResourceError) as caught:
        profiles_from_yaml(text)
    return caught.value.sentences


def test_measured_numbers_become_decimal_text_by_ascending_batch() -> None:
    small = MEASURED["small"]
    assert small.quality
    assert small.latency
    assert (small.quality.default, small.quality.by_task) == ("0.4124", {"sorting": "0.92", "reversal": "1"})
    assert [(point.batch, point.seconds) for point in small.latency] == [(1, "0.001235"), (8, "0.0045")]


def test_a_time_too_short_to_write_is_not_written_as_zero() -> None:
    assert MEASURED["large"].latency
    assert MEASURED["large"].latency[0].seconds == "0.000001"


def test_a_profile_reads_back_as_it_was_written() -> None:
    assert profiles_from_yaml(profile_to_yaml(MEASURED)) == MEASURED


def test_a_profile_is_written_the_same_way_each_time() -> None:
    text = profile_to_yaml(MEASURED)
    assert text == profile_to_yaml(profiles_from_yaml(text))
    assert text.startswith("sizes:\n  small:\n    quality:\n      default: '0.4124'\n      byTask:\n")


def test_what_stands_under_a_size_can_be_pasted_into_the_resource() -> None:
    block = profile_to_yaml({"small": MEASURED["small"]}).split("\n", 2)[2]
    text = (
        "apiVersion: serving.besteffort.dev/v1alpha1\nkind: BestEffortService\nmetadata: {name: a}\n"
        "spec:\n  tasks: [sorting, reversal]\n  sizes:\n"
        f"  - name: small\n    model: {{repository: {{uri: m, name: m}}}}\n{block}"
    )
    size = service_from_yaml(text).spec.sizes[0]
    assert (size.quality, size.latency) == (MEASURED["small"].quality, MEASURED["small"].latency)


def test_json_is_read_too() -> None:
    text = '{"sizes": {"large": {"latency": [{"batch": 1, "seconds": "0.1"}]}}}'
    assert profiles_from_yaml(text)["large"].quality is None


def test_a_profile_is_read_as_strictly_as_the_resource() -> None:
    assert refusal("sizes: {small: {quality: {default: 0.4}}}") == (
        'sizes.small.quality.default: 0.4 is not a decimal number from 0 to 1 in quotes; write it like "0.41"',
    )
    assert refusal("sizes: {small: {latncy: []}}") == ("sizes.small.latncy: unknown field; did you mean latency?",)
    assert refusal("size: {}") == (
        "sizes: is missing; write a block of name: value lines",
        "size: unknown field; did you mean sizes?",
    )


def test_latency_that_does_not_ascend_is_refused_with_its_place() -> None:
    text = 'sizes: {small: {latency: [{batch: 2, seconds: "1"}, {batch: 1, seconds: "0"}]}}'
    assert [sentence.partition(":")[0] for sentence in refusal(text)] == [
        "sizes.small.latency[1].seconds",
        "sizes.small.latency[1].batch",
    ]


def test_a_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(profile_to_yaml(MEASURED))
    assert load_profiles(path) == MEASURED
