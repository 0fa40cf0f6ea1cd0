"""The pictures of a report, as SVG that is the same for the same report. They compute no figure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from besteffort_study.cell import BOUND
from besteffort_study.document import POINT, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matplotlib.axes import Axes

    from besteffort_study.comparison import Row
    from besteffort_study.report import Report, Scene, SettingReport

__all__ = ["draw"]

_WIDTH_IN, _PANEL_IN = 11.0, 3.6
_INK, _MUTED, _FAINT = "#1b1f24", "#626b76", "#dfe3e8"
_COLOURS = (
    "#0072b2", "#009e73", "#c97b00", "#cc79a7", "#56b4e9", "#d55e00", "#8a7300",
    "#6a51a3", "#a6761d", "#1b7837", "#e7298a", "#4575b4", "#7f7f7f", "#b2182b",
)  # fmt: skip
_STYLE: dict[Any, Any] = {  # matplotlib's type for the keys is a list of hundreds
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "besteffort",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_IN_SCENE = 4
"""Other policies in the picture of a burst: the best of that round."""


def draw(report: Report) -> Mapping[str, str]:
    """Return every picture as an SVG element, by the name that the document gives it."""
    with mpl.rc_context(_STYLE):
        return {name: _svg(figure(report)) for name, figure in _FIGURES.items()}


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", facecolor="white", metadata=metadata)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _frontier(report: Report) -> Figure:
    settings = [s for s in report.settings if len(_stable(s)) > 1]
    figure, panels = _panels(max(len(settings), 1), columns=2)
    for axes, setting in zip(panels, settings, strict=False):
        loads = [table.loads[0].load for table in _stable(setting)]
        for number, row in enumerate(_stable(setting)[0].rows):
            y = [table.rows[number].of_peak.mean for table in _stable(setting)]
            axes.plot(loads, y, label=row.policy, **_line(row.policy, number))
        axes.set_xscale("log")
        axes.set_xticks(loads, [f"{load:g}x" for load in loads])
        axes.minorticks_off()
        _dress(axes, f"{name_of(setting)}: reward, part of peak")
    _legend(figure, panels[0])
    return figure


def _stable(setting: SettingReport) -> list[Any]:
    return sorted((t for t in setting.singles if t.loads[0].workload == "poisson"), key=lambda t: t.loads[0].load)


def _burst(report: Report) -> Figure:
    figure, panels = _panels(2, columns=1)
    found = next(((s, s.scene) for s in report.settings if s.scene), None)
    if found is None:
        return figure
    setting, scene = found
    seconds = np.arange(len(scene.peak))
    panels[0].fill_between(seconds, scene.peak, color=_MUTED, alpha=0.3, linewidth=0)
    _dress(panels[0], f"{name_of(setting)}, {scene.load.name}: what arrives in each second, worth at best")
    for number, (policy, rewards) in _best_of(scene):
        earned = np.pad(np.array(rewards), (0, len(scene.peak) - len(rewards)))
        part = earned / np.maximum(np.array(scene.peak), 1e-9)
        panels[1].plot(seconds, part, label=policy, **_line(policy, number))
    _dress(panels[1], "reward of what arrives in each second, part of that")
    panels[1].set_xlabel("seconds")
    _legend(figure, panels[1])
    return figure


def _best_of(scene: Scene) -> Iterator[tuple[int, tuple[str, tuple[float, ...]]]]:
    """Yield ours and the best others, the worst of all too, each with its number among the entrants."""
    entries = list(enumerate(scene.rewards))
    others = sorted(entries[1:], key=lambda entry: -sum(entry[1][1]))
    yield from (entries[0], *others[:_IN_SCENE], *others[_IN_SCENE:][-1:])


def _windows(report: Report) -> Figure:
    tables = [(setting, setting.groups[-1]) for setting in report.settings]
    figure, panels = _panels(2 * max(len(tables), 1), columns=2)
    for number, (setting, table) in enumerate(tables):
        rows = [row for row in table.rows if row.windows]
        for axes, first, width in ((panels[2 * number], 0, "10 s"), (panels[2 * number + 1], 2, "1 s")):
            _bars(axes, rows, first)
            _dress(axes, f"{name_of(setting)}: windows of {width}, %")
    _legend(figure, panels[0])
    return figure


def _bars(axes: Axes, rows: Sequence[Row], first: int) -> None:
    y = np.arange(len(rows))
    for k, (colour, label) in enumerate((("#56b4e9", "at 96 % of peak"), ("#0072b2", "at 98 % of peak"))):
        values = [POINT * row.windows[first + k].mean for row in rows]
        halves = [POINT * row.windows[first + k].half for row in rows]
        axes.barh(y + 0.4 * k - 0.2, values, 0.4, xerr=halves, color=colour, label=label, ecolor=_MUTED)
    axes.set_yticks(y, [row.policy for row in rows])
    axes.set_xlim(left=0.0)
    axes.invert_yaxis()


def _shift(report: Report) -> Figure:
    shifts = [(setting, shift) for setting in report.settings for shift in setting.shifts]
    figure = Figure(figsize=(_WIDTH_IN, max(0.26 * len(shifts) + 1.0, 2.0)), layout="constrained")
    axes, narrow = figure.subplots(), sorted({shift.narrow for _, shift in shifts})
    for y, (_, shift) in enumerate(shifts):
        ahead = shift.comparison.paired.ahead
        colour = _COLOURS[narrow.index(shift.narrow) % len(_COLOURS)]
        axes.errorbar(POINT * ahead.mean, y, xerr=POINT * ahead.half, fmt="o", color=colour, markersize=4)
    names = [f"{shift.narrow}: {name_of(setting)}, {shift.load.name}" for setting, shift in shifts]
    axes.set_yticks(range(len(shifts)), names)
    axes.invert_yaxis()
    axes.axvline(0.0, color=_INK, linewidth=0.8)
    _dress(axes, "tuned on a few loads, less tuned on all: points")
    return figure


def _panels(count: int, *, columns: int) -> tuple[Figure, Sequence[Axes]]:
    rows = -(-count // columns)
    figure = Figure(figsize=(_WIDTH_IN, _PANEL_IN * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in panels[count:]:
        unused.set_visible(False)
    return figure, panels


def _line(policy: str, number: int) -> dict[str, Any]:
    if policy == BOUND:
        return {"color": _INK, "linewidth": 1.0, "linestyle": (0, (4, 2)), "zorder": 3}
    if number == 0:
        return {"color": _INK, "linewidth": 2.4, "zorder": 4}
    style = "-" if number <= len(_COLOURS) else ":"
    return {"color": _COLOURS[(number - 1) % len(_COLOURS)], "linewidth": 1.2, "linestyle": style}


def _dress(axes: Axes, heading: str) -> None:
    axes.set_title(heading, loc="left", fontsize=10, fontweight="bold", color=_INK)
    axes.grid(color=_FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_MUTED)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False)


_FIGURES: Mapping[str, Callable[[Report], Figure]] = {
    "frontier": _frontier,
    "burst": _burst,
    "windows": _windows,
    "shift": _shift,
}
