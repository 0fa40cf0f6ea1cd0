from __future__ import annotations

from besteffort_study import provenance
from besteffort_study.provenance import TELLING, digest_of, source_digest


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


def test_whatever_only_tells_is_there_and_is_not_hashed() -> None:
    folder = {name for name, _ in provenance._files(provenance.besteffort_study)}
    assert not folder & TELLING
    for name in TELLING:
        __import__(f"besteffort_study.{name.removesuffix('.py')}")


def test_digests_tell_lists_of_texts_apart() -> None:
    assert digest_of("a", "b") == digest_of("a", "b")
    assert len({digest_of("a", "b"), digest_of("b", "a"), digest_of("ab"), digest_of("ab", "")}) == 4
    assert source_digest() == source_digest()
