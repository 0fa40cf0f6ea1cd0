"""What the devices do: the backends that run on one share it equally, one alone has it all. Compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from besteffort_core.model import Pool
    from besteffort_sim.servers import Servers

__all__ = ["begin", "end", "look_ahead", "next_finish"]


def next_finish(servers: Servers) -> tuple[float, int]:
    """Return when the next iteration ends and on which backend, the lowest device on a tie; infinity, -1: none runs."""
    best_s, best = np.inf, -1
    for device in range(servers.end_s.shape[0]):
        if servers.end_s[device] < best_s:
            best_s, best = servers.end_s[device], servers.ending[device]
    return best_s, best


def begin(servers: Servers, pool: Pool, backend: int, work_s: float, now_s: float) -> None:
    """Begin an iteration of so much work."""
    device = pool.device_of[backend]
    _advance(servers, pool, device, now_s)
    servers.running[backend] = True
    servers.work_s[backend] = work_s
    servers.sharing[device] += 1


def end(servers: Servers, pool: Pool, backend: int, now_s: float) -> None:
    """End the iteration of a backend."""
    device = pool.device_of[backend]
    _advance(servers, pool, device, now_s)
    servers.running[backend] = False
    servers.sharing[device] -= 1


def _advance(servers: Servers, pool: Pool, device: int, now_s: float) -> None:
    """Let each running backend of a device do its equal share of the time since the last change."""
    if servers.sharing[device] > 0:
        share_s = (now_s - servers.as_of_s[device]) / servers.sharing[device]
        for place in range(pool.hosted.shape[1]):
            backend = pool.hosted[device, place]
            if backend >= 0 and servers.running[backend]:
                servers.work_s[backend] = max(servers.work_s[backend] - share_s, 0.0)
    servers.as_of_s[device] = now_s


def look_ahead(servers: Servers, pool: Pool, device: int) -> None:
    """Note which iteration of a device ends next, the lowest index on a tie."""
    servers.end_s[device], servers.ending[device] = np.inf, -1
    for place in range(pool.hosted.shape[1]):
        backend = pool.hosted[device, place]
        if backend >= 0 and servers.running[backend]:
            end_s = servers.as_of_s[device] + servers.work_s[backend] * servers.sharing[device]
            if end_s < servers.end_s[device]:
                servers.end_s[device], servers.ending[device] = end_s, backend
