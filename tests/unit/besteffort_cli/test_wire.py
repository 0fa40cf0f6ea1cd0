from __future__ import annotations

from tritonclient.grpc import service_pb2

from besteffort_cli.dataset import Row
from besteffort_cli.wire import Trailers, infer_request, read_trailers, text_output

Response = service_pb2.ModelInferResponse


def reply(*outputs: tuple[str, bytes]) -> bytes:
    message = Response(outputs=[Response.InferOutputTensor(name=name) for name, _ in outputs])
    message.raw_output_contents.extend(len(text).to_bytes(4, "little") + text for _, text in outputs)
    data: bytes = message.SerializeToString()
    return data


def test_a_request_is_what_triton_reads() -> None:
    message = service_pb2.ModelInferRequest.FromString(infer_request("assistant", Row("addition", "ä=", "1"), 0.4))
    assert message.model_name == "assistant"
    assert message.parameters["task"].string_param == "addition"
    assert message.parameters["deadline_ms"].int64_param == 400
    assert message.raw_input_contents[0] == b"\x03\x00\x00\x00\xc3\xa4="


def test_a_deadline_below_a_millisecond_is_still_one() -> None:
    message = service_pb2.ModelInferRequest.FromString(infer_request("m", Row("t", "p", "a"), 0.0001))
    assert message.parameters["deadline_ms"].int64_param == 1


def test_the_text_is_found_by_its_name() -> None:
    assert text_output(reply(("tokens", b"x"), ("text_output", "1=ä".encode()))) == "1=ä"


def test_text_that_is_not_utf8_is_replaced() -> None:
    assert text_output(reply(("text_output", b"\xff"))) == "\ufffd"


def test_a_reply_without_the_text_or_that_is_no_reply_gives_none() -> None:
    assert text_output(reply(("other", b"x"))) is None
    assert text_output(b"") is None
    assert text_output(None) is None
    assert text_output(b"\xff\xff") is None


def test_trailers_that_are_missing_or_broken_count_as_unsaid() -> None:
    assert read_trailers(None) == Trailers()
    assert read_trailers([("bes-quality", "much"), ("bes-size-bin", b"\x00")]) == Trailers()
    assert read_trailers([("bes-size", "s"), ("bes-quality", "0.5"), ("bes-refused", "hopeless")]) == Trailers(
        "s", "", 0.5, "hopeless"
    )
