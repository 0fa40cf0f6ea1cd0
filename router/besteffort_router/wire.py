"""Read the few fields of KServe v2 messages that routing needs, and change the model's name in them.

Works on the bytes: tensors are skipped by their length and never become objects. Knows field numbers of
`inference.ModelInferRequest` and its neighbours, nothing else.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from besteffort_router.errors import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "PARAMETERS",
    "Head",
    "Piece",
    "Scalar",
    "flag_reply",
    "name_field",
    "name_spans",
    "read_head",
    "read_piece",
    "renamed",
    "renamed_config",
    "server_metadata_reply",
    "stream_error",
    "stream_reply",
]

Scalar = bool | int | float | str

PARAMETERS = {b"deadline_ms": "deadline_ms", b"task": "task", b"bes-size": "bes-size"}
"""The request parameters that are for the router. They end here: Triton's vLLM backend fails on those that it does not
know. All others go through."""

MAX_FIELDS = 4096
"""Top-level fields (parameters, tensors) of one message: bounds the work on garbage of two-byte fields."""
MAX_TEXT_BYTES = 1024
"""A model name or parameter value that is longer is no name."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
NAME, ID, PARAMETER, OUTPUT = 1, 3, 4, 5
STREAM_ERROR, STREAM_RESPONSE = 1, 2
BOOL, INT64, STRING, DOUBLE, UINT64 = 1, 2, 3, 4, 5
_DOUBLE = struct.Struct("<d")


class Head(NamedTuple):
    """What routing needs of a request."""

    model_name: str
    parameters: dict[str, Scalar]
    own_spans: tuple[tuple[int, int], ...]
    """Where the model's name and the router's own parameters stand in the bytes, in order, tags included."""


class Piece(NamedTuple):
    """One ModelStreamInferResponse."""

    error: str
    """Empty: none."""
    response: bytes
    """The ModelInferResponse in it."""
    has_output: bool
    """False where it only says that no more will come."""


def read_head(data: bytes) -> Head:
    """Return the model name and the routing parameters of a request.

    Raises:
        MalformedError: the bytes are no protobuf message, or one with too many fields.
    """
    name = ""
    spans: list[tuple[int, int]] = []
    parameters: dict[str, Scalar] = {}
    begin = 0
    for number, kind, start, stop in _fields(data, 0, len(data)):
        if kind == BYTES:
            if number == NAME:
                name = _text(data, start, stop, "model_name")
                spans.append((begin, stop))
            elif number == PARAMETER and _read_parameter(data, start, stop, parameters):
                spans.append((begin, stop))
        begin = stop
    return Head(name, parameters, tuple(spans))


def name_spans(data: bytes) -> tuple[tuple[int, int], ...]:
    """Return where the name, field 1, stands in any message: what other fields mean differs between messages.

    Raises:
        MalformedError: the bytes are no protobuf message, or one with too many fields.
    """
    spans, begin = [], 0
    for number, kind, _, stop in _fields(data, 0, len(data)):
        if number == NAME and kind == BYTES:
            spans.append((begin, stop))
        begin = stop
    return tuple(spans)


def name_field(name: str) -> bytes:
    """Return the bytes of field 1 with a model's name, to be given to `renamed`."""
    return _bytes_field(NAME, name.encode())


def renamed(data: bytes, spans: Sequence[tuple[int, int]], field: bytes) -> bytes:
    """Return a message with `field` in place of what is at `spans`; all else stays byte for byte, in order."""
    view = memoryview(data)
    pieces: list[bytes | memoryview] = [field]
    position = 0
    for start, stop in spans:
        if start > position:
            pieces.append(view[position:start])
        position = stop
    pieces.append(view[position:])
    return b"".join(pieces)


def renamed_config(reply: bytes, name: str) -> bytes:
    """Return a ModelConfigResponse whose configuration bears another name.

    Raises:
        MalformedError: the bytes are no protobuf message.
    """
    for number, kind, start, stop in _fields(reply, 0, len(reply)):
        if number == 1 and kind == BYTES:
            config = reply[start:stop]
            return _bytes_field(1, renamed(config, name_spans(config), name_field(name)))
    return reply


def flag_reply(*, value: bool) -> bytes:
    """Return a ServerLive, ServerReady or ModelReady response."""
    return b"\x08\x01" if value else b""


def server_metadata_reply(name: str, version: str, extensions: Sequence[str]) -> bytes:
    """Return a ServerMetadataResponse."""
    fields = [_bytes_field(1, name.encode()), _bytes_field(2, version.encode())]
    return b"".join(fields + [_bytes_field(3, extension.encode()) for extension in extensions])


