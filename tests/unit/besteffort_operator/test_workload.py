from __future__ import annotations

from besteffort_operator.workload import condition_of, workload_of, workloads_of
from support.live import deployment


def test_a_deployment_that_its_controller_has_never_seen_is_new() -> None:
    made = deployment("s-triton")
    del made["status"]
    made["metadata"].pop("annotations")
    workload = workload_of(made)
    assert workload.first
    assert not workload.rolled_out
    assert (workload.wanted, workload.ready, workload.available, workload.updated) == (1, 0, 0, 0)


def test_a_change_that_its_controller_has_not_seen_is_neither_complete_nor_the_first() -> None:
    workload = workload_of(deployment("s-triton", observed=False))
    assert not workload.rolled_out
    assert not workload.first
    assert not workload.settled


def test_settled_means_complete_and_all_there() -> None:
    assert workload_of(deployment("s-triton", wanted=2)).settled
    assert not workload_of(deployment("s-triton", wanted=2, ready=1)).settled
    assert not workload_of(deployment("s-triton", wanted=2, rolled_out=False)).settled
    assert not workload_of(deployment("s-triton", overdue=True)).settled


def test_pods_lost_after_a_change_leave_it_complete() -> None:
    assert workload_of(deployment("s-triton", wanted=2, ready=0)).rolled_out


def test_a_refused_pod_is_quoted() -> None:
    assert workload_of(deployment("s-triton", refusal="exceeded quota: gpus")).refusal == "exceeded quota: gpus"
    assert workload_of(deployment("s-triton")).refusal == ""


def test_workloads_are_the_deployments_by_name() -> None:
    children = [deployment("b"), {"kind": "Service", "metadata": {"name": "a"}}, deployment("a")]
    assert [workload.name for workload in workloads_of(children)] == ["a", "b"]


def test_a_condition_that_is_not_there_is_empty() -> None:
    assert condition_of(deployment("a"), "Available") == {}
    assert condition_of({"status": {"conditions": None}}, "Ready") == {}
