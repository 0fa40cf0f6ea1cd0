from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RouterStatus(_message.Message):
    __slots__ = ("config_digest", "policy", "backends", "rate_rps", "refused_total", "requests_total")
    CONFIG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    RATE_RPS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    config_digest: str
    policy: PolicyStatus
    backends: _containers.RepeatedCompositeFieldContainer[BackendStatus]
    rate_rps: float
    refused_total: int
    requests_total: int
    def __init__(self, config_digest: _Optional[str] = ..., policy: _Optional[_Union[PolicyStatus, _Mapping]] = ..., backends: _Optional[_Iterable[_Union[BackendStatus, _Mapping]]] = ..., rate_rps: _Optional[float] = ..., refused_total: _Optional[int] = ..., requests_total: _Optional[int] = ...) -> None: ...

class PolicyStatus(_message.Message):
    __slots__ = ("kind", "mode", "digest", "loaded_at_s", "error")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOADED_AT_S_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    kind: str
    mode: str
    digest: str
    loaded_at_s: float
    error: str
    def __init__(self, kind: _Optional[str] = ..., mode: _Optional[str] = ..., digest: _Optional[str] = ..., loaded_at_s: _Optional[float] = ..., error: _Optional[str] = ...) -> None: ...

class BackendStatus(_message.Message):
    __slots__ = ("size", "replica", "ready", "backlog_s", "in_flight", "correction")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_S_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    CORRECTION_FIELD_NUMBER: _ClassVar[int]
    size: str
    replica: str
    ready: bool
    backlog_s: float
    in_flight: int
    correction: float
    def __init__(self, size: _Optional[str] = ..., replica: _Optional[str] = ..., ready: bool = ..., backlog_s: _Optional[float] = ..., in_flight: _Optional[int] = ..., correction: _Optional[float] = ...) -> None: ...
