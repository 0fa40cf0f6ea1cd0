from __future__ import annotations

import os
import signal
import threading
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from besteffort_cli.cores import split_cores
from besteffort_cli.errors import ServerError
from besteffort_cli.triton import TritonServer
from besteffort_cli.triton_client import TritonClient
from support.processes import eventually, is_keeper, name_of, processes_with
from support.repository import write_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from besteffort_cli.installation import TritonInstallation

    Serve = Callable[..., AbstractContextManager[TritonServer]]

pytestmark = pytest.mark.triton


def metric(server: TritonServer, name: str) -> float:
    with urllib.request.urlopen(server.metrics_url, timeout=5) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_texts_go_through_a_python_model_whole_and_as_one_batch(serve: Serve) -> None:
    with serve(max_batch=4) as server, TritonClient(server.address, "shout") as client:
        assert client.max_batch() == 4
        prompts = ["a", "", "é" * 1000, "b c"]
        assert client.complete(prompts) == ["a=A", "=", "é" * 1000 + "=?", "b c=B C"]
        assert client.complete(["a", "bb"]) == ["a=A", "bb=BB"]
        assert metric(server, "nv_inference_exec_count") == 2


def test_every_process_of_a_server_runs_on_its_cores_and_is_gone_afterwards(serve: Serve) -> None:
    with serve() as server:
        mine = processes_with(str(server._folder))
        assert {"tritonserver", "triton_python_b"} <= {name_of(process) for process in mine}
        servers = [process for process in mine if "triton" in name_of(process)]
        threads = [path.name for process in servers for path in Path(f"/proc/{process}/task").iterdir()]
        assert all(os.sched_getaffinity(int(thread)) == split_cores().servers for thread in threads)
    assert processes_with(str(server._folder)) == []
    assert list(Path("/dev/shm").glob(f"{server._shm_prefix}*")) == []


def test_a_model_that_fails_to_load_is_told_in_one_sentence(triton: TritonInstallation, tmp_path: Path) -> None:
    model = write_model(tmp_path / "repository", "shout")
    (model / "1" / "model.py").write_text("import nonsense\n")
    server = TritonServer("test", triton, {"shout": model}, folder=tmp_path)
    server.start()
    with pytest.raises(
        ServerError, match=r"Triton test did not start: failed to load 'shout' .*No module named 'nonsense'"
    ):
        server.wait_until_ready(threading.Event())
    server.stop()


def test_a_cancelled_request_leaves_the_queue_without_a_queue_policy(serve: Serve) -> None:
    request = service_pb2.ModelInferRequest(
        model_name="shout",
        inputs=[service_pb2.ModelInferRequest.InferInputTensor(name="text_input", datatype="BYTES", shape=[1, 1])],
        raw_input_contents=[b"\1\0\0\0a"],
    )
    with serve(seconds=0.3, max_batch=1) as server, grpc.insecure_channel(server.address) as channel:
        infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer
        first = infer.future(request, timeout=10)
        assert eventually((server._folder / "models" / "shout" / "1" / "began").exists)
        late = [infer.future(request, timeout=0.1) for _ in range(10)]
        codes = {call.code() for call in late}
        first.result()
        infer(request, timeout=10)
        assert codes == {grpc.StatusCode.DEADLINE_EXCEEDED}
        # Two of the late ones may have left the queue before: one prefetched, one held by the batcher.
        assert metric(server, "nv_inference_exec_count") <= 2 + 2
        assert metric(server, 'nv_inference_request_failure{model="shout",reason="CANCELED"') >= 8


def test_a_killed_keeper_takes_its_server_and_the_stubs_with_it(serve: Serve) -> None:
    with serve() as server:
        keeper = next(process for process in processes_with(str(server._folder)) if is_keeper(process))
        os.kill(keeper, signal.SIGKILL)
        assert eventually(lambda: processes_with(str(server._folder)) == [])
        assert server.exit_code() == 137
