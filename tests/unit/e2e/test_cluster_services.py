"""The cluster's DNS has what it is told to use."""

from __future__ import annotations

import re

from cluster.binaries import MODULES
from e2e.cluster_services import COREFILE


def test_our_coredns_has_each_plugin_that_its_configuration_names() -> None:
    source = (MODULES / "programs" / "coredns" / "main.go").read_text()
    named = re.findall(r"^    (\w+)", COREFILE, re.MULTILINE)
    assert "kubernetes" in named
    assert [name for name in named if f'plugin/{name}"' not in source] == []
