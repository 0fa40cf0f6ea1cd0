from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from tritonclient.grpc import service_pb2

from besteffort_cli.calibration import Effort, Measurement, Subject, measure, profiles_of
from besteffort_cli.dataset import Row
from besteffort_cli.errors import InputError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = Effort(prompts_per_task=4, rounds=2, min_rounds=2, latency_s=0, capacity_s=0.2)
ROWS = [Row(task, f"{task}{i}", f"{task}{i}") for i in range(6) for task in ("echo", "shout")]


class Model(grpc.GenericRpcHandler):
    """Echoes its texts, and remembers how many came together; `broken` refuses."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.broken = False

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = details.method.rpartition("/")[2]
        request = getattr(service_pb2, f"{name}Request")
        return grpc.unary_unary_rpc_method_handler(
            getattr(self, name), request.FromString, lambda reply: reply.SerializeToString()
        )

    def ModelConfig(self, *_: object) -> service_pb2.ModelConfigResponse:  # noqa: N802
        answer = service_pb2.ModelConfigResponse()
        answer.config.max_batch_size = 6
        return answer

    def ModelStatistics(self, *_: object) -> service_pb2.ModelStatisticsResponse:  # noqa: N802
        answer = service_pb2.ModelStatisticsResponse()
        found = answer.model_stats.add()
        found.inference_count = sum(self.batches)
        found.inference_stats.compute_infer.ns = sum(self.batches) * 2_000_000
        return answer

    def ModelInfer(  # noqa: N802
        self, request: service_pb2.ModelInferRequest, context: grpc.ServicerContext
    ) -> service_pb2.ModelInferResponse:
        if self.broken:
            context.abort(grpc.StatusCode.INTERNAL, "out of memory")
        self.batches.append(request.inputs[0].shape[0])
        return service_pb2.ModelInferResponse(raw_output_contents=request.raw_input_contents)


@contextmanager
def served(model: Model) -> Iterator[Subject]:
    server = grpc.server(ThreadPoolExecutor(16), handlers=[model])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield Subject("small", "m", f"127.0.0.1:{port}")
    server.stop(0).wait()


def test_quality_is_the_share_of_right_answers_by_task_and_their_mean() -> None:
    rows = [*ROWS, Row("half", "a", "a"), Row("half", "b", "c")]
    with served(Model()) as subject:
        found = measure([subject], rows, ["echo", "half"], effort=QUICK)["small"]
    assert found.quality_by_task == {"echo": 1.0, "half": 0.5}
    assert found.quality == 0.75


def test_every_power_of_two_and_the_largest_batch_are_timed_as_one_request() -> None:
    model = Model()
    with served(model) as subject:
        found = measure([subject], ROWS, [], effort=QUICK)["small"]
    assert sorted(found.seconds_by_batch) == [1, 2, 4, 6]
    assert all(0 < seconds < 1 for seconds in found.seconds_by_batch.values())
    assert model.batches[:12] == [1, 2, 4, 6] * 3


def test_full_load_gives_capacity_and_what_triton_itself_computed() -> None:
    with served(Model()) as subject:
        found = measure([subject], ROWS, [], effort=replace(QUICK, capacity_s=1))["small"]
    assert found.capacity_rps > 50
    assert found.infer_s == pytest.approx(0.002)


def test_no_more_prompts_of_a_task_than_asked_for_are_used() -> None:
    model = Model()
    with served(model) as subject:
        measure([subject], ROWS, ["echo"], effort=QUICK)
    assert sum(model.batches[12:13]) == QUICK.prompts_per_task


def test_progress_runs_from_nothing_to_all() -> None:
    heard: list[float] = []
    with served(Model()) as subject:
        measure([subject], ROWS, [], effort=QUICK, progress=lambda _, share: heard.append(share))
    assert heard[0] == 0.0
    assert heard[-1] == 1.0


def test_a_task_without_prompts_is_refused() -> None:
    with pytest.raises(InputError, match=r"none of the task 'chain'; add some, or take it out of spec\.tasks"):
        measure([], ROWS, ["echo", "chain"], effort=QUICK)


def test_a_failing_server_is_named_with_its_reason() -> None:
    model = Model()
    model.broken = True
    with served(model) as subject, pytest.raises(ServerError, match=r"m at 127\.0\.0\.1:\d+ failed: out of memory\."):
        measure([subject], ROWS, [], effort=QUICK)


def test_measurements_become_profiles() -> None:
    found = profiles_of({"small": Measurement(0.5, {"echo": 0.5}, {1: 0.01, 2: 0.015}, 100, 0.005)})["small"]
    assert found.quality
    assert found.quality.default == "0.5"
    assert [(point.batch, point.seconds) for point in found.latency or ()] == [(1, "0.01"), (2, "0.015")]
