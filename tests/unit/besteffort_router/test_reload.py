"""A change on disk is noticed by content, through links, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_core.bundle import bundle_to_bytes
from besteffort_router.config import load_settings
from besteffort_router.errors import ConfigError
from besteffort_router.reload import Watch
from support.bundles import random_bundle
from support.pools import TASKS
from support.router import config, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "config.json", config())


def test_nothing_changed_is_nothing_suspected(file: Path) -> None:
    watch = Watch(file, load_settings(file))
    assert not watch.suspects()


def test_new_content_gives_new_settings_once(file: Path) -> None:
    watch = Watch(file, load_settings(file))
    write(file, config(tasks=["reversal", "arithmetic", "new"]))
    assert watch.suspects()
    found = watch.read()
    assert found is not None
    assert found.tasks == ("reversal", "arithmetic", "new")
    assert not watch.suspects()


def test_the_same_content_written_again_changes_nothing(file: Path) -> None:
    watch = Watch(file, load_settings(file))
    write(file, config())
    assert watch.suspects()
    assert watch.read() is None


def test_a_bad_or_vanished_file_is_refused_once_and_a_good_one_taken_after_it(file: Path) -> None:
    watch = Watch(file, load_settings(file))
    for spoil in (lambda: file.write_text("{"), file.unlink):
        spoil()
        assert watch.suspects()
        with pytest.raises(ConfigError):
            watch.read()
        assert not watch.suspects()
    write(file, config(tasks=["arithmetic"], sizes=config()["sizes"]))
    assert watch.suspects()
    assert watch.read() is not None


def test_a_swapped_link_as_kubernetes_mounts_a_config_map_is_noticed(tmp_path: Path) -> None:
    for name, tasks in (("v1", ["arithmetic"]), ("v2", ["arithmetic", "reversal"])):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "config.json", config(tasks=tasks))
    data = tmp_path / "..data"
    data.symlink_to("v1")
    (tmp_path / "config.json").symlink_to("..data/config.json")
    watch = Watch(tmp_path / "config.json", load_settings(tmp_path / "config.json"))
    fresh = tmp_path / "..tmp"
    fresh.symlink_to("v2")
    fresh.replace(data)
    assert watch.suspects()
    found = watch.read()
    assert found is not None
    assert found.tasks == ("arithmetic", "reversal")


def test_a_bundle_that_appears_changes_or_goes_is_noticed(tmp_path: Path) -> None:
    sizes = [size | {"qualityByTask": {}} for size in config()["sizes"]]
    policy = {"kind": "LEARNED", "bundlePath": "policy.safetensors"}
    file = write(tmp_path / "config.json", config(policy=policy, tasks=list(TASKS), sizes=sizes))
    bundle = tmp_path / "policy.safetensors"
    watch = Watch(file, load_settings(file))
    digests = []
    for change in (
        lambda: bundle.write_bytes(bundle_to_bytes(random_bundle(1))),
        lambda: bundle.write_bytes(bundle_to_bytes(random_bundle(2))),
        bundle.unlink,
    ):
        change()
        assert watch.suspects()
        found = watch.read()
        assert found is not None
        digests.append(found.policy.digest)
        assert not watch.suspects()
    assert digests[0] != digests[1]
    assert digests[0]
    assert digests[2] == ""
