from __future__ import annotations

import importlib

from besteffort_study import provenance
from besteffort_study.provenance import IDLE, digest_of, source_digest


def hashed() -> set[str]:
    return {f"{package.__name__}/{name}" for package in provenance.PLAYING for name, _ in provenance._files(package)}


def test_whatever_plays_is_hashed_data_and_folders_within_too() -> None:
    assert hashed() >= {
        "besteffort_core/policies.py",
        "besteffort_sim/simulator.py",
        "besteffort_sim/report.py",
        "besteffort_study/catalogue.py",
        "besteffort_study/entrants.py",
        "besteffort_study/measure.py",
        "besteffort_study/data/rooflines.csv",
    }
    assert not any(name.endswith(".pyc") for name in hashed())


def test_what_is_idle_while_cells_are_played_is_there_and_is_not_hashed() -> None:
    for package, names in IDLE.items():
        assert not hashed() & {f"{package}/{name}.py" for name in names}
        for name in names:
            importlib.import_module(f"{package}.{name}")


def test_digests_tell_lists_of_texts_apart() -> None:
    assert digest_of("a", "b") == digest_of("a", "b")
    assert len({digest_of("a", "b"), digest_of("b", "a"), digest_of("ab"), digest_of("ab", "")}) == 4
    assert source_digest() == source_digest()
