"""The shallow reader against the real messages, hand-made ones and garbage."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from google.protobuf.message import DecodeError
from tritonclient.grpc import service_pb2

from besteffort_router.errors import MalformedError
from besteffort_router.wire import (
    MAX_FIELDS,
    flag_reply,
    name_field,
    read_head,
    renamed,
    renamed_config,
    server_metadata_reply,
)
from support.router import request_bytes

if TYPE_CHECKING:
    from besteffort_router.wire import Scalar


def infer_request(**parameters: Scalar) -> service_pb2.ModelInferRequest:
    request = service_pb2.ModelInferRequest(model_name="assistant", model_version="3", id="number-7")
    for key, value in parameters.items():
        kind = {bool: "bool_param", int: "int64_param", str: "string_param", float: "double_param"}[type(value)]
        setattr(request.parameters[key.replace("_size", "-size")], kind, value)
    tensor = request.inputs.add(name="text_input", datatype="BYTES", shape=[1, 1])
    tensor.parameters["deadline_ms"].int64_param = 1
    request.outputs.add(name="text_output")
    request.raw_input_contents.append(b"\x05\x00\x00\x00hello")
    return request


@pytest.mark.parametrize("value", [1, -1, 2**62, -(2**63), 0.25, float("inf"), "250", "", "ä", True])
def test_a_parameter_of_any_type_is_read_as_the_real_message_holds_it(value: Scalar) -> None:
    head = read_head(infer_request(deadline_ms=value).SerializeToString())
    assert head.model_name == "assistant"
    assert head.parameters == {"deadline_ms": value}
    assert type(head.parameters["deadline_ms"]) is type(value)


def test_an_unsigned_parameter_is_read() -> None:
    request = infer_request()
    request.parameters["deadline_ms"].uint64_param = 2**64 - 1
    assert read_head(request.SerializeToString()).parameters == {"deadline_ms": 2**64 - 1}


def test_only_the_parameters_that_routing_reads_are_read() -> None:
    request = infer_request(task="sorting", bes_size="small", priority=1, secret="x" * 5000)
    assert read_head(request.SerializeToString()).parameters == {"task": "sorting", "bes-size": "small"}


def test_renaming_changes_the_model_name_and_no_other_byte() -> None:
    request = infer_request(custom=1.5)
    data = request.SerializeToString()
    changed = renamed(data, read_head(data).own_spans, name_field("model_large"))
    assert changed == name_field("model_large") + data[len(name_field("assistant")) :]
    request.model_name = "model_large"
    assert service_pb2.ModelInferRequest.FromString(changed) == request


def test_the_routers_own_parameters_end_there() -> None:
    request = infer_request(deadline_ms=100, custom=1.5, task="sorting", bes_size="small")
    data = request.SerializeToString()
    changed = service_pb2.ModelInferRequest.FromString(renamed(data, read_head(data).own_spans, name_field("m")))
    for own in ("deadline_ms", "task", "bes-size"):
        del request.parameters[own]
    request.model_name = "m"
    assert changed == request


def test_a_name_that_stands_late_or_twice_is_replaced_everywhere() -> None:
    rest = request_bytes()[len(name_field("assistant")) :]
    data = name_field("first") + rest + name_field("assistant")
    head = read_head(data)
    assert head.model_name == "assistant"
    assert renamed(data, head.own_spans, name_field("m")) == name_field("m") + rest


def test_a_request_without_a_name_gets_one() -> None:
    data = service_pb2.ModelInferRequest(id="x").SerializeToString()
    head = read_head(data)
    assert head.model_name == ""
    assert service_pb2.ModelInferRequest.FromString(renamed(data, head.own_spans, name_field("m"))).model_name == "m"


def test_a_name_longer_than_a_length_byte_is_written_whole() -> None:
    name = "n" * 300
    assert service_pb2.ModelInferRequest.FromString(name_field(name)).model_name == name


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x0a\x05ab", "cut off"),
        (b"\x0a", "cut off"),
        (b"\xff" * 20, "cut off"),
        (b"\x02\x00", "cut off"),
        (b"\x0b\x0c", "wire type"),
        (b"\x0a\x02\xff\xfe", "model_name: not UTF-8"),
        (b"\x39\x00", "cut off"),
        (b"\x0a" + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut off"),
        (name_field("n" * 2000), "model_name: longer than 1024"),
        (request_bytes(task="t" * 2000), "task: longer than 1024"),
        (b"\x08\x01" * (MAX_FIELDS + 1), f"more than {MAX_FIELDS} fields"),
    ],
)
def test_garbage_is_refused_in_one_sentence(data: bytes, text: str) -> None:
    with pytest.raises(MalformedError, match=text):
        read_head(data)


def test_random_bytes_are_read_or_refused_and_never_anything_else() -> None:
    rng = random.Random(7)
    refused = 0
    for _ in range(5000):
        try:
            head = read_head(rng.randbytes(rng.randrange(60)))
        except MalformedError:
            refused += 1
        else:
            assert len(head.model_name) <= 1024
    assert refused > 1000


def test_a_damaged_message_is_read_as_protobuf_reads_it_or_refused() -> None:
    """Wherever the real parser takes the damaged bytes and this one too, they agree on the name."""
    rng = random.Random(8)
    good = infer_request(task="sorting", deadline_ms=250).SerializeToString()
    agreed = 0
    for _ in range(3000):
        damaged = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            head = read_head(bytes(damaged))
            real = service_pb2.ModelInferRequest.FromString(bytes(damaged))
        except (MalformedError, DecodeError):
            continue
        assert head.model_name == real.model_name
        agreed += 1
    assert agreed > 100


def test_the_largest_garbage_is_refused_within_milliseconds() -> None:
    data = b"\x08\x01" * 16_000_000
    before_s = time.process_time()
    with pytest.raises(MalformedError):
        read_head(data)
    assert time.process_time() - before_s < 0.1


def test_small_replies_are_those_of_the_real_messages() -> None:
    assert service_pb2.ServerReadyResponse.FromString(flag_reply(value=True)).ready
    assert not service_pb2.ModelReadyResponse.FromString(flag_reply(value=False)).ready
    reply = service_pb2.ServerMetadataResponse.FromString(server_metadata_reply("besteffort", "1.2", ("a", "b")))
    assert (reply.name, reply.version, list(reply.extensions)) == ("besteffort", "1.2", ["a", "b"])


def test_a_model_configuration_is_renamed_inside() -> None:
    reply = service_pb2.ModelConfigResponse()
    reply.config.name, reply.config.max_batch_size, reply.config.backend = "model_large", 8, "onnxruntime" * 20
    changed = service_pb2.ModelConfigResponse.FromString(renamed_config(reply.SerializeToString(), "assistant"))
    reply.config.name = "assistant"
    assert changed == reply
    assert renamed_config(b"", "assistant") == b""
