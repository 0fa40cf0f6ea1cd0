"""A router's place among all."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from besteffort_router import peers as module
from besteffort_router.peers import ALONE, Peers

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "assistant-router.default.svc"


class Names:
    """A name service that says what a test wants."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers)

    async def resolve(self, name: str) -> Sequence[str]:
        assert name == NAME
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


async def looked(address: str, *answers: Sequence[str] | OSError) -> list[tuple[int, int]]:
    names = Names(*answers)
    peers = Peers(names.resolve, NAME, address)
    return [await peers.look() for _ in answers]


async def test_all_routers_agree_on_their_places_whatever_the_order_of_the_answer() -> None:
    addresses = ["10.0.0.9", "10.0.0.10", "10.0.0.2"]
    places = [(await looked(own, addresses[k:] + addresses[:k]))[0] for k, own in enumerate(addresses)]
    assert sorted(places) == [(0, 3), (1, 3), (2, 3)]


async def test_a_router_that_is_not_among_them_is_alone() -> None:
    assert await looked("10.0.0.7", ["10.0.0.1", "10.0.0.2"], []) == [ALONE, ALONE]


async def test_what_was_known_stays_while_the_name_service_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ["10.0.0.1", "10.0.0.2"]
    assert await looked("10.0.0.2", pair, socket.gaierror("down"), pair[1:]) == [(1, 2), (1, 2), (0, 1)]

    async def never(_name: str) -> Sequence[str]:
        await asyncio.sleep(60.0)
        return []

    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    assert await Peers(never, NAME, "10.0.0.1").look() == ALONE


async def test_without_a_name_nobody_is_asked() -> None:
    assert await Peers(Names().resolve, "", "").look() == ALONE
