"""RouterConfig as the router uses it: an immutable value, checked as a whole.

Each refusal is one sentence that names the field.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from google.protobuf import json_format

from besteffort.v1.config_pb2 import Policy as PolicyMessage
from besteffort.v1.config_pb2 import RouterConfig
from besteffort_core.bundle import MAX_BYTES as MAX_BUNDLE_BYTES
from besteffort_core.bundle import parse_bundle, require_kind, require_layout
from besteffort_core.errors import BundleError, PoolError
from besteffort_core.policy import NETWORKS, Kind, build_policy
from besteffort_core.pool import BackendSpec, SizeSpec, build_pool
from besteffort_router.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from besteffort_core.bundle import Bundle
    from besteffort_core.model import Pool
    from besteffort_core.policy import Policy

__all__ = ["Backend", "Replica", "Settings", "load_settings", "read_bounded", "settings_from_message"]

MAX_CONFIG_BYTES = 1024 * 1024
DIGEST_SHOWN = 12
DEFAULT_MAX_REQUESTS = 512
DEFAULT_MAX_BYTES = 64 * 1024 * 1024
LAST_PORT = 65535
MOST = {"tasks": 64, "sizes": 32, "backends": 1024}
"""Bounds the labels of metrics and the time of a decision."""

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_ADDRESS = re.compile(r"[^\s/]+:([0-9]{1,5})")
_METRICS_URL = re.compile(r"http://([^\s/]+:[0-9]{1,5})(/\S*)?")
_KINDS = {
    PolicyMessage.KIND_UNSPECIFIED: Kind.PRICE,
    PolicyMessage.LEARNED: Kind.LEARNED,
    PolicyMessage.DQN: Kind.DQN,
    PolicyMessage.PRICE: Kind.PRICE,
    PolicyMessage.GREEDY: Kind.GREEDY,
    PolicyMessage.LADDER: Kind.LADDER,
    PolicyMessage.STATIC: Kind.STATIC,
    PolicyMessage.ROUND_ROBIN: Kind.ROUND_ROBIN,
    PolicyMessage.LEAST_LOADED: Kind.LEAST_LOADED,
}


class Replica(NamedTuple):
    """One Triton server."""

    name: str
    address: str
    metrics_url: str


class Backend(NamedTuple):
    """One size on one replica, in the order of the pool."""

    replica: Replica
    size: int
    size_name: str
    model: str
    decoupled: bool = False
    """The model answers through ModelStreamInfer only."""


class Settings(NamedTuple):
    """A checked configuration."""

    model_name: str
    default_s: float
    max_s: float
    tasks: tuple[str, ...]
    sizes: tuple[str, ...]
    backends: tuple[Backend, ...]
    pool: Pool
    policy: Policy
    max_requests: int
    max_bytes: int
    message: RouterConfig
    """What they were made from; never changed."""
    bundle: Bundle | None
    digest: str = ""
    """First 12 hexadecimal digits of the SHA-256 of the file."""
    bundle_path: Path | None = None
    bundle_error: str = ""
    """Why the bundle is not in use; empty: it is, or there is none."""
    policy_since_s: float = 0.0
    """Unix time at which this policy was first read."""


def load_settings(path: Path) -> Settings:
    """Return the settings in a RouterConfig file and the policy bundle that it names; unknown fields are passed over.

    A bundle that is missing or refused does not refuse the configuration: its policy falls back.

    Raises:
        ConfigError: the file cannot be read or what it says is refused.
    """
    data = read_bounded(path, MAX_CONFIG_BYTES, "config")
    try:
        # The operator that wrote it may be newer than this router, which in a client's pod stays as it is.
        message = json_format.Parse(data, RouterConfig(), ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"config {path}: not the JSON of a RouterConfig ({reason})") from error
    bundle, bundle_error, bundle_path = None, "", None
    if message.policy.bundle_path:
        bundle_path = path.parent / message.policy.bundle_path
        bundle, bundle_error = _load_bundle(bundle_path, message)
    settings = settings_from_message(message, bundle)
    digest = hashlib.sha256(data).hexdigest()[:DIGEST_SHOWN]
    return settings._replace(
        digest=digest, bundle_path=bundle_path, bundle_error=bundle_error, policy_since_s=time.time()
    )


def settings_from_message(message: RouterConfig, bundle: Bundle | None = None) -> Settings:
    """Return the settings that a RouterConfig says; a backend whose name is yet to be resolved is checked, but none.

    Raises:
        ConfigError: naming the field.
    """
    _require_label("model_name", message.model_name)
    for field, most in MOST.items():
        if len(getattr(message, field)) > most:
            raise ConfigError(f"{field}: more than {most}")
    tasks, sizes = _distinct("tasks", message.tasks), _distinct("sizes.name", [size.name for size in message.sizes])
    if not sizes:
        raise ConfigError("sizes: at least one is needed")
    default_s, max_s, grace_factor = _deadline(message)
    _check_sizes(message, tasks)
    backends = _backends(message, sizes)
    return Settings(
        model_name=message.model_name,
        default_s=default_s,
        max_s=max_s,
        tasks=tasks,
        sizes=sizes,
        backends=backends,
        pool=_pool(message, tasks, backends, grace_factor),
        policy=_policy(message, sizes, bundle),
        max_requests=_limit("max_requests", message.limits.max_requests, DEFAULT_MAX_REQUESTS),
        max_bytes=_limit("max_bytes", message.limits.max_bytes, DEFAULT_MAX_BYTES),
        message=message,
        bundle=bundle,
    )


def read_bounded(path: Path, most_bytes: int, what: str) -> bytes:
    """Return the bytes of a regular file of at most `most_bytes`.

    Raises:
        ConfigError: it cannot be read, is no regular file or is larger.
    """
    try:
        # Not blocking: opening a pipe that nobody writes would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{what} {path}: not a regular file")
            data = file.read(most_bytes + 1) if status.st_size <= most_bytes else b""
    except OSError as error:
        raise ConfigError(f"{what} {path}: cannot be read ({error.strerror})") from error
    if status.st_size > most_bytes or len(data) > most_bytes:
        raise ConfigError(f"{what} {path}: larger than {most_bytes} bytes; is this the right file?")
    return data


def _load_bundle(path: Path, message: RouterConfig) -> tuple[Bundle | None, str]:
    """Return the bundle, or None and why it is refused."""
    try:
        bundle = parse_bundle(read_bounded(path, MAX_BUNDLE_BYTES, "policy bundle"))
        require_layout(bundle, message.tasks, [size.name for size in message.sizes])
        require_kind(bundle, _KINDS.get(message.policy.kind, ""))
    except (ConfigError, BundleError) as error:
        return None, str(error)
    return bundle, ""


def _deadline(message: RouterConfig) -> tuple[float, float, float]:
    deadline = message.deadline
    for field in ("default_s", "max_s"):
        value = getattr(deadline, field)
        if not (math.isfinite(value) and value > 0.0):
            raise ConfigError(f"deadline.{field}: {value:g} is not a positive number of seconds")
    if deadline.default_s > deadline.max_s:
        raise ConfigError(f"deadline.default_s: {deadline.default_s:g} is more than deadline.max_s {deadline.max_s:g}")
    grace_factor = deadline.grace_factor or 1.0
    if not (math.isfinite(grace_factor) and grace_factor >= 1.0):
        raise ConfigError(f"deadline.grace_factor: {grace_factor:g} is not a number from 1 up")
    return deadline.default_s, deadline.max_s, grace_factor


def _check_sizes(message: RouterConfig, tasks: tuple[str, ...]) -> None:
    for size in message.sizes:
        field = f"sizes[{size.name}]"
        if not size.model:
            raise ConfigError(f"{field}.model: missing; it is the model's name in Triton")
        for task, quality in [("", size.quality), *size.quality_by_task.items()]:
            if not 0.0 <= quality <= 1.0:
                raise ConfigError(f"{field}.quality{f'_by_task[{task}]' if task else ''}: {quality:g} is not in 0 to 1")
            if task and task not in tasks:
                raise ConfigError(f"{field}.quality_by_task: {task!r} is not one of tasks")


def _backends(message: RouterConfig, sizes: tuple[str, ...]) -> tuple[Backend, ...]:
    _distinct("backends.name", [backend.name for backend in message.backends])
    by_name = {size.name: size for size in message.sizes}
    found = []
    for backend in message.backends:
        field = f"backends[{backend.name}]"
        if not _is_address(backend.address):
            raise ConfigError(f"{field}.address: {backend.address!r} is not host:port")
        if backend.metrics_url and not _is_metrics_url(backend.metrics_url):
            raise ConfigError(f"{field}.metrics_url: {backend.metrics_url!r} is not http://host:port/path")
        replica = Replica(backend.name, backend.address, backend.metrics_url)
        for name in _distinct(f"{field}.sizes", backend.sizes):
            if name not in by_name:
                raise ConfigError(f"{field}.sizes: {name!r} is not one of {', '.join(sizes)}")
            size = by_name[name]
            if not backend.resolve:
                found.append(Backend(replica, sizes.index(name), name, size.model, size.decoupled))
    return tuple(found)


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and 1 <= int(found[1]) <= LAST_PORT


def _is_metrics_url(text: str) -> bool:
    found = _METRICS_URL.fullmatch(text)
    return found is not None and _is_address(found[1])


def _pool(message: RouterConfig, tasks: tuple[str, ...], backends: tuple[Backend, ...], grace_factor: float) -> Pool:
    devices = {backend.name: backend.device or backend.name for backend in message.backends}
    specs = []
    for size in message.sizes:
        seconds = {point.batch: point.seconds for point in size.latency}
        specs.append(SizeSpec(size.name, size.quality, dict(size.quality_by_task), seconds))
        try:
            build_pool((), specs[-1:], ())
        except PoolError as error:
            raise ConfigError(f"sizes[{size.name}].latency: {error}") from error
    lanes = [BackendSpec(backend.size_name, devices[backend.replica.name]) for backend in backends]
    return build_pool(tasks, specs, lanes, grace_factor=grace_factor)


def _policy(message: RouterConfig, sizes: tuple[str, ...], bundle: Bundle | None) -> Policy:
    wanted = message.policy
    for field in ("kind", "fallback"):
        if getattr(wanted, field) not in _KINDS:
            raise ConfigError(f"policy.{field}: {getattr(wanted, field)} is not a policy that this router knows")
    kind, fallback = _KINDS[wanted.kind], _KINDS[wanted.fallback]
    if fallback in NETWORKS:
        raise ConfigError(f"policy.fallback: {fallback} may lack its bundle itself; name a heuristic such as PRICE")
    static_size = 0
    if Kind.STATIC in (kind, fallback):
        if wanted.static_size not in sizes:
            raise ConfigError(f"policy.static_size: {wanted.static_size!r} is not one of {', '.join(sizes)}")
        static_size = sizes.index(wanted.static_size)
    shadow, lost = wanted.mode == PolicyMessage.SHADOW, bool(wanted.bundle_path) and bundle is None
    return build_policy(kind, fallback, bundle, static_size=static_size, shadow=shadow, bundle_lost=lost)


def _limit(field: str, value: int, default: int) -> int:
    if value < 0:
        raise ConfigError(f"limits.{field}: {value} is negative; leave it out for {default}")
    return value or default


def _distinct(field: str, values: Iterable[str]) -> tuple[str, ...]:
    names = tuple(values)
    for name in names:
        _require_label(field, name)
        if names.count(name) > 1:
            raise ConfigError(f"{field}: {name!r} is there twice")
    return names


def _require_label(field: str, value: str) -> None:
    if not _LABEL.fullmatch(value):
        raise ConfigError(f"{field}: {value!r} is not a name of letters, digits, '-', '_' and '.', at most 63")
