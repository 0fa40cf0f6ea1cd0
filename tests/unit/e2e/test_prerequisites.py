"""Where `make e2e` cannot run it says so in one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from cluster.errors import ClusterError
from e2e import prerequisites


def refusal() -> str:
    with pytest.raises(ClusterError) as caught:
        prerequisites.check()
    said = str(caught.value)
    assert said.count(".") == 1
    assert said.endswith("or give a cluster with --kubeconfig FILE.")
    return said


def test_another_system_than_linux_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux, not darwin" in refusal()


def test_a_user_who_is_not_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "needs root" in refusal()


def test_a_system_without_apt_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert "use Debian" in refusal()


def test_a_container_that_may_not_make_namespaces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    assert "unshare is refused here" in refusal()
