from __future__ import annotations

from typing import Any

from besteffort_study.job import ClusterRun, build_job
from support.restricted import violations

RUN = ClusterRun("evaluate-quick", "example.org/besteffort:1", "results", 6, ("--study", "quick", "--seeds", "10"))


def pod() -> dict[str, Any]:
    found: dict[str, Any] = build_job(RUN)["spec"]["template"]["spec"]
    return found


def test_each_pod_plays_the_shard_of_its_index() -> None:
    spec, container = build_job(RUN)["spec"], pod()["containers"][0]
    assert (spec["completionMode"], spec["completions"]) == ("Indexed", 6)
    words = " ".join(container["command"])
    assert words.startswith("besteffort evaluate --study quick --seeds 10 --out /study")
    assert words.endswith("--shard $(JOB_COMPLETION_INDEX)/6")
    assert container["env"][0]["name"] == "JOB_COMPLETION_INDEX"
    assert "job-completion-index" in container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"]


def test_all_pods_share_the_folder_that_the_cells_go_to() -> None:
    volumes = {volume["name"]: volume for volume in pod()["volumes"]}
    assert volumes["study"]["persistentVolumeClaim"] == {"claimName": "results"}
    mounts = {mount["name"]: mount["mountPath"] for mount in pod()["containers"][0]["volumeMounts"]}
    assert mounts["study"] in pod()["containers"][0]["command"]


def test_pods_keep_the_restricted_profile_and_hold_no_token() -> None:
    assert violations(pod()) == []
    assert pod()["automountServiceAccountToken"] is False
    assert pod()["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_pod_that_fails_is_begun_again_without_the_others() -> None:
    assert pod()["restartPolicy"] == "Never"
    assert build_job(RUN)["spec"]["backoffLimitPerIndex"] > 0
