from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch

from besteffort_models.alphabet import ALPHABET, END, FIRST_CHARACTER, encode
from besteffort_models.export import export_onnx
from besteffort_models.generation import Generator, PromptError
from besteffort_models.sizes import SIZES
from besteffort_models.tasks import TASKS, draw
from besteffort_models.train import build_decoder

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_models.network import Decoder

pytestmark = pytest.mark.filterwarnings("ignore")  # The exporter that takes one second announces its end.

TINY = replace(SIZES["small"], width=16, layers=2, heads=2, max_new_tokens=12)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """Make a model whose texts are lively: random weights, ten times as large, exact in half precision."""
    decoder = build_decoder(TINY).eval()
    with torch.no_grad():
        for weight in decoder.parameters():
            weight.copy_((10 * weight if weight.ndim > 1 else weight).half().float())
    return decoder


@pytest.fixture(scope="module")
def path(decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(decoder, TINY, path)
    return path


@pytest.fixture(scope="module")
def prompts() -> list[str]:
    rng = random.Random(3)
    return [draw(rng, task=task, held_out=True).prompt for task in TASKS for _ in range(4)]


def greedy(decoder: Decoder, prompt: str) -> str:
    """Decode without a cache, a batch or padding."""
    tokens = [END, *encode(prompt)]
    text = ""
    for _ in range(TINY.max_new_tokens):
        length = len(tokens)
        mask = torch.full((length, length), -1e4).triu(1)[None, None]
        with torch.no_grad():
            states, _ = decoder(torch.tensor([tokens]), torch.arange(length)[None], mask)
            token = int(decoder.read_out(states[:, -1]).argmax())
        if token == END:
            break
        tokens.append(token)
        if 0 <= token - FIRST_CHARACTER < len(ALPHABET):
            text += ALPHABET[token - FIRST_CHARACTER]
    return text


def test_a_batch_writes_what_torch_writes_one_by_one(decoder: Decoder, path: Path, prompts: list[str]) -> None:
    texts = Generator(path).complete(prompts)
    assert texts == [greedy(decoder, prompt) for prompt in prompts]
    assert len(set(texts)) > len(texts) / 2


def test_neighbours_in_the_batch_do_not_change_a_text(path: Path, prompts: list[str]) -> None:
    generator = Generator(path)
    assert generator.complete(prompts) == [generator.complete([prompt])[0] for prompt in prompts]


def test_texts_end_at_different_lengths_within_the_bound(path: Path, prompts: list[str]) -> None:
    generator = Generator(path)
    lengths = {len(text) for text in generator.complete(prompts)}
    assert len(lengths) > 2
    assert max(lengths) <= generator.max_new_tokens == TINY.max_new_tokens


@pytest.mark.parametrize(
    ("prompt", "said"),
    [("", "0 characters"), ("1" * 33, "33 characters"), ("1+é=", "unknown character 'é'"), ("A", "'A'")],
)
def test_a_prompt_the_model_cannot_read_is_refused(path: Path, prompt: str, said: str) -> None:
    with pytest.raises(PromptError, match=said):
        Generator(path).check(prompt)


def test_every_weight_is_stored_in_half_precision(path: Path, decoder: Decoder) -> None:
    stored = [weight for weight in onnx.load(path).graph.initializer if np.prod(weight.dims) > 1]
    halves = [weight for weight in stored if weight.data_type == onnx.TensorProto.FLOAT16]
    assert sum(int(np.prod(weight.dims)) for weight in halves) >= sum(weight.numel() for weight in decoder.parameters())
    assert not [weight.name for weight in stored if weight.data_type == onnx.TensorProto.FLOAT]
