"""What the fields of a resource say about each other and how far they may go: one small named check for each rule.

A rule takes the spec and yields one sentence for each fault; its docstring is what the reference page prints.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from besteffort_resource import wording
from besteffort_resource.counting import how_many, repeated
from besteffort_resource.placement_rules import PLACEMENT_RULES
from besteffort_resource.policy_rules import POLICY_RULES
from besteffort_resource.quantities import duration_s
from besteffort_resource.running_rules import RUNNING_RULES
from besteffort_resource.sentences import nearest, path_text
from besteffort_resource.service import DeadlineMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from besteffort_resource.service import Spec
    from besteffort_resource.size import Latency

__all__ = ["RULES", "broken_rules", "latency_faults"]

DEADLINE = ("1ms", "60m")
GRACE_FACTOR_MAX = 100
OTHER = "other"


def broken_rules(spec: Spec) -> list[str]:
    """Return one sentence for each fault of a well-formed spec, in the order of the rules."""
    return [sentence for rule in RULES for sentence in rule(spec)]


def deadlines_are_bounded(spec: Spec) -> Iterator[str]:
    """Deadlines are from 1ms to 60m."""
    least, most = DEADLINE
    for name, text in (("default", spec.deadline.default), ("max", spec.deadline.max)):
        if not duration_s(least) <= duration_s(text) <= duration_s(most):
            yield f"spec.deadline.{name}: " + wording.DURATION_RANGE.format(value=text, least=least, most=most)


def default_deadline_is_at_most_max(spec: Spec) -> Iterator[str]:
    """`deadline.default` is at most `deadline.max`."""
    deadline = spec.deadline
    if deadline.default_s > deadline.max_s:
        yield "spec.deadline.default: " + wording.ABOVE_MAX.format(default=deadline.default, max=deadline.max)


def soft_grace_ends_after_the_deadline(spec: Spec) -> Iterator[str]:
    """In mode Soft `deadline.graceFactor` is above 1 and at most 100."""
    factor = spec.deadline.grace_factor
    if spec.deadline.mode is DeadlineMode.SOFT and not 1 < Decimal(factor) <= GRACE_FACTOR_MAX:
        yield "spec.deadline.graceFactor: " + wording.GRACE.format(factor=factor)


def tasks_are_unique(spec: Spec) -> Iterator[str]:
    """No task is listed twice."""
    yield from repeated("spec.tasks", spec.tasks)


def other_is_reserved(spec: Spec) -> Iterator[str]:
    """`other` is no task: it stands for every request without a listed one."""
    if OTHER in spec.tasks:
        yield f"spec.tasks[{spec.tasks.index(OTHER)}]: {wording.OTHER_RESERVED}"


def sizes_are_unique(spec: Spec) -> Iterator[str]:
    """No two sizes have one name."""
    yield from repeated("spec.sizes", [size.name for size in spec.sizes], field=".name")


def each_size_has_one_model_source(spec: Spec) -> Iterator[str]:
    """`sizes[].model` has exactly one of `repository` and `huggingFace`."""
    for i, size in enumerate(spec.sizes):
        count = how_many(size.model.repository, size.model.hugging_face)
        if count:
            yield f"spec.sizes[{i}].model: " + wording.MODEL_SOURCES.format(count=count)


def quality_is_by_known_tasks(spec: Spec) -> Iterator[str]:
    """Every key of `sizes[].quality.byTask` is one of `tasks`."""
    for i, size in enumerate(spec.sizes):
        for task in size.quality.by_task if size.quality else ():
            if task not in spec.tasks:
                path = path_text(["spec", "sizes", i, "quality", "byTask", task])
                yield f"{path}: {wording.UNKNOWN_TASK}; {nearest(task, spec.tasks)}"


def latency_ascends(spec: Spec) -> Iterator[str]:
    """The batches of `sizes[].latency` ascend, and every time is above 0."""
    for i, size in enumerate(spec.sizes):
        yield from latency_faults(f"spec.sizes[{i}].latency", size.latency or ())


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
    *PLACEMENT_RULES,
    *POLICY_RULES,
    *RUNNING_RULES,
)


def latency_faults(path: str, latency: Latency) -> Iterator[str]:
    """Yield one sentence for each time that is 0 and each batch that does not ascend."""
    for i, point in enumerate(latency):
        if not Decimal(point.seconds):
            yield f"{path}[{i}].seconds: " + wording.NO_TIME.format(seconds=point.seconds)
        if i and point.batch <= latency[i - 1].batch:
            yield f"{path}[{i}].batch: {point.batch} follows {latency[i - 1].batch}; sort the batches upward, each once"
