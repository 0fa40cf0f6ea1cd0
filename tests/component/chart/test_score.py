"""kube-score has nothing to say about the chart and about services, but for what is left so on purpose."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.chart import EVERYTHING, ROOT, SAMPLES, render, run
from support.processes import BESTEFFORT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IGNORED = {
    "container-security-context-user-group-id": "the image names its user, and OpenShift gives others",
    "container-image-pull-policy": "tags are versions that do not move",
}
OF_THE_TEST = {
    "pod-networkpolicy": "the pod of `helm test` lives for seconds and asks for what a cluster's policies allow"
}
EPHEMERAL = "container-ephemeral-storage-request-and-limit"
OF_SERVICES = {
    "container-ephemeral-storage-request-and-limit": "a router writes little, Triton what its models need",
    "deployment-replicas": "some samples have one GPU",
    "deployment-has-host-podantiaffinity": "spread constraints do it",
}
WARNING = 5
"""Of kube-score's grades 1 critical, 5 warning, 7 almost, 10 fine."""


def complaints(manifests: Iterable[dict[str, Any]], ignored: Iterable[str], *more: str) -> list[str]:
    flags = [*more, *(word for check in ignored for word in ("--ignore-test", check))]
    arguments = ["score", "--kubernetes-version", "v1.34", "--output-format", "json", *flags, "-"]
    done = run("kube-score", *arguments, text=yaml.safe_dump_all(manifests))
    assert done.stdout, done.stderr
    return [
        f"{scored['object_name']}: {check['check']['id']}"
        for scored in json.loads(done.stdout)
        for check in scored["checks"]
        if check["grade"] <= WARNING and not check["skipped"]
    ]


@pytest.mark.parametrize("values", [{}, EVERYTHING, {"watchNamespaces": ["team-a"]}], ids=["plain", "all", "narrow"])
def test_it_has_nothing_to_say_about_the_chart(values: dict[str, Any]) -> None:
    manifests = render(values)
    assert complaints([one for one in manifests if one["kind"] != "Pod"], IGNORED) == []
    assert complaints(manifests, IGNORED | OF_THE_TEST) == []


def test_it_has_nothing_to_say_about_the_plain_manifests() -> None:
    manifests = list(yaml.safe_load_all((ROOT / "manifests" / "install.yaml").read_text()))
    assert complaints(manifests, IGNORED) == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_it_has_nothing_to_say_about_what_the_operator_makes_of_a_sample(path: Path) -> None:
    done = subprocess.run([BESTEFFORT, "render", path], capture_output=True, text=True, check=True)
    manifests = list(yaml.safe_load_all(done.stdout))
    # A limit of CPU throttles, which costs a router more time than a decision takes.
    assert complaints(manifests, IGNORED | OF_SERVICES, "--ignore-container-cpu-limit") == []


def test_it_would_have_something_to_say() -> None:
    manifests = render({})
    for manifest in manifests:
        if manifest["kind"] == "Deployment":
            del manifest["spec"]["template"]["spec"]["containers"][0]["resources"]
    found = complaints(manifests, IGNORED | OF_THE_TEST)
    assert {complaint.partition(": ")[2] for complaint in found} == {"container-resources", EPHEMERAL}


@pytest.mark.parametrize("check", [*IGNORED, *OF_THE_TEST])
def test_nothing_is_ignored_that_would_not_be_found(check: str) -> None:
    found = {complaint.partition(": ")[2] for complaint in complaints(render({}), [])}
    assert check in found