def read_piece(data: bytes) -> Piece:
    """Return what is in a ModelStreamInferResponse.

    Raises:
        MalformedError: the bytes are no protobuf message.
    """
    error, response = "", b""
    for number, kind, start, stop in _fields(data, 0, len(data)):
        if number == STREAM_ERROR and kind == BYTES:
            error = data[start:stop].decode(errors="replace")
        elif number == STREAM_RESPONSE and kind == BYTES:
            response = data[start:stop]
    return Piece(error, response, any(field[0] == OUTPUT for field in _fields(response, 0, len(response))))


def stream_reply(response: bytes) -> bytes:
    """Return a ModelStreamInferResponse with a ModelInferResponse."""
    return _bytes_field(STREAM_RESPONSE, response)


def stream_error(message: str, request: bytes) -> bytes:
    """Return a ModelStreamInferResponse that says what went wrong with a request, which its id names."""
    try:
        fields = list(_fields(request, 0, len(request)))
    except MalformedError:
        fields = []
    ids = [request[start:stop] for number, kind, start, stop in fields if (number, kind) == (ID, BYTES)]
    response = _bytes_field(ID, ids[-1]) if ids else b""
    return _bytes_field(STREAM_ERROR, message.encode()) + _bytes_field(STREAM_RESPONSE, response)


def _bytes_field(number: int, value: bytes) -> bytes:
    length, size = bytearray(), len(value)
    while size > 0x7F:  # noqa: PLR2004 - seven bits a byte
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((number << 3 | BYTES,)) + bytes(length) + value


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (number, wire type, start and stop of the value) of each field in data[position:end]."""
    for _ in range(MAX_FIELDS):
        if position >= end:
            return
        tag, position = _varint(data, position, end)
        kind = tag & 7
        if kind == BYTES:
            length, position = _varint(data, position, end)
            stop = position + length
        elif kind == VARINT:
            _, stop = _varint(data, position, end)
        elif kind == FIXED64:
            stop = position + 8
        elif kind == FIXED32:
            stop = position + 4
        else:
            raise MalformedError("the request is no ModelInferRequest: it holds a field of an unknown wire type")
        if stop > end or tag >> 3 == 0:
            raise MalformedError("the request is no ModelInferRequest: it is cut off or not protobuf")
        yield tag >> 3, kind, position, stop
        position = stop
    if position < end:
        raise MalformedError(f"the request holds more than {MAX_FIELDS} fields; is it a ModelInferRequest?")


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return the number at `position` and the position behind it."""
    value = shift = 0
    while position < end and shift < 70:  # noqa: PLR2004 - ten bytes of seven bits
        byte = data[position]
        position += 1
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value | byte << shift, position
        value |= (byte & 0x7F) << shift
        shift += 7
    raise MalformedError("the request is no ModelInferRequest: it is cut off or not protobuf")


def _read_parameter(data: bytes, start: int, stop: int, found: dict[str, Scalar]) -> bool:
    """Tell whether an entry of the map of parameters is for the router, and if so add its value to `found`."""
    key, value = None, None
    for number, kind, first, last in _fields(data, start, stop):
        if kind == BYTES and number == 1:
            key = PARAMETERS.get(data[first:last]) if last - first <= MAX_TEXT_BYTES else None
        elif kind == BYTES:
            value = (first, last)
    if key is not None and value is not None:
        found[key] = _scalar(data, *value, key)
    return key is not None


def _scalar(data: bytes, start: int, stop: int, key: str) -> Scalar:
    """Return the value of an InferParameter; the last one counts, as in any protobuf reader."""
    value: Scalar = ""
    for number, kind, first, last in _fields(data, start, stop):
        if kind == VARINT:
            whole = _varint(data, first, last)[0] & 0xFFFF_FFFF_FFFF_FFFF
            if number == BOOL:
                value = bool(whole)
            elif number == INT64:
                value = whole - (whole >> 63 << 64)
            elif number == UINT64:
                value = whole
        elif kind == BYTES and number == STRING:
            value = _text(data, first, last, key)
        elif kind == FIXED64 and number == DOUBLE:
            value = float(_DOUBLE.unpack_from(data, first)[0])
    return value


def _text(data: bytes, start: int, stop: int, field: str) -> str:
    if stop - start > MAX_TEXT_BYTES:
        raise MalformedError(f"{field}: longer than {MAX_TEXT_BYTES} bytes")
    try:
        return data[start:stop].decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"{field}: not UTF-8") from error
