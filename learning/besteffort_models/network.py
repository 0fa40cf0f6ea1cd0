"""The decoder of the demo models: OPT's architecture and parameter names, with an explicit key-value cache.

It holds no weights and no hyper-parameters of its own; the state dict loads into `transformers` as OPTForCausalLM.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["POSITION_OFFSET", "Cache", "Decoder"]

POSITION_OFFSET = 2  # OPT keeps the first two rows of its position table for padding.

Cache = list[tuple[Tensor, Tensor]]


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scaling = (width // heads) ** -0.5
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def _split(self, states: Tensor) -> Tensor:
        rows, length, width = states.shape
        return states.view(rows, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(
        self, states: Tensor, mask: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        query = self._split(self.q_proj(states) * self.scaling)
        key, value = self._split(self.k_proj(states)), self._split(self.v_proj(states))
        if past is not None:
            key, value = torch.cat((past[0], key), dim=2), torch.cat((past[1], value), dim=2)
        weights = functional.softmax(query @ key.transpose(2, 3) + mask, dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(states.shape)
        return self.out_proj(mixed), key, value


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self_attn = _Attention(width, heads)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.final_layer_norm = nn.LayerNorm(width)

    def soften(self, deviation: float) -> None:
        """Draw anew what writes into the residual stream, smaller the more layers add to it."""
        for last in (self.self_attn.out_proj, self.fc2):
            nn.init.normal_(last.weight, std=deviation)

    def forward(
        self, states: Tensor, mask: Tensor, past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        mixed, key, value = self.self_attn(self.self_attn_layer_norm(states), mask, past)
        states = states + mixed
        return states + self.fc2(functional.relu(self.fc1(self.final_layer_norm(states)))), key, value


class _Stack(nn.Module):
    def __init__(self, vocabulary: int, positions: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.embed_positions = nn.Embedding(positions + POSITION_OFFSET, width)
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.final_layer_norm = nn.LayerNorm(width)


class _Model(nn.Module):
    def __init__(self, stack: _Stack) -> None:
        super().__init__()
        self.decoder = stack


class Decoder(nn.Module):
    """Predict the next token from token ids [rows, length], their positions, and what came before them.

    `mask` is added to the attention scores and has shape [rows, 1, length, past + length].
    """

    def __init__(self, *, vocabulary: int, positions: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.model = _Model(_Stack(vocabulary, positions, width, layers, heads))
        self.apply(_initialise)
        for module in self.modules():
            if isinstance(module, _Layer):
                module.soften(0.02 / (2 * layers) ** 0.5)

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor, past: Cache | None = None) -> tuple[Tensor, Cache]:
        """Return the final states [rows, length, width] and the grown cache."""
        decoder = self.model.decoder
        states = decoder.embed_tokens(ids) + decoder.embed_positions(positions + POSITION_OFFSET)
        present: Cache = []
        for index, layer in enumerate(decoder.layers):
            states, key, value = layer(states, mask, None if past is None else past[index])
            present.append((key, value))
        return decoder.final_layer_norm(states), present

    def read_out(self, states: Tensor) -> Tensor:
        """Turn final states into logits; the weights are those of the token embedding, as in OPT."""
        return functional.linear(states, self.model.decoder.embed_tokens.weight)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
