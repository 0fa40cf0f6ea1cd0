"""What is under way, and what other routers have there."""

from __future__ import annotations

import pytest

from besteffort_core.decide import SAFE_SHARE, STALE_S
from besteffort_router.config import Settings
from besteffort_router.load import Load
from support.router import config, settings

URL = "http://127.0.0.1:8002/metrics"
ONE_SERVER = settings(
    backends=[{"name": "r0", "address": "h:1", "sizes": ["small", "medium", "large"], "metricsUrl": URL}]
)
REPLICA = ONE_SERVER.backends[0].replica
TWO_SERVERS = settings(
    backends=[
        {"name": f"r{k}", "address": f"h{k}:1", "sizes": ["small", "medium", "large"], "metricsUrl": URL}
        for k in range(2)
    ]
)


def load(served: Settings = ONE_SERVER) -> Load:
    found = Load()
    found.adopt(served)
    for backend in served.backends:
        found.set_ready(0.0, backend.replica, backend.model, ready=True)
    return found


def test_a_snapshot_does_not_change_with_what_happens_after_it() -> None:
    found = load()
    before = found.snapshot(0.0)
    found.lanes[0].own += 1
    found.lanes[0].learn(0.0, 0.1, 0.2, answered=True)
    found.lose(REPLICA)
    assert list(before.in_flight) == [0, 0, 0]
    assert list(before.correction) == [1.0, 1.0, 1.0]
    assert before.ready.all()
    assert not found.snapshot(0.0).ready.any()


def test_what_waits_at_a_server_beyond_our_own_belongs_to_other_routers() -> None:
    found = load()
    found.lanes[0].own, found.lanes[1].own = 2, 5
    found.scraped(1.0, REPLICA, {"model_small": 6, "model_medium": 3, "stranger": 9}, {})
    assert [lane.others for lane in found.lanes] == [4, 0, 0]
    assert list(found.snapshot(1.0).in_flight) == [6, 5, 0]


def test_own_requests_that_ended_or_began_while_the_page_came_are_not_taken_for_others() -> None:
    found = load()
    found.lanes[0].own = 5
    before = found.own_by_model(REPLICA)
    found.lanes[0].own, found.lanes[1].own = 1, 3
    found.scraped(1.0, REPLICA, {"model_small": 5, "model_medium": 3}, before)
    assert before == {"model_small": 5, "model_medium": 0, "model_large": 0}
    assert [lane.others for lane in found.lanes] == [0, 0, 0]


def test_stale_metrics_leave_own_counts_only() -> None:
    found = load()
    found.scraped(1.0, REPLICA, {"model_small": 6}, {})
    found.forget_stale(1.0 + STALE_S)
    assert found.lanes[0].others == 6
    found.forget_stale(1.1 + STALE_S)
    assert found.lanes[0].others == 0


def test_the_age_of_metrics_counts_from_the_last_scrape_or_from_coming_back() -> None:
    found = load()
    assert found.scrape_ages_s(3.0) == {REPLICA: 3.0}
    found.scraped(4.0, REPLICA, {}, {})
    assert found.scrape_ages_s(4.5) == {REPLICA: 0.5}
    found.lose(REPLICA)
    assert found.scrape_ages_s(60.0) == {}
    found.set_ready(60.0, REPLICA, "model_small", ready=True)
    found.set_ready(61.0, REPLICA, "model_large", ready=True)
    assert found.scrape_ages_s(61.0) == {REPLICA: 1.0}


def test_a_server_without_metrics_has_no_age() -> None:
    found = Load()
    found.adopt(settings())
    assert found.scrape_ages_s(100.0) == {}


def test_the_rate_of_arrivals_follows_them_and_is_forgotten_after_them() -> None:
    found = load()
    for arrival in range(500):
        found.arrived(arrival * 0.01)
    assert found.snapshot(5.0).rate_rps == pytest.approx(100.0, rel=0.05)
    assert found.snapshot(15.0).rate_rps < 0.1
    assert found.snapshot(5.0).sequence == 499


def test_a_server_to_come_is_probed_before_it_is_used_and_keeps_what_was_found() -> None:
    found = load()
    coming = settings(backends=[*config()["backends"], {"name": "r1", "address": "h:2", "sizes": ["small"]}])
    found.prepare(coming)
    found.set_ready(1.0, coming.backends[-1].replica, "model_small", ready=True)
    assert len(found.lanes) == 3
    found.adopt(coming)
    assert [lane.ready for lane in found.lanes] == [False, False, False, True]


def test_readiness_is_that_of_a_model_on_a_server() -> None:
    found = load()
    found.set_ready(1.0, REPLICA, "model_medium", ready=False)
    assert list(found.snapshot(1.0).ready) == [True, False, True]


