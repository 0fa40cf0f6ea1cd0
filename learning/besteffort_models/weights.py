"""Trained weights on disk between `train` and `export`: safetensors, so that loading runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

from besteffort_models.errors import MissingFileError
from besteffort_models.train import build_decoder

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_models.network import Decoder
    from besteffort_models.sizes import Size

__all__ = ["load_weights", "save_weights"]


def save_weights(decoder: Decoder, path: Path) -> None:
    """Write the weights whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(decoder.state_dict(), partial)
    partial.replace(path)


def load_weights(size: Size, path: Path) -> Decoder:
    """Read the weights of a size; raises MissingFileError if it was never trained here."""
    if not path.exists():
        raise MissingFileError(f"{path} is missing: run `python -m besteffort_models train --size {size.name}` first")
    decoder = build_decoder(size)
    decoder.load_state_dict(load_file(path))
    return decoder
