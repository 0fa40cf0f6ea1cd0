"""The part of the test that runs inside the namespaces: the cluster, then the steps on it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from cluster.errors import ClusterError
from e2e.ground import PRODUCT, start_cluster
from e2e.scenario import PLANS, play
from e2e.timing import Steps
from e2e.world import ROOT, World

NODES = 2


def main() -> int:
    """Run a plan; the results go to results.json in the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("plan")
    parser.add_argument("archives", nargs="+", type=Path)
    asked = parser.parse_args()
    # There is no way out of here, hence none to a proxy.
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    steps = Steps()
    results = {"passed": False, "steps_s": steps.seconds, "figures": {}}
    try:
        with steps.step(f"a cluster of {NODES} nodes with images"):
            kubectl = start_cluster(asked.folder, asked.archives, nodes=NODES)
        world = World(kubectl, "localhost/besteffort", PRODUCT, _models(asked.folder))
        results |= {"passed": play(PLANS[asked.plan], world, steps), "figures": world.figures}
    except ClusterError as error:
        print(f"e2e: {error}", file=sys.stderr)
    finally:
        (asked.folder / "results.json").write_text(json.dumps(results))
    return 0


def _models(folder: Path) -> Path:
    """Return a copy of the demo's model repository without links."""
    return Path(shutil.copytree(ROOT / "examples" / "demo" / "models", folder / "models"))


if __name__ == "__main__":
    sys.exit(main())