def test_own_requests_times_the_ratio_of_those_that_ended_tell_what_other_routers_have_now() -> None:
    found = load()
    counted(found, 1.0, small=1000)
    found.lanes[0].ended, found.lanes[0].own, found.lanes[1].own = 10, 3, 1
    counted(found, 2.0, small=1030, large=10, stranger=900)
    found.arrived(2.0)
    seen = found.snapshot(2.0)
    assert list(seen.in_flight) == [12, 4, 0]
    assert seen.rate_rps == pytest.approx(4.0 * found.rate_rps(2.0))
    assert seen.progress_s.shape == (ONE_SERVER.pool.hosted.shape[0],)


def test_a_router_alone_or_with_hardly_any_requests_goes_by_what_the_servers_said() -> None:
    for all_ended in (103, 5000):
        found = load()
        counted(found, 1.0)
        found.lanes[0].ended = 100
        counted(found, 2.0, small=all_ended)
        found.lanes[0].own, found.lanes[0].others = 2, 5
        assert list(found.snapshot(2.0).in_flight) == [7, 0, 0]


def test_a_request_that_only_one_side_has_counted_yet_is_not_taken_for_another_router() -> None:
    found = load()
    for second in range(10):
        found.lanes[0].ended = 10 * second
        counted(found, float(second), small=10 * second + second % 2)
    found.lanes[0].own = 40
    assert list(found.snapshot(9.0).in_flight) == [40, 0, 0]


def test_what_ended_before_a_server_went_says_nothing_of_it_when_it_is_back() -> None:
    found = load()
    counted(found, 1.0)
    found.lanes[0].ended = 10
    counted(found, 2.0, small=40)
    found.lanes[0].own = 2
    found.lose(REPLICA)
    assert list(found.snapshot(2.0).in_flight) == [2, 0, 0]
    found.set_ready(3.0, REPLICA, "model_small", ready=True)
    assert list(found.snapshot(3.0).in_flight) == [2, 0, 0]
    found.counted(3.5, REPLICA, {"model_small": 90}, found.own_ended_by_model(REPLICA))
    assert list(found.snapshot(3.5).in_flight) == [2, 0, 0]


def test_a_long_time_without_counts_is_not_taken_for_what_is_so_of_late() -> None:
    found = load()
    counted(found, 1.0)
    found.lanes[0].ended, found.lanes[0].own = 10, 2
    counted(found, 1.5 + STALE_S, small=40)
    assert list(found.snapshot(1.5 + STALE_S).in_flight) == [2, 0, 0]


def test_a_server_whose_counts_are_not_known_has_the_mean_of_those_that_are() -> None:
    found, known = load(TWO_SERVERS), TWO_SERVERS.backends[0].replica
    for now_s, ended in ((1.0, 0), (2.0, 40)):
        found.lanes[0].ended = ended // 4
        found.counted(now_s, known, {"model_small": ended}, found.own_ended_by_model(known))
    found.lanes[0].own = 2
    seen = found.snapshot(2.0)
    assert [int(lane) for lane in seen.in_flight[[0, 3]]] == [2 + 3, 3]
    assert seen.progress_s.min() < 0.0
    assert not seen.leans_s.any()


def test_a_server_that_others_use_less_is_preferred_where_sizes_take_turns() -> None:
    turns = TWO_SERVERS._replace(pool=TWO_SERVERS.pool._replace(turns=True))
    found = load(turns)
    replicas = [turns.backends[0].replica, turns.backends[3].replica]
    for now_s, counts in ((1.0, (0, 0)), (2.0, (10, 40))):
        for lane, replica, ended in zip(found.lanes[::3], replicas, counts, strict=True):
            lane.ended = ended // 10
            found.counted(now_s, replica, {"model_small": ended}, found.own_ended_by_model(replica))
    leans = found.snapshot(2.0).leans_s
    assert leans[:3].tolist() == [0.0, 0.0, 0.0]
    assert leans[3:].min() > 0.0


def test_a_server_that_began_anew_and_stale_metrics_say_nothing_of_other_routers() -> None:
    found = load()
    counted(found, 1.0, small=1000)
    found.lanes[0].ended = 5
    counted(found, 2.0, small=7)
    found.lanes[0].own = 2
    assert list(found.snapshot(2.0).in_flight) == [2, 0, 0]
    found.lanes[0].ended = 10
    counted(found, 3.0, small=27)
    assert list(found.snapshot(3.0).in_flight) == [8, 0, 0]
    found.forget_stale(3.1 + STALE_S)
    assert list(found.snapshot(3.1 + STALE_S).in_flight) == [2, 0, 0]


def counted(found: Load, now_s: float, **ended: int) -> None:
    """Let the server say how many requests have ended, by size."""
    page = {f"model_{size}": count for size, count in ended.items()}
    found.counted(now_s, REPLICA, page, found.own_ended_by_model(REPLICA))


def test_a_server_whose_answers_are_all_just_late_is_found_out_within_a_hundred_of_them() -> None:
    """Each was sent because it was predicted in the last moment that counts as in time."""
    lane = load().lanes[2]
    for _ in range(100):
        profiled_s = SAFE_SHARE * 0.3 / lane.correction(0.0)
        lane.learn(0.0, profiled_s, 0.3, answered=False)
    assert lane.correction(0.0) > 1.0 / SAFE_SHARE
