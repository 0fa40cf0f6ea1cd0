"""Export: one ONNX graph for prefill and decode, weights stored in half precision, computed in single precision.

It describes itself: alphabet, shape and limits travel as ONNX metadata, so that serving needs this one file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from besteffort_models.alphabet import ALPHABET, END, FIRST_CHARACTER, PADDING

if TYPE_CHECKING:
    from pathlib import Path

    from besteffort_models.network import Cache, Decoder
    from besteffort_models.sizes import Size

__all__ = ["export_onnx"]

OPSET = 17


class _Served(nn.Module):
    """The graph's outline: ids, positions, mask and the cache in; logits of the last position and the cache out."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor, *flat: Tensor) -> tuple[Tensor, ...]:
        past: Cache = list(zip(flat[::2], flat[1::2], strict=True))
        states, present = self.decoder(ids, positions, mask, past)
        logits = self.decoder.read_out(states[:, -1])
        return logits, *(tensor for pair in present for tensor in pair)


def export_onnx(decoder: Decoder, size: Size, path: Path) -> None:
    """Write the decoder as a self-describing ONNX file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [f"{kind}_{layer}" for layer in range(size.layers) for kind in ("key", "value")]
    torch.onnx.export(
        _Served(decoder.eval()),
        _example(size),
        path,
        input_names=["ids", "positions", "mask", *(f"past_{name}" for name in names)],
        output_names=["logits", *(f"present_{name}" for name in names)],
        dynamic_axes=_dynamic_axes(names),
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(path)
    _halve_weights(model)
    onnx.helper.set_model_props(model, _description(size))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _example(size: Size) -> tuple[Tensor, ...]:
    rows, length, past = 2, 3, 4
    ids = torch.zeros((rows, length), dtype=torch.int64)
    mask = torch.zeros((rows, 1, length, past + length))
    cache = torch.zeros((rows, size.heads, past, size.width // size.heads))
    return ids, ids, mask, *([cache] * (2 * size.layers))


def _dynamic_axes(names: list[str]) -> dict[str, dict[int, str]]:
    axes = {name: {0: "rows", 1: "length"} for name in ("ids", "positions")}
    axes |= {"mask": {0: "rows", 2: "length", 3: "total"}, "logits": {0: "rows"}}
    axes |= {f"past_{name}": {0: "rows", 2: "past"} for name in names}
    return axes | {f"present_{name}": {0: "rows", 2: "total"} for name in names}


def _description(size: Size) -> dict[str, str]:
    return {
        "alphabet": ALPHABET,
        "padding": str(PADDING),
        "end": str(END),
        "first_character": str(FIRST_CHARACTER),
        "layers": str(size.layers),
        "heads": str(size.heads),
        "head_width": str(size.width // size.heads),
        "max_prompt_chars": str(size.max_prompt_chars),
        "max_new_tokens": str(size.max_new_tokens),
    }


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store each large weight as float16 behind a Cast, which ONNX Runtime folds away when it loads the file."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size <= 1:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
