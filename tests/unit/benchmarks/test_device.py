from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from emulated.device import DEAD_AFTER_S, Device

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
SLACK_S = 0.05
"""What a busy machine may add."""
SHARER = """\
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from emulated.device import Device
device = Device(pathlib.Path(sys.argv[2]), 1)
print("ready", flush=True)
device.compute(60.0)
"""


def taken_s(device: Device, work_s: float) -> float:
    began_s = time.monotonic()
    device.compute(work_s)
    return time.monotonic() - began_s


def test_who_is_alone_takes_the_seconds_of_the_work(tmp_path: Path) -> None:
    device = Device(tmp_path / "device", 0)
    assert taken_s(device, 0.2) == pytest.approx(0.2, abs=SLACK_S)


def test_what_it_overslept_is_told(tmp_path: Path) -> None:
    device = Device(tmp_path / "device", 0)
    began_s = time.monotonic()
    overslept_s = device.compute(0.1)
    assert time.monotonic() - began_s - overslept_s == pytest.approx(0.1, abs=0.01)


def test_two_who_compute_at_once_get_half_each_and_all_of_it_when_one_is_done(tmp_path: Path) -> None:
    found: dict[int, float] = {}
    devices = [Device(tmp_path / "device", slot) for slot in range(2)]
    work_s = (0.1, 0.3)

    def run(slot: int) -> None:
        found[slot] = taken_s(devices[slot], work_s[slot])

    threads = [threading.Thread(target=run, args=(slot,)) for slot in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == pytest.approx(0.2, abs=SLACK_S)
    assert found[1] == pytest.approx(0.4, abs=SLACK_S)


def test_servers_do_not_share_the_devices_of_others(tmp_path: Path) -> None:
    other = threading.Thread(target=taken_s, args=(Device(tmp_path / "other", 0), 0.3))
    other.start()
    assert taken_s(Device(tmp_path / "device", 0), 0.1) == pytest.approx(0.1, abs=SLACK_S)
    other.join()


def test_a_process_that_is_killed_gives_its_share_back(tmp_path: Path) -> None:
    path = tmp_path / "device"
    command = [sys.executable, "-c", SHARER, str(BENCHMARKS), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as sharer:
        assert sharer.stdout
        sharer.stdout.readline()
        assert taken_s(Device(path, 0), 0.1) == pytest.approx(0.2, abs=SLACK_S)
        os.kill(sharer.pid, signal.SIGKILL)
    assert taken_s(Device(path, 0), 0.3) == pytest.approx(0.3 + DEAD_AFTER_S / 2, abs=SLACK_S + DEAD_AFTER_S / 2)
