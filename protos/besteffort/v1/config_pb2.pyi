from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RouterConfig(_message.Message):
    __slots__ = ("model_name", "deadline", "tasks", "sizes", "backends", "policy", "limits")
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    BACKENDS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    model_name: str
    deadline: Deadline
    tasks: _containers.RepeatedScalarFieldContainer[str]
    sizes: _containers.RepeatedCompositeFieldContainer[Size]
    backends: _containers.RepeatedCompositeFieldContainer[Backend]
    policy: Policy
    limits: Limits
    def __init__(self, model_name: _Optional[str] = ..., deadline: _Optional[_Union[Deadline, _Mapping]] = ..., tasks: _Optional[_Iterable[str]] = ..., sizes: _Optional[_Iterable[_Union[Size, _Mapping]]] = ..., backends: _Optional[_Iterable[_Union[Backend, _Mapping]]] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ...) -> None: ...

class Deadline(_message.Message):
    __slots__ = ("default_s", "max_s", "grace_factor")
    DEFAULT_S_FIELD_NUMBER: _ClassVar[int]
    MAX_S_FIELD_NUMBER: _ClassVar[int]
    GRACE_FACTOR_FIELD_NUMBER: _ClassVar[int]
    default_s: float
    max_s: float
    grace_factor: float
    def __init__(self, default_s: _Optional[float] = ..., max_s: _Optional[float] = ..., grace_factor: _Optional[float] = ...) -> None: ...

class Size(_message.Message):
    __slots__ = ("name", "model", "quality", "quality_by_task", "latency", "decoupled")
    class QualityByTaskEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    QUALITY_BY_TASK_FIELD_NUMBER: _ClassVar[int]
    LATENCY_FIELD_NUMBER: _ClassVar[int]
    DECOUPLED_FIELD_NUMBER: _ClassVar[int]
    name: str
    model: str
    quality: float
    quality_by_task: _containers.ScalarMap[str, float]
    latency: _containers.RepeatedCompositeFieldContainer[BatchLatency]
    decoupled: bool
    def __init__(self, name: _Optional[str] = ..., model: _Optional[str] = ..., quality: _Optional[float] = ..., quality_by_task: _Optional[_Mapping[str, float]] = ..., latency: _Optional[_Iterable[_Union[BatchLatency, _Mapping]]] = ..., decoupled: bool = ...) -> None: ...

class BatchLatency(_message.Message):
    __slots__ = ("batch", "seconds")
    BATCH_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    batch: int
    seconds: float
    def __init__(self, batch: _Optional[int] = ..., seconds: _Optional[float] = ...) -> None: ...

class Backend(_message.Message):
    __slots__ = ("name", "address", "metrics_url", "sizes", "device", "resolve")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    METRICS_URL_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    metrics_url: str
    sizes: _containers.RepeatedScalarFieldContainer[str]
    device: str
    resolve: bool
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ..., metrics_url: _Optional[str] = ..., sizes: _Optional[_Iterable[str]] = ..., device: _Optional[str] = ..., resolve: bool = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("kind", "mode", "fallback", "bundle_path", "static_size")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Policy.Kind]
        LEARNED: _ClassVar[Policy.Kind]
        PRICE: _ClassVar[Policy.Kind]
        GREEDY: _ClassVar[Policy.Kind]
        LADDER: _ClassVar[Policy.Kind]
        STATIC: _ClassVar[Policy.Kind]
        ROUND_ROBIN: _ClassVar[Policy.Kind]
        LEAST_LOADED: _ClassVar[Policy.Kind]
        DQN: _ClassVar[Policy.Kind]
    KIND_UNSPECIFIED: Policy.Kind
    LEARNED: Policy.Kind
    PRICE: Policy.Kind
    GREEDY: Policy.Kind
    LADDER: Policy.Kind
    STATIC: Policy.Kind
    ROUND_ROBIN: Policy.Kind
    LEAST_LOADED: Policy.Kind
    DQN: Policy.Kind
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[Policy.Mode]
        ENFORCE: _ClassVar[Policy.Mode]
        SHADOW: _ClassVar[Policy.Mode]
    MODE_UNSPECIFIED: Policy.Mode
    ENFORCE: Policy.Mode
    SHADOW: Policy.Mode
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_PATH_FIELD_NUMBER: _ClassVar[int]
    STATIC_SIZE_FIELD_NUMBER: _ClassVar[int]
    kind: Policy.Kind
    mode: Policy.Mode
    fallback: Policy.Kind
    bundle_path: str
    static_size: str
    def __init__(self, kind: _Optional[_Union[Policy.Kind, str]] = ..., mode: _Optional[_Union[Policy.Mode, str]] = ..., fallback: _Optional[_Union[Policy.Kind, str]] = ..., bundle_path: _Optional[str] = ..., static_size: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_requests", "max_bytes")
    MAX_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    max_requests: int
    max_bytes: int
    def __init__(self, max_requests: _Optional[int] = ..., max_bytes: _Optional[int] = ...) -> None: ...
