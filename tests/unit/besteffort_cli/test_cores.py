from __future__ import annotations

import os

import pytest

from besteffort_cli.cores import CoreSplit, split_cores
from besteffort_cli.errors import InputError

USABLE = os.sched_getaffinity(0)


def test_the_servers_get_the_last_core_and_the_rest_the_others() -> None:
    split = split_cores()
    assert split.servers == {max(USABLE)}
    assert split.rest == (USABLE - split.servers or USABLE)


def test_all_cores_may_go_to_the_servers_and_are_then_shared() -> None:
    assert split_cores(",".join(map(str, USABLE))) == CoreSplit(frozenset(USABLE), frozenset(USABLE))


@pytest.mark.parametrize("wanted", ["x", "-1", "100000", "0,,1"])
def test_what_is_no_usable_core_is_refused_with_those_that_are(wanted: str) -> None:
    with pytest.raises(InputError, match=rf"--cores {wanted}: give numbers out of .*{max(USABLE)}"):
        split_cores(wanted)
