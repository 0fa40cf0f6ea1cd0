"""The picture of a replay: offered load, who answered, what each policy earned, over time. It computes no figure."""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from besteffort_cli.series import Scene, instants_s, mean_reward_rps, offered_rps, reward_rps, size_shares, total_shares

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["INKS", "LIGHT", "Palette", "draw_png", "draw_svg"]

_WIDTH_IN, _HEIGHT_IN = 10.5, 9.0
_ROOM = 0.105  # of a panel's height, between two labels
_STYLE: dict[Any, Any] = {  # matplotlib's type for the keys is a list of hundreds
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "besteffort",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Palette:
    """Colours by role; the sizes' follow Okabe and Ito, so that every common colour vision tells them apart."""

    ink: str
    muted: str
    faint: str
    ground: str
    sizes: tuple[str, ...]


LIGHT = Palette("#1b1f24", "#626b76", "#dfe3e8", "#ffffff", ("#0072b2", "#009e73", "#c97b00", "#cc79a7", "#56b4e9"))
INKS = Palette("#010101", "#010102", "#010103", "#010104", ("#010111", "#010112", "#010113", "#010114", "#010115"))
"""Stand-ins without meaning, for a page that puts a style variable in the place of each."""


def draw_png(scene: Scene, path: Path) -> None:
    """Write the picture as a PNG file on white."""
    with mpl.rc_context(_STYLE):
        figure = _figure(scene, LIGHT)
        figure.set_size_inches(_WIDTH_IN, _HEIGHT_IN + 1.0)
        figure.subplots_adjust(top=0.845, bottom=0.055)
        figure.text(0.07, 0.97, scene.title, fontsize=17, fontweight="bold", color=LIGHT.ink, va="top")
        figure.text(0.07, 0.94, textwrap.fill(scene.measured, 125), color=LIGHT.muted, va="top", linespacing=1.4)
        figure.savefig(path, format="png", dpi=160, facecolor=LIGHT.ground)


def draw_svg(scene: Scene, palette: Palette) -> str:
    """Return the picture as an SVG element without a ground, its texts as text."""
    buffer = io.StringIO()
    with mpl.rc_context(_STYLE):
        _figure(scene, palette).savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _figure(scene: Scene, palette: Palette) -> Figure:
    figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN))
    axes = figure.subplots(3, 1, sharex=True, height_ratios=(1.0, 1.0, 1.15))
    figure.subplots_adjust(left=0.07, right=0.79, top=0.965, bottom=0.06, hspace=0.32)
    _load(axes[0], scene, palette)
    _shares(axes[1], scene, palette)
    _rewards(axes[2], scene, palette)
    axes[2].set_xlim(0, scene.length_s)
    axes[2].set_xlabel("seconds", color=palette.muted, loc="right")
    return figure


def _panel(axes: Axes, palette: Palette, heading: str) -> None:
    axes.set_title(heading, loc="left", fontsize=11, fontweight="bold", color=palette.ink, pad=9)
    axes.set_facecolor("none")
    axes.tick_params(colors=palette.muted)
    axes.spines["bottom"].set_color(palette.muted)
    axes.grid(axis="y", color=palette.faint, linewidth=0.8)
    axes.set_axisbelow(True)


def _load(axes: Axes, scene: Scene, palette: Palette) -> None:
    limits = ", and what each size alone can carry" if scene.capacities_rps else ""
    _panel(axes, palette, f"Requests offered per second{limits}")
    x, offered = instants_s(scene.length_s), offered_rps(scene.turns[0], scene.length_s)
    axes.fill_between(x, offered, color=palette.muted, alpha=0.22, linewidth=0)
    axes.plot(x, offered, color=palette.ink, linewidth=1.6)
    top = 1.12 * max(float(offered.max()), 1.0)
    axes.set_ylim(0, top)
    labels = []
    for size, colour in zip(scene.sizes, palette.sizes, strict=False):
        capacity = scene.capacities_rps.get(size)
        if capacity is None:
            continue
        text = f"{size} {capacity:.0f}/s" + (" (above)" if capacity > top else "")
        labels.append((min(capacity, top), text, colour))
        if capacity <= top:
            axes.axhline(capacity, color=colour, linewidth=1.6, linestyle=(0, (5, 2)))
    _label_right(axes, labels)


