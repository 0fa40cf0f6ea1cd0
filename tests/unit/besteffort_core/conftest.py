from __future__ import annotations

import pytest

from besteffort_core.model import Pool, Snapshot
from support.pools import snapshot, three_sizes


@pytest.fixture
def pool() -> Pool:
    return three_sizes()


@pytest.fixture
def idle() -> Snapshot:
    return snapshot([0, 0, 0])
