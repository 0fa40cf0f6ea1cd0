"""The policy bundle: one safetensors file with the numbers of a policy and a JSON header. Data, never code.

Tensors: those of the network, named as its fields are (float64 of a Scorer, float32 of a Q-network, the trained range
among them), and float64 price (4) and ladder (sizes - 1). Header, under the metadata key "besteffort": format, kind,
layout {hash, tasks, sizes}, trained {...}, results {...}. For Learned tasks and sizes only say what it was trained on.
The SHA-256 of the file is the policy's identity everywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from besteffort_core import dqn, scorer
from besteffort_core.dqn import Network, state_length
from besteffort_core.errors import BundleError
from besteffort_core.scorer import FEATURES, OUTPUTS, Scorer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["FORMAT", "MAX_BYTES", "Bundle", "bundle_to_bytes", "parse_bundle", "require_kind", "require_layout"]

FORMAT = "besteffort.policy/2"
MAX_BYTES = 16 * 1024 * 1024
HEADER_KEY = "besteffort"
DIGEST_SHOWN = 12
PRICE_PARAMETERS = 4
RULES = ("price", "ladder")
NETWORKS: Mapping[str, type[Scorer | Network]] = {"Learned": Scorer, "DQN": Network}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle."""

    network: Scorer | Network
    price: NDArray[np.float64]
    ladder: NDArray[np.float64]
    tasks: tuple[str, ...]
    sizes: tuple[str, ...]
    trained: Mapping[str, Any]
    """What it was trained on: load range, deadlines, seed, version."""
    results: Mapping[str, Any]
    digest: str = ""

    @property
    def kind(self) -> str:
        """The policy that the network is for, as the resource names it."""
        return "Learned" if isinstance(self.network, Scorer) else "DQN"


def bundle_to_bytes(bundle: Bundle) -> bytes:
    """Return the file; equal bundles give equal bytes. The digest is not written: it is that of the bytes."""
    header = {
        "format": FORMAT,
        "kind": bundle.kind,
        "layout": {
            "hash": _layout_hash(bundle.kind, bundle.tasks, bundle.sizes),
            "tasks": list(bundle.tasks),
            "sizes": list(bundle.sizes),
        },
        "trained": dict(bundle.trained),
        "results": dict(bundle.results),
    }
    tensors = {name: np.ascontiguousarray(value) for name, value in bundle.network._asdict().items()}
    tensors |= {"price": bundle.price, "ladder": bundle.ladder}
    return bytes(save(tensors, metadata={HEADER_KEY: json.dumps(header, sort_keys=True)}))


def parse_bundle(data: bytes) -> Bundle:
    """Return the checked bundle in a file's bytes.

    Raises:
        BundleError: too large, not safetensors, of another format, with missing or misshapen or infinite tensors.
    """
    if len(data) > MAX_BYTES:
        raise BundleError(
            f"policy bundle: {len(data)} bytes, more than the {MAX_BYTES} allowed; is this the right file?"
        )
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"policy bundle: not a whole safetensors file ({error}); export it again") from error
    header = _header(data)
    try:
        layout, kind = header["layout"], str(header["kind"])
        tasks, sizes = tuple(map(str, layout["tasks"])), tuple(map(str, layout["sizes"]))
        stated = str(layout["hash"])
        trained, results = dict(header["trained"]), dict(header["results"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"policy bundle: the header lacks {error}; export it again") from error
    if kind not in NETWORKS:
        raise BundleError(f"policy bundle: kind {kind!r} is not one of {', '.join(NETWORKS)}; train it again")
    if stated != _layout_hash(kind, tasks, sizes):
        raise BundleError("policy bundle: made for another layout of what it sees; train it again with this version")
    _check_tensors(tensors, kind, len(tasks), len(sizes))
    network = NETWORKS[kind](**{name: tensors[name] for name in NETWORKS[kind]._fields})
    digest = hashlib.sha256(data).hexdigest()
    return Bundle(network, tensors["price"], tensors["ladder"], tasks, sizes, trained, results, digest)


def require_kind(bundle: Bundle, kind: str) -> None:
    """Raise BundleError if a network decides for this kind, and another one is in the bundle.

    The tuned numbers in a bundle are good for any heuristic.
    """
    if kind in NETWORKS and bundle.kind != kind:
        raise BundleError(
            f"policy bundle: it is for kind {bundle.kind}, but policy.kind is {kind}; name another bundle"
        )


def require_layout(bundle: Bundle, tasks: Sequence[str], sizes: Sequence[str]) -> None:
    """Raise BundleError unless what is in the bundle fits these tasks and sizes.

    A scorer fits any; a Q-network those that it was trained for, in this order.
    """
    if isinstance(bundle.network, Scorer):
        return
    for name, have, want in (("sizes", bundle.sizes, tuple(sizes)), ("tasks", bundle.tasks, tuple(tasks))):
        if have != want:
            raise BundleError(
                f"policy bundle: trained for {name} {', '.join(have)}, but the service has {', '.join(want)}; "
                "train it for this service"
            )


def _header(data: bytes) -> dict[str, Any]:
    """Return the JSON header of a file that safetensors has already found whole."""
    length = int.from_bytes(data[:8], "little")
    try:
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
        header = json.loads(metadata.get(HEADER_KEY, "null"))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BundleError(f"policy bundle: no header of format {FORMAT}; is this a policy made by `besteffort train`?")
    return header


def _layout_hash(kind: str, tasks: Sequence[str], sizes: Sequence[str]) -> str:
    return scorer.layout_hash() if kind == "Learned" else dqn.layout_hash(tasks, sizes)


def _check_tensors(tensors: Mapping[str, NDArray[Any]], kind: str, tasks: int, sizes: int) -> None:
    missing = [name for name in (*NETWORKS[kind]._fields, *RULES) if name not in tensors]
    if missing:
        raise BundleError(f"policy bundle: tensor {missing[0]} is missing; export it again")
    shapes = _scorer_shapes(tensors) if kind == "Learned" else _network_shapes(tensors, tasks, sizes)
    shapes |= {"price": (PRICE_PARAMETERS,), "ladder": (sizes - 1,)}
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise BundleError(f"policy bundle: tensor {name} has shape {tensors[name].shape}, expected {shape}")
        wanted = np.float64 if name in RULES or kind == "Learned" else np.float32
        if tensors[name].dtype != wanted:
            raise BundleError(f"policy bundle: tensor {name} is {tensors[name].dtype}, expected {wanted.__name__}")
        if not np.isfinite(tensors[name]).all():
            raise BundleError(f"policy bundle: tensor {name} holds NaN or infinity; train it again")


def _scorer_shapes(tensors: Mapping[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    width, outputs, hidden = len(FEATURES), len(OUTPUTS), tensors["inner_bias"].size
    return {
        "linear": (width, outputs),
        "bias": (outputs,),
        "inner": (width, hidden),
        "inner_bias": (hidden,),
        "outer": (hidden, outputs),
        "shape": (3,),
        "low": (width,),
        "high": (width,),
    }


def _network_shapes(tensors: Mapping[str, NDArray[Any]], tasks: int, sizes: int) -> dict[str, tuple[int, ...]]:
    length = state_length(tasks, sizes)
    first, second = tensors["b1"].size, tensors["b2"].size
    return {
        "w1": (length, first),
        "b1": (first,),
        "w2": (first, second),
        "b2": (second,),
        "w3": (second, sizes),
        "b3": (sizes,),
        "low": (length,),
        "high": (length,),
    }
