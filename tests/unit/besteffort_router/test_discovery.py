"""Names become servers, one for each address."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format

from besteffort.v1.config_pb2 import RouterConfig
from besteffort_router.config import settings_from_message
from besteffort_router.discovery import Discovery, addresses_of, expanded, names_in
from besteffort_router.errors import ConfigError
from besteffort_router.load import Load
from support.router import config, settings

if TYPE_CHECKING:
    from besteffort_router.config import Settings

NAME = "assistant-triton.default.svc"
BEHIND = {
    "name": "triton",
    "address": f"{NAME}:8001",
    "metricsUrl": f"http://{NAME}:8002/metrics",
    "sizes": ["small", "large"],
    "resolve": True,
}
FIXED = {"name": "fixed", "address": "10.9.9.9:8001", "sizes": ["medium"]}


def message(*backends: dict[str, Any]) -> RouterConfig:
    return json_format.ParseDict(config(backends=list(backends)), RouterConfig())


def names(found: Settings) -> list[str]:
    return [backend.replica.name for backend in found.backends]


class Names:
    """A name service that answers what it is told to."""

    def __init__(self, **addresses: list[str] | OSError) -> None:
        self.addresses = addresses.pop("here", [])
        self.gate: asyncio.Event | None = None
        self.asked = 0

    async def __call__(self, name: str) -> list[str]:
        assert name == NAME
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.addresses, OSError):
            raise self.addresses
        return self.addresses


def test_each_address_is_a_server_with_its_own_name_device_and_metrics() -> None:
    found = expanded(message(BEHIND, FIXED), {NAME: ["10.1.2.3", "10.1.2.4"]}).backends
    assert [backend.name for backend in found] == ["triton-10-1-2-3", "triton-10-1-2-4", "fixed"]
    assert [backend.address for backend in found] == ["10.1.2.3:8001", "10.1.2.4:8001", "10.9.9.9:8001"]
    assert found[1].metrics_url == "http://10.1.2.4:8002/metrics"
    assert [backend.device for backend in found] == ["10.1.2.3", "10.1.2.4", ""]
    assert list(found[0].sizes) == ["small", "large"]
    assert not any(backend.resolve for backend in found)


def test_a_device_and_the_lack_of_metrics_are_kept() -> None:
    found = expanded(message(BEHIND | {"device": "gpu", "metricsUrl": ""}), {NAME: ["10.1.2.3"]}).backends
    assert (found[0].device, found[0].metrics_url) == ("gpu", "")


def test_an_address_of_version_6_is_bracketed_and_gives_a_name_that_is_allowed() -> None:
    content = expanded(message(BEHIND), {NAME: ["fd00:10::5", "fd00::"]})
    assert [backend.name for backend in content.backends] == ["triton-fd00-10--5", "triton-fd00"]
    assert content.backends[0].address == "[fd00:10::5]:8001"
    assert content.backends[0].metrics_url == "http://[fd00:10::5]:8002/metrics"
    assert len(settings_from_message(content).backends) == 4


def test_a_name_without_addresses_is_no_server_and_the_message_stays_as_it_is() -> None:
    content = message(BEHIND, FIXED)
    before = content.SerializeToString()
    assert [backend.name for backend in expanded(content, {}).backends] == ["fixed"]
    assert content.SerializeToString() == before
    assert names_in(content) == (NAME,)


def test_a_configuration_with_a_name_has_no_server_for_it_until_it_is_resolved() -> None:
    assert names(settings(backends=[BEHIND, FIXED])) == ["fixed"]
    with pytest.raises(ConfigError, match=r"backends\[triton\].address: 'nonsense' is not host:port"):
        settings(backends=[BEHIND | {"address": "nonsense"}])


async def test_addresses_that_come_and_go_are_followed() -> None:
    service, content = Names(here=["10.0.0.2", "10.0.0.1"]), settings(backends=[BEHIND])
    discovery = Discovery(service)
    assert names(discovery.resolved(content)) == []
    assert await discovery.look(content)
    assert names(discovery.resolved(content)) == ["triton-10-0-0-1"] * 2 + ["triton-10-0-0-2"] * 2
    service.addresses = ["10.0.0.1", "10.0.0.2"]
    assert not await discovery.look(content), "the order of the answer is no change"
    service.addresses = ["10.0.0.2"]
    assert await discovery.look(content)
    assert names(discovery.resolved(content)) == ["triton-10-0-0-2"] * 2


async def test_what_was_known_stays_when_the_name_service_fails(caplog: pytest.LogCaptureFixture) -> None:
    service, content = Names(here=["10.0.0.1"]), settings(backends=[BEHIND])
    discovery = Discovery(service)
    await discovery.look(content)
    service.addresses = socket.gaierror(socket.EAI_AGAIN, "Temporary failure")
    for _ in range(5):
        assert not await discovery.look(content)
    assert names(discovery.resolved(content)) == ["triton-10-0-0-1"] * 2
    assert caplog.text.count("what is known of it stays") == 1


@pytest.mark.parametrize("nothing", [[], socket.gaierror(socket.EAI_NONAME, "Name or service not known")])
async def test_a_name_loses_its_last_address_when_the_name_service_says_so_three_times(
    nothing: list[str] | OSError,
) -> None:
    service, content = Names(here=["10.0.0.1"]), settings(backends=[BEHIND])
    discovery = Discovery(service)
    await discovery.look(content)
    for answer, changes in [(nothing, False), (nothing, False), (["10.0.0.1"], False), (nothing, False)]:
        service.addresses = answer
        assert await discovery.look(content) is changes
    assert names(discovery.resolved(content)) == ["triton-10-0-0-1"] * 2
    service.addresses = nothing
    assert [await discovery.look(content) for _ in range(3)] == [False, True, False]
    assert names(discovery.resolved(content)) == []


async def test_a_lookup_that_hangs_holds_nobody_up_and_is_not_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("besteffort_router.discovery.PATIENCE_S", 0.01)
    service, content = Names(here=["10.0.0.1"]), settings(backends=[BEHIND])
    service.gate = asyncio.Event()
    discovery = Discovery(service)
    assert not await discovery.look(content)
    assert not await discovery.look(content)
    assert service.asked == 1
    service.gate.set()
    assert await discovery.look(content)
    discovery.close()


async def test_without_names_nothing_is_looked_up_and_nothing_changes() -> None:
    service, content = Names(), settings(backends=[FIXED])
    discovery = Discovery(service)
    assert not await discovery.look(content)
    assert discovery.resolved(content) is content
    assert service.asked == 0


async def test_servers_that_stay_keep_their_load_and_correction() -> None:
    service, content = Names(here=["10.0.0.1", "10.0.0.2"]), settings(backends=[BEHIND])
    discovery, load = Discovery(service), Load()
    await discovery.look(content)
    load.adopt(discovery.resolved(content))
    kept = load.lanes[2]
    load.set_ready(1.0, kept.backend.replica, "model_small", ready=True)
    kept.own, kept.others = 3, 2
    for _ in range(20):
        kept.learn(1.0, 0.1, 0.4, answered=True)
    service.addresses = ["10.0.0.2", "10.0.0.3"]
    await discovery.look(content)
    load.adopt(discovery.resolved(content))
    assert load.lanes[0] is kept
    assert (kept.own, kept.others, kept.ready) == (3, 2, True)
    assert kept.correction(1.0) > 1.0
    assert [lane.own for lane in load.lanes[1:]] == [0, 0, 0]


async def test_the_policy_and_the_digest_outlive_new_addresses() -> None:
    content = settings(backends=[BEHIND])._replace(digest="abc")
    discovery = Discovery(Names(here=["10.0.0.1"]))
    await discovery.look(content)
    found = discovery.resolved(content)
    assert found.policy is content.policy
    assert found.digest == "abc"


async def test_a_real_lookup_gives_one_family_and_an_unknown_name_an_error() -> None:
    assert await addresses_of("127.0.0.1") == ("127.0.0.1",)
    assert await addresses_of("::1") == ("::1",)
    with pytest.raises(socket.gaierror):
        await addresses_of("nowhere.invalid")
