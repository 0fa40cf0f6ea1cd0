"""What a report says, in words and tables, before it is Markdown or HTML. It computes no figure but their spelling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from besteffort_study.cell import BOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from besteffort_study.comparison import Comparison, Row, Table
    from besteffort_study.report import Report, SettingReport
    from besteffort_train.evaluation import Interval

__all__ = ["Cells", "Picture", "Section", "build_document"]

POINT = 100.0
"""One point is a hundredth of peak."""


@dataclass(frozen=True, slots=True)
class Cells:
    """A table: its headings, and rows of as many texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by the name that `plots.draw` gives it, and what it shows in a sentence."""

    name: str
    shows: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a level from 1 up, and what stands under it."""

    title: str
    level: int
    parts: tuple[str | Cells | Picture, ...]


def build_document(report: Report) -> list[Section]:
    """Return the sections of a report, in order."""
    return [
        _opening(report),
        *_frontier(report),
        Section("A burst", 2, (_SCENE,)),
        Section("Windows", 2, (_WINDOWS, _windows(report))),
        *_shift(report),
        _losses(report),
        *(section for setting in report.settings for section in _setting(setting)),
    ]


_FRONTIER = Picture("frontier", "Reward as part of peak against load, Poisson arrivals, a panel for each setting.")
_SCENE = Picture("burst", "Reward second by second in one round of a bursty workload, under the load that was offered.")
_WINDOWS = Picture("windows", "Share of windows that reach 96 % and 98 % of their peak, workloads that are not stable.")
_SHIFT = Picture("shift", "What policies lose that were tuned on a narrow range of loads, by where they are tested.")


_MEASURED = """All policies meet the same requests, and are compared run by run. Points are hundredths of peak; peak is
what the best size would earn if it answered every request in time. ± is the 95 % interval over seeds (Student's t)."""


def _opening(report: Report) -> Section:
    above = sum(table.violations for setting in report.settings for table in setting.singles)
    held = "no run passed it" if above == 0 else f"{above} RUNS PASSED IT, so it or they are wrong"
    played = f"Study `{report.study}`: {len(report.settings)} settings, {report.seeds} seeds. {report.about}"
    if report.source:
        played += f" Source and numbers that played: `{report.source}`."
    bound = f"The bound is clairvoyant: no policy can earn more, whatever it knows of the future; {held}."
    return Section("Results", 1, (played, _MEASURED.replace("\n", " "), bound, _summary(report)))


def _summary(report: Report) -> Cells:
    rows = []
    for setting in report.settings:
        for table in setting.groups:
            ours, others = table.rows[0], _others(setting.ours, table)
            best = min(others, key=lambda one: one.paired.ahead.mean, default=None)
            strongest = ("", "") if best is None else (best.other, points(best.paired.ahead))
            figures = (spread(ours.of_peak), share_of_bound(ours))
            rows.append((name_of(setting), table.name, setting.ours, *figures, *strongest))
    return Cells(
        ("setting", "workloads", "ours", "of peak", "of bound", "strongest other", "ahead of it, points"), tuple(rows)
    )


def _others(ours: str, table: Table) -> list[Comparison]:
    """Return the comparisons with policies that are not ours in another training."""
    return [one for one in table.comparisons if not one.other.startswith(f"{ours},")]


def _frontier(report: Report) -> Iterator[Section]:
    if tables := tuple(_frontier_tables(report)):
        yield Section("Quality against load", 2, (_FRONTIER, *tables))


def _frontier_tables(report: Report) -> Iterator[str | Cells]:
    for setting in report.settings:
        tables = [table for table in setting.singles if table.loads[0].workload == "poisson"]
        if tables:
            yield f"{name_of(setting)}, part of peak; 1x is {setting.unit_rps:.0f} requests a second:"
            yield _by_load(tables, [f"{table.loads[0].load:g}x" for table in tables])


def _by_load(tables: Sequence[Table], names: Sequence[str]) -> Cells:
    policies = [row.policy for row in tables[0].rows]
    rows = [(policy, *(f"{table.rows[k].of_peak.mean:.3f}" for table in tables)) for k, policy in enumerate(policies)]
    return Cells(("policy", *names), tuple(rows))


