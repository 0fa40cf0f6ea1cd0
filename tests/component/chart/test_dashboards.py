"""The dashboards: Grafana can load them, and every panel asks for metrics that there are."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from support.chart import CHART, EVERYTHING, render, run
from support.metrics import OPERATOR, ROUTER, labels_of, names_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PATHS = sorted((CHART / "files" / "dashboards").glob("*.json"))
KINDS = {"stat", "table", "timeseries"}
TARGET_LABELS = {"namespace", "besteffort_service", "job", "pod"}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


def test_a_dashboard_has_what_grafana_needs(dashboard: dict[str, Any]) -> None:
    assert re.fullmatch(r"[a-z-]{1,40}", dashboard["uid"])
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    variables = {one["name"]: one for one in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        assert panel["type"] in KINDS
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


def test_no_panels_overlap(dashboard: dict[str, Any]) -> None:
    for one, other in itertools.combinations([panel["gridPos"] for panel in dashboard["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in dashboard["panels"])


def test_a_panel_asks_only_for_metrics_and_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    known = ROUTER | OPERATOR
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            names = names_in(target["expr"])
            assert names, target["expr"]
            for name in names:
                assert name in known, name
            selected = {label for one in re.findall(r"\{([^}]*)\}", target["expr"]) for label in labels_of(one)}
            grouped = {word.strip() for one in re.findall(r"by \(([^)]*)\)", target["expr"]) for word in one.split(",")}
            shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            labels = set().union(*(known[name] for name in names)) | TARGET_LABELS | {"le"}
            assert selected | grouped | shown <= labels, target["expr"]


def test_prometheus_understands_every_panel(dashboard: dict[str, Any], tmp_path: Path) -> None:
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(asked)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = run("promtool", "check", "rules", str(path))
    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {len(asked)} rules found" in done.stdout


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    asked = {name for path in PATHS for name in names_in(path.read_text())}
    assert family(ROUTER | OPERATOR) <= family(asked)


def family(series: Iterable[str]) -> set[str]:
    """The names without what the series of a histogram end with."""
    return {re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", name) for name in series}


def test_a_variable_only_names_metrics_that_there_are(dashboard: dict[str, Any]) -> None:
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            assert set(names_in(variable["definition"])) <= set(ROUTER | OPERATOR)
            assert variable["definition"] == variable["query"]["query"]


def test_the_chart_ships_every_dashboard_as_grafanas_sidecar_finds_it() -> None:
    shipped = [one for one in render(EVERYTHING) if one["metadata"].get("labels", {}).get("grafana_dashboard") == "1"]
    texts = [text for one in shipped for text in one["data"].values()]
    assert sorted(json.loads(text)["uid"] for text in texts) == sorted(
        json.loads(path.read_text())["uid"] for path in PATHS
    )
