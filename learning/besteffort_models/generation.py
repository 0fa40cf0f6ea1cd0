"""Greedy generation from a demo model's ONNX file, for whole batches, with a key-value cache.

It needs numpy and ONNX Runtime only and stands alone, because the Triton model directories link to this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Generator", "PromptError"]

MASKED = -1e4


class PromptError(ValueError):
    """The prompt cannot be given to the model; the message says why and what to do."""


class Generator:
    """One loaded model, running on one thread."""

    def __init__(self, path: Path | str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        about = self._session.get_modelmeta().custom_metadata_map
        self._alphabet = about["alphabet"]
        self._padding, self._end, self._first = (int(about[key]) for key in ("padding", "end", "first_character"))
        self._ids = {character: self._first + index for index, character in enumerate(self._alphabet)}
        self._cache_shape = (int(about["heads"]), 0, int(about["head_width"]))
        self._cache_inputs = [each.name for each in self._session.get_inputs() if each.name.startswith("past_")]
        self.max_prompt_chars = int(about["max_prompt_chars"])
        self.max_new_tokens = int(about["max_new_tokens"])

    def check(self, prompt: str) -> None:
        """Raise PromptError unless the prompt has a length and characters that the model knows."""
        if not 0 < len(prompt) <= self.max_prompt_chars:
            raise PromptError(f"text_input has {len(prompt)} characters: send 1 to {self.max_prompt_chars}")
        unknown = sorted(set(prompt) - set(self._ids))
        if unknown:
            raise PromptError(f"text_input has the unknown character {unknown[0]!r}: use only {self._alphabet!r}")

    def complete(self, prompts: Sequence[str]) -> list[str]:
        """Return the text that follows each prompt; a row leaves the batch as soon as its text ends."""
        outputs: list[list[int]] = [[] for _ in prompts]
        ids, positions, shown = self._left_padded(prompts)
        rows = np.arange(len(prompts))
        cache = [np.zeros((len(rows), *self._cache_shape), np.float32)] * len(self._cache_inputs)
        mask = np.minimum(np.triu(np.full((ids.shape[1],) * 2, MASKED, np.float32), 1) + shown[:, None], 0)
        for _ in range(self.max_new_tokens):
            tokens, cache = self._step(ids, positions, mask[:, None], cache)
            going = np.flatnonzero(tokens != self._end)
            if not going.size:
                break
            if going.size < rows.size:
                rows, tokens, positions, shown = rows[going], tokens[going], positions[going], shown[going]
                cache = [each[going] for each in cache]
            for row, token in zip(rows, tokens, strict=True):
                outputs[row].append(int(token))
            ids, positions = tokens[:, None], positions[:, -1:] + 1
            shown = np.pad(shown, ((0, 0), (0, 1)))
            mask = shown[:, None]
        return [self._text(tokens) for tokens in outputs]

    def _left_padded(self, prompts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return ids and positions, and per token what to add to its scores; all [rows, length]."""
        length = 1 + max(len(prompt) for prompt in prompts)
        ids = np.full((len(prompts), length), self._padding, np.int64)
        for row, prompt in enumerate(prompts):
            tokens = [self._end, *(self._ids[character] for character in prompt)]
            ids[row, length - len(tokens) :] = tokens
        positions = np.maximum(np.cumsum(ids != self._padding, axis=1) - 1, 0)
        return ids, positions, np.where(ids == self._padding, np.float32(MASKED), np.float32(0))

    def _step(
        self,
        ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        mask: NDArray[np.float32],
        cache: list[NDArray[np.float32]],
    ) -> tuple[NDArray[np.int64], list[NDArray[np.float32]]]:
        feeds = {"ids": ids, "positions": positions, "mask": mask, **dict(zip(self._cache_inputs, cache, strict=True))}
        logits, *grown = self._session.run(None, feeds)
        return logits.argmax(axis=-1), grown

    def _text(self, tokens: list[int]) -> str:
        known = range(self._first, self._first + len(self._alphabet))
        return "".join(self._alphabet[token - self._first] for token in tokens if token in known)
