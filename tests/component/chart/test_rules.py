"""The alerts: Prometheus takes the rules, each fires and is silent when it should, and says where its runbook is."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from besteffort_core.model import Reason
from besteffort_operator import errors
from besteffort_operator.errors import ApiError
from besteffort_operator.metrics import UNEXPECTED
from support.chart import CHART, EVERYTHING, ROOT, of_kind, render, run
from support.metrics import OPERATOR, ROUTER, labels_of, names_in

RULES = yaml.safe_load((CHART / "files" / "rules.yaml").read_text())
TESTS = ROOT / "tests" / "golden" / "alerts"
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule
}
RECORDS = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}


def test_prometheus_takes_the_rules() -> None:
    done = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", str(CHART / "files" / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_and_is_silent_as_its_test_file_says(alert: str) -> None:
    path = TESTS / f"{alert}.yaml"
    checks = [one for test in yaml.safe_load(path.read_text())["tests"] for one in test["alert_rule_test"]]
    assert {one["alertname"] for one in checks} == {alert}
    assert any(one["exp_alerts"] for one in checks), "it never fires"
    assert any(not one["exp_alerts"] for one in checks), "it is never silent"
    done = run("promtool", "test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_test_file_is_left_without_its_alert() -> None:
    assert {path.stem for path in TESTS.glob("*.yaml")} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_and_its_runbook_is_there(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert anchor == alert.lower()
    headings = re.findall(r"^## (\S+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert alert in headings


def test_the_page_of_runbooks_has_no_alert_that_is_gone() -> None:
    headings = re.findall(r"^## (BestEffort\S+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert set(headings) == set(ALERTS)


def test_the_runbook_of_reconcile_errors_knows_the_errors_that_there_are() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text().partition("## BestEffortReconcileErrors")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", text.partition("\n## ")[0], re.MULTILINE))
    assert named == {
        name.removesuffix("Error") for name in errors.__all__ if issubclass(getattr(errors, name), ApiError)
    } - {"Api"} | {UNEXPECTED}


def test_the_runbook_of_the_fallback_knows_every_reason() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text()
    reasons = {reason.value for reason in Reason if reason.value.startswith("fallback_")}
    assert set(re.findall(r"^\| `(fallback_\w+)` \|", text, re.MULTILINE)) == reasons


def test_the_rules_name_only_metrics_and_labels_that_there_are() -> None:
    for group in RULES["groups"]:
        for rule in group["rules"]:
            for name in names_in(rule["expr"]):
                assert name in {*ROUTER, *OPERATOR, *RECORDS}, name
            asked = {label for labels in re.findall(r"\{([^}]*)\}", rule["expr"]) for label in labels_of(labels)}
            assert asked <= {"outcome", "reason", "ready"}


def test_the_chart_ships_these_rules_and_puts_the_runbooks_where_they_are() -> None:
    here = of_kind(render(EVERYTHING), "PrometheusRule")["spec"]
    assert here == RULES
    metrics = {"metrics": {"rules": {"enabled": True, "runbooks": "https://wiki.example/alerts"}}}
    there = of_kind(render(metrics), "PrometheusRule")["spec"]
    links = [
        rule["annotations"]["runbook_url"] for group in there["groups"] for rule in group["rules"] if "alert" in rule
    ]
    assert links == [f"https://wiki.example/alerts#{alert.lower()}" for alert in ALERTS]