def _shares(axes: Axes, scene: Scene, palette: Palette) -> None:
    first = scene.turns[0]
    _panel(axes, palette, f"Who answered in time under {first.name}: share of the requests offered")
    x, shares = instants_s(scene.length_s), 100 * size_shares(first, scene.sizes, scene.length_s)
    edges = np.vstack([np.zeros_like(x), np.cumsum(shares, axis=0)])
    busy = offered_rps(first, scene.length_s) > 0
    for number, colour in zip(range(len(scene.sizes)), palette.sizes, strict=False):
        axes.fill_between(x, edges[number], edges[number + 1], where=busy, color=colour, alpha=0.85, linewidth=0)
    axes.fill_between(
        x, edges[-1], 100, where=busy, facecolor="none", edgecolor=palette.muted, hatch="////", linewidth=0
    )
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100], ["0", "50 %", "100 %"])
    _label_right(axes, _share_labels(scene, palette, edges))


def _share_labels(scene: Scene, palette: Palette, edges: NDArray[np.float64]) -> list[tuple[float, str, str]]:
    """Put each size's name beside the right end of its area, with its share of all requests."""
    total = [100 * share for share in total_shares(scene.turns[0], scene.sizes)]
    middles = (edges[:-1, -1] + edges[1:, -1]) / 2
    labels = [
        (float(y), f"{size or 'answered'} {share:.0f} %", colour)
        for y, size, share, colour in zip(middles, scene.sizes, total, palette.sizes, strict=False)
    ]
    lost = 100 - sum(total) if scene.turns[0].records else 0.0
    return [*labels, ((float(edges[-1, -1]) + 100) / 2, f"not in time {lost:.1f} %", palette.muted)]


def _rewards(axes: Axes, scene: Scene, palette: Palette) -> None:
    _panel(axes, palette, "Right answers in time, per second")
    x = instants_s(scene.length_s)
    labels: list[tuple[float, str, str]] = []
    top = 1.0
    for number, turn in reversed(list(enumerate(scene.turns))):
        y = reward_rps(turn, scene.length_s)
        top = max(top, float(y.max()))
        colour = palette.ink if number == 0 else _colour(turn.size, scene.sizes, palette)
        axes.plot(x, y, color=colour, linewidth=2.8 if number == 0 else 1.5)
        labels.append((float(y[-1]), f"{turn.name} {mean_reward_rps(turn, scene.length_s):.0f}/s", colour))
    axes.set_ylim(0, 1.08 * top)
    _label_right(axes, labels)


def _colour(size: str, sizes: Sequence[str], palette: Palette) -> str:
    return palette.sizes[sizes.index(size)] if size in sizes[: len(palette.sizes)] else palette.muted


def _label_right(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write labels beside the panel near their heights, in their order from below and apart from each other."""
    low, high = axes.get_ylim()
    ordered = sorted(labels)
    for place, (_, text, colour) in zip(
        _apart([(y - low) / (high - low) for y, _, _ in ordered]), ordered, strict=True
    ):
        axes.annotate(text, (1.015, place), xycoords="axes fraction", va="center", color=colour, fontweight="bold")


def _apart(places: Sequence[float]) -> list[float]:
    """Move rising places apart by the room that a line of text needs, upward first, then down from the top."""
    risen: list[float] = []
    for place in places:
        risen.append(max(place, risen[-1] + _ROOM) if risen else max(place, _ROOM / 4))
    lowered: list[float] = []
    for place in reversed(risen):
        lowered.append(min(place, lowered[-1] - _ROOM) if lowered else min(place, 1.0))
    return lowered[::-1]