def _windows(report: Report) -> Cells:
    rows = []
    for setting in report.settings:
        rows += [
            (name_of(setting), row.policy, *(f"{window.mean:.1%}" for window in row.windows))
            for row in setting.groups[-1].rows
            if row.windows
        ]
    return Cells(("setting", "policy", "10 s, 96 %", "10 s, 98 %", "1 s, 96 %", "1 s, 98 %"), tuple(rows))


def _shift(report: Report) -> Iterator[Section]:
    rows = [
        (
            name_of(setting),
            shift.load.name,
            shift.narrow,
            f"{shift.comparison.ours:.3f}",
            f"{shift.comparison.theirs:.3f}",
            points(shift.comparison.paired.ahead),
        )
        for setting in report.settings
        for shift in setting.shifts
    ]
    if rows:
        head = ("setting", "tested on", "tuned on a few loads", "of peak", "tuned on all", "difference, points")
        yield Section("Shift", 2, (_SHIFT, Cells(head, tuple(rows))))


def _losses(report: Report) -> Section:
    lost = []
    compared = 0
    for setting in report.settings:
        for table in (*setting.groups, *setting.singles):
            compared += len(table.comparisons)
            lost += [(setting, table, one) for one in table.comparisons if one.paired.loses]
    lost.sort(key=lambda entry: entry[2].paired.ahead.mean)
    rows = [(name_of(setting), table.name, *_compared(one)) for setting, table, one in lost]
    says = (
        f"Every comparison of ours with another policy whose whole interval lies below 0: {len(rows)} of {compared}. "
        "By chance alone about one in forty would."
    )
    return Section(
        "Where ours loses", 2, (says, Cells(("setting", "workloads", *_COMPARED), tuple(rows))) if rows else (says,)
    )


def _setting(setting: SettingReport) -> Iterator[Section]:
    says = f"1x is {setting.unit_rps:.0f} requests a second. Ours is {setting.ours}. Part of peak by load:"
    yield Section(name_of(setting), 2, (says, _by_load(setting.singles, [table.name for table in setting.singles])))
    for table in setting.groups:
        loads = ", ".join(load.name for load in table.loads)
        head = ("policy", "of peak", "of bound", "in time", "late", "refused", "p95 ms", *setting.sizes)
        rows = tuple(_figures(row, len(setting.sizes)) for row in table.rows)
        compared = Cells(_COMPARED, tuple(_compared(one) for one in table.comparisons))
        yield Section(f"{name_of(setting)}: {table.name}", 3, (f"Mean over {loads}.", Cells(head, rows), compared))


def _figures(row: Row, sizes: int) -> tuple[str, ...]:
    shares = tuple(f"{share:.0%}" for share in row.sizes) or ("",) * sizes
    p95 = "" if row.p95_s is None else f"{1000 * row.p95_s:.0f}"
    rest = tuple("" if share is None else f"{share:.1%}" for share in (row.in_time, row.late, row.refused))
    return (row.policy, spread(row.of_peak), share_of_bound(row), *rest, p95, *shares)


_COMPARED = ("against", "ours, of peak", "theirs", "ratio", "ahead, points", "runs won")


def _compared(one: Comparison) -> tuple[str, ...]:
    ratio = f"{one.ours / one.theirs:.2f}x" if one.theirs > 0 else "-"
    tied = f", {one.paired.tied} tied" if one.paired.tied else ""
    won = f"{one.paired.won} of {one.paired.runs}{tied}"
    return one.other, f"{one.ours:.3f}", f"{one.theirs:.3f}", ratio, points(one.paired.ahead), won


def name_of(setting: SettingReport) -> str:
    """Return what a setting is called."""
    return f"{setting.scenario} on {setting.layout}"


def share_of_bound(row: Row) -> str:
    """Spell how much of the bound a policy reaches; of the bound itself nothing."""
    return "" if row.of_bound is None or row.policy == BOUND else f"{row.of_bound.mean:.1%}"


def spread(value: Interval) -> str:
    """Spell a part of peak with its interval."""
    return f"{value.mean:.3f}" + (f" ± {value.half:.3f}" if math.isfinite(value.half) else "")


def points(value: Interval) -> str:
    """Spell a difference of parts of peak in points, with its interval."""
    return f"{POINT * value.mean:+.2f}" + (f" ± {POINT * value.half:.2f}" if math.isfinite(value.half) else "")
