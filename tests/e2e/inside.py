"""The part of the test that runs inside the namespaces: the cluster, then the steps on it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import traceback
from pathlib import Path

from e2e.ground import PRODUCT, start_cluster
from e2e.scenario import play
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
    figures: dict[str, object] = {}
    try:
        with steps.step(f"a cluster of {NODES} nodes with images"):
            kubectl = start_cluster(asked.folder, asked.archives, nodes=NODES)
        world = World(kubectl, "localhost/besteffort", PRODUCT, _models(asked.folder), figures=figures)
        play(asked.plan, world, steps)
    except Exception:  # noqa: BLE001 - whatever a step raises is what the run has to say
        traceback.print_exc()
        return 1
    finally:
        (asked.folder / "results.json").write_text(json.dumps({"steps_s": steps.seconds, "figures": figures}))
    return 0


def _models(folder: Path) -> Path:
    """Return a copy of the demo's model repository without links."""
    return Path(shutil.copytree(ROOT / "examples" / "demo" / "models", folder / "models"))


if __name__ == "__main__":
    sys.exit(main())
