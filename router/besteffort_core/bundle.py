"""The policy bundle: one safetensors file with the numbers of a policy and a JSON header. Data, never code.

Tensors: w1 b1 w2 b2 w3 b3 low high (float32, the network and its trained range), price (4) and ladder (sizes - 1).
Header, under the metadata key "besteffort": format, kind, observation {version, hash, tasks, sizes}, trained {...},
results {...}. The SHA-256 of the file is the policy's identity everywhere.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from besteffort_core.errors import BundleError
from besteffort_core.learned import Network
from besteffort_core.observation import VERSION, layout_hash, observation_length

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["FORMAT", "MAX_BYTES", "Bundle", "bundle_to_bytes", "parse_bundle", "require_layout"]

FORMAT = "besteffort.policy/1"
MAX_BYTES = 16 * 1024 * 1024
HEADER_KEY = "besteffort"
DIGEST_SHOWN = 12
PRICE_PARAMETERS = 4


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle."""

    network: Network
    price: NDArray[np.float64]
    ladder: NDArray[np.float64]
    tasks: tuple[str, ...]
    sizes: tuple[str, ...]
    trained: Mapping[str, Any]
    """What it was trained on: load range, deadlines, seed, version."""
    results: Mapping[str, Any]
    digest: str = ""


def bundle_to_bytes(bundle: Bundle) -> bytes:
    """Return the file; equal bundles give equal bytes. The digest is not written: it is that of the bytes."""
    header = {
        "format": FORMAT,
        "kind": "Learned",
        "observation": {
            "version": VERSION,
            "hash": layout_hash(bundle.tasks, bundle.sizes),
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
        observation = header["observation"]
        tasks, sizes = tuple(map(str, observation["tasks"])), tuple(map(str, observation["sizes"]))
        stated = str(observation["hash"])
        trained, results = dict(header["trained"]), dict(header["results"])
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"policy bundle: the header lacks {error}; export it again") from error
    if stated != layout_hash(tasks, sizes):
        raise BundleError("policy bundle: made for another observation layout; train it again with this version")
    _check_tensors(tensors, len(tasks), len(sizes))
    network = Network(**{name: tensors[name] for name in Network._fields})
    digest = hashlib.sha256(data).hexdigest()
    return Bundle(network, tensors["price"], tensors["ladder"], tasks, sizes, trained, results, digest)


def require_layout(bundle: Bundle, tasks: Sequence[str], sizes: Sequence[str]) -> None:
    """Raise BundleError unless the bundle was trained for exactly these tasks and sizes, in this order."""
    for name, have, want in (("sizes", bundle.sizes, tuple(sizes)), ("tasks", bundle.tasks, tuple(tasks))):
        if have != want:
            raise BundleError(
                f"policy bundle: trained for {name} {', '.join(have)}, but the service has {', '.join(want)}; "
                "train it for this service"
            )


def _header(data: bytes) -> dict[str, Any]:
    """Return the JSON header of a file that safetensors has already found whole."""
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__") or {}
    try:
        header = json.loads(metadata.get(HEADER_KEY, "null"))
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BundleError(f"policy bundle: no header of format {FORMAT}; is this a policy made by `besteffort train`?")
    return header


def _check_tensors(tensors: Mapping[str, NDArray[Any]], tasks: int, sizes: int) -> None:
    missing = [name for name in (*Network._fields, "price", "ladder") if name not in tensors]
    if missing:
        raise BundleError(f"policy bundle: tensor {missing[0]} is missing; export it again")
    for name, shape in _shapes(tensors, tasks, sizes).items():
        if tensors[name].shape != shape:
            raise BundleError(f"policy bundle: tensor {name} has shape {tensors[name].shape}, expected {shape}")
        wanted = np.float64 if name in ("price", "ladder") else np.float32
        if tensors[name].dtype != wanted:
            raise BundleError(f"policy bundle: tensor {name} is {tensors[name].dtype}, expected {wanted.__name__}")
        if not np.isfinite(tensors[name]).all():
            raise BundleError(f"policy bundle: tensor {name} holds NaN or infinity; train it again")


def _shapes(tensors: Mapping[str, NDArray[Any]], tasks: int, sizes: int) -> dict[str, tuple[int, ...]]:
    length = observation_length(tasks, sizes)
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
        "price": (PRICE_PARAMETERS,),
        "ladder": (sizes - 1,),
    }
