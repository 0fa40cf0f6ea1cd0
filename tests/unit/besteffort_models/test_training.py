from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
import torch

from besteffort_models.batches import IGNORED, batches
from besteffort_models.errors import MissingFileError
from besteffort_models.sizes import SIZES, Size
from besteffort_models.train import Progress, build_decoder, train
from besteffort_models.weights import load_weights, save_weights

TINY = replace(
    SIZES["small"], width=16, layers=1, heads=2, steps=20, decay_steps=10, batch=16, pieces=2, warm_up_steps=3
)


def losses(size: Size) -> tuple[list[float], dict[str, torch.Tensor]]:
    reports: list[Progress] = []
    decoder = train(size, report=reports.append, report_every=10)
    return [each.loss for each in reports], decoder.state_dict()


def test_thirty_steps_lower_the_loss_and_repeat_exactly() -> None:
    first, weights = losses(TINY)
    again, same_weights = losses(TINY)
    assert first[-1] < first[0] - 0.3
    assert first == again
    assert all(torch.equal(weights[name], same_weights[name]) for name in weights)


def test_another_seed_gives_another_model() -> None:
    assert losses(replace(TINY, steps=9, decay_steps=1))[0] != losses(replace(TINY, steps=9, decay_steps=1, seed=8))[0]


def test_only_what_follows_the_prompt_counts() -> None:
    size = replace(TINY, batch=64, pieces=4)
    for pieces in islice(batches(size, size.seed), 3):
        assert sum(len(piece.ids) for piece in pieces) == size.batch
        for piece in pieces:
            counted = piece.targets != IGNORED
            assert counted.any(dim=1).all()
            assert not counted[:, 0].any()


def test_weights_come_back_as_they_were_written(tmp_path) -> None:  # noqa: ANN001
    decoder = build_decoder(TINY)
    save_weights(decoder, tmp_path / "tiny.safetensors")
    loaded = load_weights(TINY, tmp_path / "tiny.safetensors")
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in decoder.state_dict().items())


def test_missing_weights_say_which_command_makes_them(tmp_path) -> None:  # noqa: ANN001
    with pytest.raises(MissingFileError, match="train --size small"):
        load_weights(TINY, tmp_path / "none.safetensors")


def test_the_weights_are_those_of_transformers_opt() -> None:
    transformers = pytest.importorskip("transformers")
    size = replace(SIZES["medium"], layers=2)
    config = transformers.OPTConfig(
        vocab_size=64,
        hidden_size=size.width,
        ffn_dim=4 * size.width,
        num_hidden_layers=2,
        num_attention_heads=size.heads,
        max_position_embeddings=size.positions,
        word_embed_proj_dim=size.width,
        pad_token_id=1,
        bos_token_id=2,
        eos_token_id=2,
    )
    opt = transformers.OPTForCausalLM(config).eval()
    decoder = build_decoder(size)
    opt.load_state_dict(decoder.state_dict(), strict=False)
    opt.tie_weights()
    ids = torch.randint(4, 46, (2, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.full((9, 9), -1e4).triu(1).expand(2, 1, 9, 9)
    with torch.no_grad():
        states, _ = decoder(ids, torch.arange(9).expand(2, 9), mask)
        torch.testing.assert_close(decoder.read_out(states), opt(ids).logits, atol=1e-5, rtol=1e-4)
