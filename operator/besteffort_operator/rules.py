"""What the fields of a resource say about each other and how far they may go: one small named check for each rule.

A rule takes the spec and yields one sentence for each fault; its docstring is what the reference page prints.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from besteffort_operator.quantities import duration_s
from besteffort_operator.resource import DeadlineMode, PlacementMode, PolicyKind
from besteffort_operator.sentences import nearest, path_text, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from besteffort_operator.resource import Spec
    from besteffort_operator.size import Latency

__all__ = ["RULES", "broken_rules", "latency_faults"]

DEADLINE_S = (0.001, 3600.0)
GRACE_FACTOR_MAX = 100
QUEUE_BYTES = (64 << 10, 64 << 30)
OTHER = "other"


def broken_rules(spec: Spec) -> list[str]:
    """Return one sentence for each fault of a well-formed spec, in the order of the rules."""
    return [sentence for rule in RULES for sentence in rule(spec)]


def deadlines_are_bounded(spec: Spec) -> Iterator[str]:
    """Deadlines are from 1ms to 60m."""
    for name, text in (("default", spec.deadline.default), ("max", spec.deadline.max)):
        if not DEADLINE_S[0] <= duration_s(text) <= DEADLINE_S[1]:
            yield f"spec.deadline.{name}: {text} is out of range; write a duration from 1ms to 60m"


def default_deadline_is_at_most_max(spec: Spec) -> Iterator[str]:
    """`deadline.default` is at most `deadline.max`."""
    deadline = spec.deadline
    if deadline.default_s > deadline.max_s:
        yield f"spec.deadline.default: {deadline.default} is above spec.deadline.max ({deadline.max}); lower it"


def soft_grace_ends_after_the_deadline(spec: Spec) -> Iterator[str]:
    """In mode Soft `deadline.graceFactor` is above 1 and at most 100."""
    factor = spec.deadline.grace_factor
    if spec.deadline.mode is DeadlineMode.SOFT and not 1 < Decimal(factor) <= GRACE_FACTOR_MAX:
        yield f'spec.deadline.graceFactor: "{factor}" is not above 1 and at most 100; raise it, or set mode to Hard'


def tasks_are_unique(spec: Spec) -> Iterator[str]:
    """No task is listed twice."""
    yield from _repeated("spec.tasks", spec.tasks, field="")


def other_is_reserved(spec: Spec) -> Iterator[str]:
    """`other` is no task: it stands for every request without a listed one."""
    if OTHER in spec.tasks:
        yield (
            f"spec.tasks[{spec.tasks.index(OTHER)}]: other is reserved for requests without a listed task; "
            "remove or rename it"
        )


def sizes_are_unique(spec: Spec) -> Iterator[str]:
    """No two sizes have one name."""
    yield from _repeated("spec.sizes", [size.name for size in spec.sizes], field=".name")


def each_size_has_one_model_source(spec: Spec) -> Iterator[str]:
    """`sizes[].model` has exactly one of `repository` and `huggingFace`."""
    for i, size in enumerate(spec.sizes):
        sources = [source for source in (size.model.repository, size.model.hugging_face) if source]
        if len(sources) != 1:
            yield f"spec.sizes[{i}].model: has {_how_many(sources)}; write exactly one of repository and huggingFace"


def quality_is_by_known_tasks(spec: Spec) -> Iterator[str]:
    """Every key of `sizes[].quality.byTask` is one of `tasks`."""
    for i, size in enumerate(spec.sizes):
        for task in size.quality.by_task if size.quality else ():
            if task not in spec.tasks:
                path = path_text(["spec", "sizes", i, "quality", "byTask", task])
                yield f"{path}: not in spec.tasks; {nearest(task, spec.tasks)}"


def latency_ascends(spec: Spec) -> Iterator[str]:
    """The batches of `sizes[].latency` ascend, and every time is above 0."""
    for i, size in enumerate(spec.sizes):
        yield from latency_faults(f"spec.sizes[{i}].latency", size.latency or ())


def replicas_follow_the_placement(spec: Spec) -> Iterator[str]:
    """`placement.replicas` goes with Colocated only, `sizes[].replicas` with Dedicated only."""
    dedicated = spec.placement.mode is PlacementMode.DEDICATED
    if dedicated and spec.placement.replicas is not None:
        yield "spec.placement.replicas: goes with Colocated only; move it to spec.sizes[].replicas"
    for i, size in enumerate(spec.sizes):
        if not dedicated and size.replicas is not None:
            yield f"spec.sizes[{i}].replicas: goes with Dedicated only; move it to spec.placement.replicas"


def learned_policy_has_one_bundle(spec: Spec) -> Iterator[str]:
    """Kind Learned needs `policy.bundle`, and a bundle has exactly one of `path` and `configMapRef`."""
    bundle = spec.policy.bundle
    if bundle is None:
        if spec.policy.kind is PolicyKind.LEARNED:
            yield "spec.policy.bundle: is missing for kind Learned; write where the bundle is, or choose another kind"
        return
    sources = [source for source in (bundle.path, bundle.config_map_ref) if source]
    if len(sources) != 1:
        yield f"spec.policy.bundle: has {_how_many(sources)}; write exactly one of path and configMapRef"


def fallback_is_not_learned(spec: Spec) -> Iterator[str]:
    """`policy.fallback` is any kind but Learned: it must work without a bundle."""
    if spec.policy.fallback is PolicyKind.LEARNED:
        kinds = ", ".join(kind for kind in PolicyKind if kind is not PolicyKind.LEARNED)
        yield f"spec.policy.fallback: Learned cannot stand in for a missing bundle; write one of {kinds}"


def static_size_is_for_static(spec: Spec) -> Iterator[str]:
    """`policy.staticSize` names one of `sizes`; it stands exactly where `kind` or `fallback` is Static."""
    policy = spec.policy
    static = PolicyKind.STATIC in (policy.kind, policy.fallback)
    names = [size.name for size in spec.sizes]
    if static and policy.static_size is None:
        yield f"spec.policy.staticSize: is missing for Static; write one of {', '.join(names)}"
    elif not static and policy.static_size is not None:
        yield "spec.policy.staticSize: goes with kind or fallback Static only; remove it"
    elif policy.static_size is not None and policy.static_size not in names:
        hint = nearest(policy.static_size, names)
        yield f"spec.policy.staticSize: {shown(policy.static_size)} is not in spec.sizes; {hint}"


def queue_bytes_are_bounded(spec: Spec) -> Iterator[str]:
    """`router.queue.maxBytes` is from 64Ki to 64Gi."""
    queue = spec.router.queue
    if not QUEUE_BYTES[0] <= queue.byte_count <= QUEUE_BYTES[1]:
        yield f"spec.router.queue.maxBytes: {queue.max_bytes} is out of range; write a quantity from 64Ki to 64Gi"


RULES: tuple[Callable[[Spec], Iterator[str]], ...] = (
    deadlines_are_bounded,
    default_deadline_is_at_most_max,
    soft_grace_ends_after_the_deadline,
    tasks_are_unique,
    other_is_reserved,
    sizes_are_unique,
    each_size_has_one_model_source,
    quality_is_by_known_tasks,
    latency_ascends,
    replicas_follow_the_placement,
    learned_policy_has_one_bundle,
    fallback_is_not_learned,
    static_size_is_for_static,
    queue_bytes_are_bounded,
)


def latency_faults(path: str, latency: Latency) -> Iterator[str]:
    """Yield one sentence for each time that is 0 and each batch that does not ascend."""
    for i, point in enumerate(latency):
        if not Decimal(point.seconds):
            yield f'{path}[{i}].seconds: "{point.seconds}" is not above 0; write the measured seconds of the batch'
        if i and point.batch <= latency[i - 1].batch:
            yield f"{path}[{i}].batch: {point.batch} follows {latency[i - 1].batch}; sort the batches upward, each once"


def _repeated(path: str, names: Sequence[str], *, field: str) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            second = names.index(name, names.index(name) + 1)
            yield f"{path}[{second}]{field}: {name} is there {times} times; keep one"


def _how_many(sources: Sequence[object]) -> str:
    return "both sources" if sources else "no source"
