"""Is the resource's definition whole? On a real API server, which this starts: every rule refuses a case of its own.

Counted are the fields that say what they mean, the rules of CEL that refuse what breaks them alone and take what only
comes close, the forms of text likewise, and the copies of the definition that are what the models make. The last line
is one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the control plane and the cases are those of the tests

from besteffort_resource.crd import crd_yaml  # noqa: E402
from besteffort_resource.validations import VALIDATIONS  # noqa: E402
from cluster.control_plane import ApiServer  # noqa: E402
from support.crd import COMMITTED, Services, bad_forms, forms_of, installed, proven, schema_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = ROOT / "charts" / "besteffort" / "files" / "crd.yaml"


def main() -> None:
    begun = time.monotonic()
    schema = schema_of()
    fields = list(described(schema))
    with ApiServer() as server, installed(server):
        services = Services(server, "default")
        found = proven(services)
        wrong = bad_forms(services, schema)
    unproven = [rule.name for rule in VALIDATIONS if rule not in found]
    forms = list(forms_of(schema))
    current = [path.read_text(encoding="utf-8") == crd_yaml() for path in (COMMITTED, CHART)]
    counts = {
        "fields_described": [sum(is_said for _, is_said in fields), len(fields)],
        "rules_proven": [len(VALIDATIONS) - len(unproven), len(VALIDATIONS)],
        "forms_proven": [len(forms) - len(wrong), len(forms)],
        "copies_current": [sum(current), len(current)],
    }
    value = {name: round(good / of, 4) for name, (good, of) in counts.items()}
    goal = dict.fromkeys(value, 1.0)
    missing = [path for path, is_said in fields if not is_said] + unproven + list(wrong)
    report = {"bar": "crd", "value": value, "goal": goal, "holds": value == goal, "counts": counts, "missing": missing}
    print(json.dumps(report | {"seconds": round(time.monotonic() - begun, 1)}))


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield path, and whether it is described, of every field but metadata, which is Kubernetes' own."""
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        if below == "metadata":
            continue
        yield below, bool(field.get("description"))
        yield from described(field, below)
        yield from described(field.get("items", {}), f"{below}[]")


if __name__ == "__main__":
    main()
