"""Builders of what a router is given: configurations and requests."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from besteffort.v1.config_pb2 import RouterConfig
from besteffort_router.config import settings_from_message
from besteffort_router.wire import name_field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from besteffort_router.config import Settings

SIZES = ("small", "medium", "large")


def config(ports: Mapping[str, int] | None = None, **changes: Any) -> dict[str, Any]:
    """A service of three sizes with one replica each, `ports` by size, as the JSON of a RouterConfig."""
    ports = ports if ports is not None else dict.fromkeys(SIZES, 1)
    found: dict[str, Any] = {
        "modelName": "assistant",
        "deadline": {"defaultS": 0.3, "maxS": 10, "graceFactor": 1},
        "tasks": ["arithmetic", "reversal"],
        "sizes": [
            {
                "name": name,
                "model": f"model_{name}",
                "quality": 0.4 + 0.2 * place,
                "qualityByTask": {"arithmetic": 0.3 + 0.2 * place},
                "latency": [
                    {"batch": 1, "seconds": 0.01 * (place + 1)},
                    {"batch": 8, "seconds": 0.03 * (place + 1)},
                ],
            }
            for place, name in enumerate(SIZES)
        ],
        "backends": [
            {"name": f"{size}-0", "address": f"127.0.0.1:{port}", "sizes": [size], "device": f"gpu-{size}"}
            for size, port in ports.items()
        ],
        "policy": {"kind": "GREEDY", "fallback": "PRICE"},
        "limits": {"maxRequests": 64, "maxBytes": str(8 * 1024 * 1024)},
    }
    return found | changes


def settings(**changes: Any) -> Settings:
    """The same, checked."""
    return settings_from_message(json_format.ParseDict(config(**changes), RouterConfig()))


def write(path: Path, content: Mapping[str, Any]) -> Path:
    """Put a configuration in force as a careful writer does: whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.replace(path)
    return path


def request_bytes(model: str = "assistant", tensor: bytes = b"tensor", **parameters: float | str) -> bytes:
    """A ModelInferRequest made by hand: a name, an id, parameters, a raw tensor."""
    entries = [_field(4, _field(1, key.encode()) + _field(2, _value(value))) for key, value in parameters.items()]
    return name_field(model) + _field(3, b"id-1") + b"".join(entries) + _field(7, tensor)


def _value(value: float | str) -> bytes:
    if isinstance(value, bool):
        return b"\x08" + bytes([value])
    if isinstance(value, int):
        return b"\x10" + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, str):
        return _field(3, value.encode())
    return b"\x21" + struct.pack("<d", value)


def _field(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))
