"""The demo's Triton model, run against a stand-in for Triton's own module."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from besteffort_models import generation
from besteffort_models.export import export_onnx
from besteffort_models.sizes import SIZES
from besteffort_models.train import build_decoder

pytestmark = pytest.mark.filterwarnings("ignore")  # The exporter that takes one second announces its end.

DEMO = Path(__file__).parents[3] / "examples" / "demo"
TINY = replace(SIZES["small"], width=16, layers=1, heads=2, max_new_tokens=5)


@dataclass(frozen=True)
class Tensor:
    name: str
    values: np.ndarray[Any, Any]

    def as_numpy(self) -> np.ndarray[Any, Any]:
        return self.values


@dataclass(frozen=True)
class TritonError:
    message: str
    code: str
    CANCELLED = "cancelled"
    INVALID_ARG = "invalid"


@dataclass(frozen=True)
class Response:
    output_tensors: tuple[Tensor, ...] = ()
    error: TritonError | None = None


@dataclass(frozen=True)
class Request:
    prompts: list[bytes]
    cancelled: bool = False

    def is_cancelled(self) -> bool:
        return self.cancelled


def _text_input(request: Request, name: str) -> Tensor:
    assert name == "text_input"
    return Tensor(name, np.array(request.prompts, dtype=np.object_).reshape(-1, 1))


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    utilities = ModuleType("triton_python_backend_utils")
    vars(utilities).update(
        Tensor=Tensor, TritonError=TritonError, InferenceResponse=Response, get_input_tensor_by_name=_text_input
    )
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", utilities)
    monkeypatch.setitem(sys.modules, "generation", generation)
    spec = importlib.util.spec_from_file_location("demo_model", DEMO / "backend" / "model.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    export_onnx(build_decoder(TINY), TINY, tmp_path / "1" / "model.onnx")
    loaded = module.TritonPythonModel()
    loaded.initialize({"model_repository": str(tmp_path), "model_version": "1"})
    return loaded


def _texts(response: Response) -> list[bytes]:
    assert response.error is None
    (output,) = response.output_tensors
    assert output.name == "text_output"
    assert output.values.shape[1:] == (1,)
    return [bytes(text) for text in output.values[:, 0]]


def test_requests_of_several_rows_get_their_own_texts_back(model: Any) -> None:
    prompts = [b"1+1=", b"chain 3*4=", b"sort ba="]
    alone = [_texts(model.execute([Request([prompt])])[0])[0] for prompt in prompts]
    first, second = model.execute([Request(prompts[:1]), Request(prompts[1:])])
    assert _texts(first) + _texts(second) == alone


@pytest.mark.parametrize(
    ("bad", "code", "said"),
    [
        (Request([b"1+1="], cancelled=True), TritonError.CANCELLED, "cancelled"),
        (Request([b"1+1=", b"What?"]), TritonError.INVALID_ARG, "unknown character"),
        (Request([b"1" * 99]), TritonError.INVALID_ARG, "99 characters"),
        (Request([b"\xff"]), TritonError.INVALID_ARG, "UTF-8"),
    ],
)
def test_a_bad_request_fails_alone(model: Any, bad: Request, code: str, said: str) -> None:
    good = Request([b"2+2="])
    before, failed, after = model.execute([good, bad, good])
    assert failed.error.code == code
    assert said in failed.error.message
    assert _texts(before) == _texts(after) == _texts(model.execute([good])[0])


def test_only_bad_requests_run_no_model(model: Any) -> None:
    (failed,) = model.execute([Request([b"?"])])
    assert failed.error.code == TritonError.INVALID_ARG


@pytest.mark.parametrize("name", SIZES)
def test_every_size_is_a_complete_triton_model(name: str) -> None:
    folder = DEMO / "models" / name
    config = (folder / "config.pbtxt").read_text()
    assert re.search(rf'^name: "{name}"$', config, re.MULTILINE)
    assert "default_queue_policy" not in config
    assert (folder / "1" / "model.py").resolve() == DEMO / "backend" / "model.py"
    assert (folder / "1" / "generation.py").resolve() == Path(generation.__file__).resolve()
    served = generation.Generator(folder / "1" / "model.onnx")
    assert (served.max_prompt_chars, served.max_new_tokens) == (
        SIZES[name].max_prompt_chars,
        SIZES[name].max_new_tokens,
    )
