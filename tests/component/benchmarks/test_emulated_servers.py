from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from emulated.pool import MEAN_TOKENS, SIZES, profiles, write_repository

from besteffort_cli.cores import split_cores
from besteffort_cli.installation import find_or_install, home_folder
from besteffort_cli.triton import TritonServer
from besteffort_cli.triton_client import TritonClient

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.triton

SLACK_S = 0.1
"""What Triton, Python and a busy machine may add."""
SMALL, MEDIUM, LARGE = SIZES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """One emulated server with all sizes."""
    root = tmp_path_factory.mktemp("emulated")
    (root / "server").mkdir()
    repository = write_repository(root / "repository")
    models = {size.name: repository / size.name for size in SIZES}
    installation = find_or_install(home_folder(), lambda _: None)
    found = TritonServer("emulated", installation, models, folder=root / "server", cores=split_cores().servers)
    found.start()
    try:
        found.wait_until_ready(threading.Event())
        yield found
    finally:
        found.stop()


def taken_s(client: TritonClient, prompts: list[str]) -> float:
    began_s = time.monotonic()
    assert client.complete(prompts) == ["emulated"] * len(prompts)
    return time.monotonic() - began_s


def test_a_batch_takes_what_the_profile_says_for_its_tokens(server: TritonServer) -> None:
    with TritonClient(server.address, "large") as client:
        assert client.max_batch() == LARGE.most
        client.complete(["1"])
        for prompts in (["100"], ["200"], ["100", "150", "200"]):
            expected_s = LARGE.seconds(sum(map(int, prompts)))
            assert expected_s <= taken_s(client, prompts) <= expected_s + SLACK_S


def test_requests_that_wait_run_as_one_batch(server: TritonServer) -> None:
    """The soonest of several times: a busy machine makes any of them longer, and none shorter."""

    def together_s(client: TritonClient, pool: ThreadPoolExecutor) -> float:
        began_s = time.monotonic()
        list(pool.map(lambda _: client.complete([str(MEAN_TOKENS)]), range(MEDIUM.most + 1)))
        return time.monotonic() - began_s

    with TritonClient(server.address, "medium") as client, ThreadPoolExecutor(MEDIUM.most + 1) as pool:
        soonest_s = min(together_s(client, pool) for _ in range(5))
    assert soonest_s <= MEDIUM.seconds(MEAN_TOKENS) + MEDIUM.seconds(MEAN_TOKENS * MEDIUM.most) + SLACK_S
    assert soonest_s >= MEDIUM.seconds(MEAN_TOKENS * MEDIUM.most)


def test_two_sizes_of_a_server_share_its_device(server: TritonServer) -> None:
    with TritonClient(server.address, "large") as large, TritonClient(server.address, "medium") as medium:
        prompts = [str(MEAN_TOKENS)] * MEDIUM.most
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(large.complete, [str(MEAN_TOKENS)] * LARGE.most)
            time.sleep(0.02)
            shared_s = taken_s(medium, prompts)
            other.result()
    alone_s = MEDIUM.seconds(MEAN_TOKENS * MEDIUM.most)
    assert shared_s == pytest.approx(2 * alone_s, abs=SLACK_S)


def test_the_router_is_told_what_a_batch_of_mean_length_takes() -> None:
    told = profiles()["large"].latency
    assert told is not None
    expected = [LARGE.seconds(MEAN_TOKENS * batch) for batch in range(1, LARGE.most + 1)]
    assert [float(point.seconds) for point in told] == pytest.approx(expected, abs=1e-5)
