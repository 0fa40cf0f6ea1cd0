"""How often a service is asked: the families of workloads, each a function of its name, a mean rate and a seed.

docs/evaluation.md defines them in words. A family's draw depends on nothing else, so that all policies and pools meet
the same requests.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from besteffort_sim.workload import Bursts, Poisson, Renewals, arrivals_within, build_workload
from besteffort_study.errors import StudyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from besteffort_sim.model import Workload
    from besteffort_sim.workload import Traffic
    from besteffort_study.scenarios import Scenario

__all__ = [
    "FAMILIES",
    "STABLE_LOADS",
    "TEST_SEEDS",
    "TUNING_SEEDS",
    "UNIT_SEEDS",
    "UNPREDICTABLE",
    "VALIDATION_SEEDS",
    "azure_trace_s",
    "draw_workload",
]

FAMILIES = ("poisson", "maf", "mmpp", "azure")
DURATION_S = 60.0
STABLE_LOADS = (0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 10.0, 14.0, 20.0)
"""Of poisson, in load units."""
UNPREDICTABLE = tuple(
    (family, load)
    for family, loads in (("maf", (0.5, 1.0, 2.0, 4.0)), ("mmpp", (0.5, 1.0, 2.0)), ("azure", (0.5, 1.0, 2.0, 4.0)))
    for load in loads
)
"""The workloads and loads that "unpredictable" is the mean of."""
TEST_SEEDS = range(1_000)
VALIDATION_SEEDS = range(1_000_000, 2_000_000)
TUNING_SEEDS = range(2_000_000, 3_000_000)
UNIT_SEEDS = range(3_000_000, 4_000_000)
"""What a policy is tuned on, picked by, and tested on, and what the load unit is searched with, never meet."""

LULL, BURST = 0.4, 3.4
"""Rates of mmpp over their mean, for 8 s and 2 s on average."""
WARM_UP_S = 30.0
"""Until it no longer matters that a two-state process begins in a lull."""
SQUEEZE = 10.0
"""So many seconds of a trace become one."""
STEP_S = 0.1
"""How long the rate of a trace is held; the arrivals within are Poisson."""


def draw_workload(
    scenario: Scenario,
    family: str,
    rate_rps: float,
    seed: int,
    *,
    duration_s: float = DURATION_S,
) -> Workload:
    """Return the requests of a scenario that arrive within a time at a mean rate.

    Raises:
        StudyError: no such family; or the trace is too short, or has a gap there.
    """
    rng = np.random.default_rng((seed, crc32(f"{scenario.base}/{family}".encode())))
    arrival_s = _arrivals(family, rate_rps, duration_s, rng)
    tasks, lengths = len(scenario.tasks), scenario.lengths
    load = build_workload(arrival_s, tasks, scenario.deadline_s, rng, drift=scenario.mix, lengths=lengths)
    deadline_s = np.where(load.output > 0, scenario.generation_deadline_s, scenario.deadline_s)
    return load._replace(deadline_s=deadline_s, noise=np.ones(arrival_s.size))


def _arrivals(family: str, rate_rps: float, duration_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    if family == "azure":
        return _along(azure_trace_s(), rate_rps, duration_s, rng)
    traffic = _traffic(family, rate_rps)
    arrival_s = arrivals_within(traffic, WARM_UP_S + duration_s, rng)
    later: NDArray[np.float64] = arrival_s[arrival_s >= WARM_UP_S] - WARM_UP_S
    return later


def _traffic(family: str, rate_rps: float) -> Traffic:
    match family:
        case "poisson":
            return Poisson(rate_rps)
        case "maf":
            return Renewals(rate_rps)
        case "mmpp":
            return Bursts(LULL * rate_rps, BURST * rate_rps)
        case _:
            raise StudyError(f"workload {family!r} is not one of {', '.join(FAMILIES)}")


def _along(
    trace_s: NDArray[np.float64], rate_rps: float, duration_s: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return arrivals at the rates of a part of a trace, sped up and scaled to the wanted mean over that part."""
    steps = round(duration_s / STEP_S)
    squeezed = (trace_s - trace_s[0]) / SQUEEZE
    counts = np.bincount((squeezed / STEP_S).astype(np.int64))
    if counts.size <= steps:
        raise StudyError(f"trace: it lasts {squeezed[-1] * SQUEEZE:.0f} s; {SQUEEZE * duration_s:.0f} s are needed")
    start = rng.integers(0, counts.size - steps)
    part = counts[start : start + steps]
    if part.sum() == 0:
        raise StudyError("trace: it has a gap as long as what was asked for")
    arriving = rng.poisson(part * (rate_rps * duration_s / part.sum()))
    found = (np.repeat(np.arange(steps), arriving) + rng.uniform(size=arriving.sum())) * STEP_S
    sorted_s: NDArray[np.float64] = np.sort(found)
    return sorted_s


def azure_trace_s() -> NDArray[np.float64]:
    """Return the seconds of the arrivals in the Azure code trace, ascending, from 0 on."""
    path = files("besteffort_study").joinpath("data", "AzureLLMInferenceTrace_code.csv")
    stamps = [line.partition(",")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    times = np.sort(np.array(stamps, dtype="datetime64[ns]"))
    seconds: NDArray[np.float64] = (times - times[0]).astype(np.float64) * 1e-9
    return seconds
