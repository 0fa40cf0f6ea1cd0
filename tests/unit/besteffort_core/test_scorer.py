from __future__ import annotations

import math

import numpy as np

from besteffort_core.latency import candidates
from besteffort_core.model import Pool, Request, Snapshot
from besteffort_core.policies import choose_price
from besteffort_core.pool import Generation
from besteffort_core.scorer import FEATURES, build_scorer, choose_scored, features, offered, scores, within
from support.bundles import random_scorer
from support.pools import gpus, gpus_seen, snapshot

REQUEST = Request(task=0, deadline_s=0.3)
FIELD = {name: number for number, name in enumerate(FEATURES)}


def seen(pool: Pool, view: Snapshot, request: Request = REQUEST) -> np.ndarray:
    found = candidates(request, pool, view)
    return features(request, found, pool, view, offered(found))


def test_without_a_network_it_decides_as_price_does(pool: Pool) -> None:
    rng, price = np.random.default_rng(0), np.array([-1.0, 0.4, 2.0, 0.1])
    per_rate = 0.3 / 0.025  # log load is log(rate x deadline) minus the logarithm of this
    scorer = build_scorer(np.array([price[0] + price[1] * math.log(per_rate), *price[1:]]))
    for _ in range(100):
        view = snapshot([int(n) for n in rng.integers(0, 12, 3)], rate_rps=float(rng.uniform(1.0, 500.0)))
        found = candidates(REQUEST, pool, view)
        wanted = choose_price(REQUEST, found, pool, view, price)
        assert choose_scored(REQUEST, found, pool, view, scorer) == wanted


def test_the_scores_are_those_of_the_written_out_network(pool: Pool) -> None:
    view = snapshot([5, 2, 1])
    found, scorer = candidates(REQUEST, pool, view), random_scorer()
    x = seen(pool, view)
    out = x @ scorer.linear + scorer.bias + np.tanh(x @ scorer.inner + scorer.inner_bias) @ scorer.outer
    in_time = 1 / (1 + np.exp(-10 * (1 - x[:, FIELD["finish"]] - out[:, 1])))
    work = found.cost_s / 0.3 + 0.2 * x[:, FIELD["opening"]]
    np.testing.assert_allclose(
        scores(scorer, REQUEST, found, pool, offered(found), x),
        pool.quality[0, pool.size_of] * in_time - np.exp(out[:, 0]) * np.maximum(work, 0) - 0.3 * x[:, FIELD["harm"]],
    )


def test_what_is_not_ready_is_never_chosen(pool: Pool) -> None:
    for ready in ((True, False, True), (False, True, False)):
        view = snapshot([0, 0, 0], ready=ready)
        assert ready[choose_scored(REQUEST, candidates(REQUEST, pool, view), pool, view, random_scorer())]
    none = snapshot([0, 0, 0], ready=(False, False, False))
    assert choose_scored(REQUEST, candidates(REQUEST, pool, none), pool, none, random_scorer()) == -1


def test_time_and_size_of_the_pool_have_no_unit() -> None:
    """Twice the devices at twice the rate, and all seconds twice as long, look the same."""
    small, large = gpus(2), gpus(4)
    request, slow = Request(0, 0.3), Request(0, 0.6)
    one = seen(small, gpus_seen(small, [3, 1] * 2, 40.0), request)
    two = seen(large, gpus_seen(large, [3, 1] * 4, 80.0), request)
    np.testing.assert_allclose(one[:2], two[:2])
    stretched = small._replace(batch_s=2 * small.batch_s, sequence_s=2 * small.sequence_s)
    np.testing.assert_allclose(seen(stretched, gpus_seen(stretched, [3, 1] * 2, 20.0), slow), one)


def test_a_request_that_joins_a_batch_opens_less_than_one_that_begins_it(pool: Pool) -> None:
    idle, busy = seen(pool, snapshot([0, 0, 0])), seen(pool, snapshot([3, 0, 0]))
    assert busy[0, FIELD["opening"]] < idle[0, FIELD["opening"]]
    assert idle[0, FIELD["opening"]] * 0.3 == 0.001 - 0.004 / 8


def test_a_generation_harms_those_that_decode_and_more_so_where_it_opens_a_model() -> None:
    pool, request = gpus(2, Generation(4, 10)), Request(0, 1.2, 4, 10.0)
    view = gpus_seen(pool, [3, 0, 0, 0])._replace(decoding=np.array([3, 0, 0, 0]), units=np.zeros(4, dtype=np.int64))
    x = seen(pool, view, request)
    joins, opens, elsewhere = x[0], x[1], x[2:]
    assert 0.0 < joins[FIELD["harm"]] < opens[FIELD["harm"]]
    assert elsewhere[:, FIELD["harm"]].tolist() == [0.0, 0.0]
    assert opens[FIELD["round"]] == joins[FIELD["round"]] > elsewhere[0, FIELD["round"]] == 0.0
    assert joins[FIELD["round"]] < joins[FIELD["round after"]] < opens[FIELD["round after"]]


def test_where_nothing_generates_nothing_is_said_of_it(pool: Pool) -> None:
    assert not seen(pool, snapshot([3, 2, 1]))[:, FIELD["generates"] :].any()


def test_a_little_beyond_the_trained_range_counts_as_its_limit_and_far_beyond_is_refused(pool: Pool) -> None:
    view = snapshot([0, 0, 6])
    x = seen(pool, view)
    scorer = random_scorer()._replace(low=x.min(axis=0) - 1.0, high=x.max(axis=0))
    assert within(scorer, x)
    above = x.copy()
    above[:, FIELD["backlog"]] = scorer.high[FIELD["backlog"]] + 0.05
    limit = x.copy()
    limit[:, FIELD["backlog"]] = scorer.high[FIELD["backlog"]]
    found = candidates(REQUEST, pool, view)
    assert within(scorer, above)
    np.testing.assert_array_equal(
        scores(scorer, REQUEST, found, pool, offered(found), above),
        scores(scorer, REQUEST, found, pool, offered(found), limit),
    )
    above[0, FIELD["backlog"]] += 10.0
    assert not within(scorer, above)
    above[0, FIELD["backlog"]] = np.nan
    assert not within(scorer, above)
