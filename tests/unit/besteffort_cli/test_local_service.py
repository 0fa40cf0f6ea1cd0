from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from besteffort_cli.errors import InputError
from besteffort_cli.local_service import load_local_service, parse_remotes
from support.repository import write_model, write_service

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("small", "large")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for size in SIZES:
        write_model(tmp_path / "models", size)
    return write_service(tmp_path / "service.yaml", SIZES)


def with_uri(path: Path, uri: str) -> Path:
    path.write_text(path.read_text().replace("./models", uri))
    return path


@pytest.mark.parametrize("form", ["./models", "models", "file://{}/models", "{}/models"])
def test_a_repository_is_found_beside_the_file_or_by_its_whole_path(path: Path, form: str) -> None:
    local = load_local_service(with_uri(path, form.format(path.parent)))
    assert [local.model_folder(size) for size in local.embedded] == [path.parent / "models" / size for size in SIZES]


@pytest.mark.parametrize("uri", ["s3://bucket/models", "pvc://claim/models", "oci://registry.example/models:1"])
def test_a_repository_of_a_cluster_says_how_to_run_it_here(path: Path, uri: str) -> None:
    local = load_local_service(with_uri(path, uri))
    with pytest.raises(InputError, match=rf"sizes\[0\]\.model\.repository\.uri: {uri} .* --models DIR"):
        local.model_folder(local.embedded[0])


def test_models_may_be_given_instead_of_a_remote_repository(path: Path) -> None:
    local = load_local_service(with_uri(path, "s3://bucket/models"), models=path.parent / "models")
    assert local.model_folder(local.embedded[1]) == path.parent / "models" / "large"


def test_a_missing_model_names_the_file_that_was_looked_for(path: Path) -> None:
    (path.parent / "models" / "large" / "config.pbtxt").unlink()
    local = load_local_service(path)
    with pytest.raises(InputError, match=r"sizes\[1\]\.model\.repository: there is no .*/large/config\.pbtxt"):
        local.model_folder(local.embedded[1])


def test_a_hub_model_says_that_it_must_run_elsewhere(path: Path) -> None:
    hub = "huggingFace: {id: facebook/opt-125m, revision: main}"
    path.write_text(path.read_text().replace("repository: {uri: ./models, name: small}", hub))
    local = load_local_service(path)
    with pytest.raises(InputError, match=r"sizes\[0\]\.model\.huggingFace: .* --backend small=HOST:PORT"):
        local.model_folder(local.embedded[0])


def test_a_size_that_runs_elsewhere_is_not_embedded(path: Path) -> None:
    local = load_local_service(path, remotes=["large=gpu.example:8001"])
    assert [size.name for size in local.embedded] == ["small"]


@pytest.mark.parametrize("word", ["large", "large=", "large=host", "huge=host:1", "=host:1", "large=:1", "large=h:p"])
def test_a_malformed_remote_is_refused(word: str) -> None:
    with pytest.raises(InputError, match=r"--backend .*: write SIZE=HOST:PORT with SIZE one of small, large"):
        parse_remotes([word], SIZES)


def test_the_bundle_lies_beside_the_file(path: Path) -> None:
    more = "  policy: {kind: Learned, bundle: {path: policy.safetensors}}\n"
    local = load_local_service(write_service(path, SIZES, more=more))
    assert local.bundle_path() == str(path.parent / "policy.safetensors")
    assert load_local_service(write_service(path, SIZES)).bundle_path() == ""
