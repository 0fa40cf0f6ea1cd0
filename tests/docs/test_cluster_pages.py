"""The sh blocks of README and docs, which need a cluster: they are not run, but what they name is there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart import SAMPLES, render, run, template
from support.manifests import CONTEXT, GOLDEN, one, wanted_of
from support.processes import BESTEFFORT

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands() -> list[str]:
    """The commands of shell blocks, continued lines joined, without pipes."""
    blocks = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    return list(dict.fromkeys(part.strip(" &") for line in lines for part in re.split(r" && | \| ", line)))


def words(command: str) -> list[str]:
    return shlex.split(command, comments=True)


COMMANDS = commands()
KNOWN = {".venv/bin/pip", "besteffort", "docker", "helm", "kubectl", "python3"}


def test_the_pages_use_known_programs_only() -> None:
    assert {words(command)[0] for command in COMMANDS} == KNOWN


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("besteffort ")])
def test_a_verb_has_the_options_that_a_page_uses(command: str) -> None:
    parts = words(command)[1:]
    verb = parts[: 2 if parts[0] == "policy" else 1]
    said = subprocess.run([BESTEFFORT, *verb, "-h"], capture_output=True, text=True, check=True).stdout
    for option in (word for word in parts if word.startswith("--")):
        assert re.search(rf"{option}\b", said), option


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("helm ")])
def test_helm_has_the_options_that_a_page_uses(command: str) -> None:
    parts = words(command)[1:]
    said = run("helm", parts[0], "--help").stdout
    for option in (word.partition("=")[0] for word in parts if word.startswith("--")):
        assert f"{option} " in said, option
    for path in (word for word in parts if "/" in word and not word.startswith(("image", "routerImage", "REGISTRY"))):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--filename manifests/" in command])
def test_a_manifest_that_a_page_applies_is_there(command: str) -> None:
    parts = words(command)
    assert (ROOT / parts[parts.index("--filename") + 1]).exists()


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("docker build")])
def test_a_dockerfile_is_there(command: str) -> None:
    parts = words(command)
    assert (ROOT / parts[parts.index("--file") + 1]).exists()


def blocks(name: str) -> list[Any]:
    text = (ROOT / "docs" / f"{name}.md").read_text()
    return [yaml.safe_load(re.sub("^   ", "", one)) for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def test_the_values_that_the_page_shows_are_taken() -> None:
    shown = next(block for block in blocks("install") if "webhook" in block)
    for image in ("image", "routerImage"):
        shown[image] = {"repository": "registry.example/x", "digest": "sha256:" + "0" * 64}
    assert render(shown)


def test_the_adapters_rule_serves_what_an_hpa_asks_for() -> None:
    """It is the same query as KEDA's, with the adapter's words for what is asked."""
    (rule,) = next(block for block in blocks("autoscaling") if "externalRules" in block)["externalRules"]
    wanted = wanted_of(GOLDEN / "input" / "dedicated-and-scaled.yaml")
    (asked,) = one(wanted, "HorizontalPodAutoscaler", "assistant-triton-large")["spec"]["metrics"]
    metric = asked["external"]["metric"]
    assert rule["name"]["as"] == metric["name"]
    labels = {"namespace": CONTEXT.namespace, **metric["selector"]["matchLabels"], "size": "largest"}
    matchers = ",".join(f'{label}="{value}"' for label, value in labels.items())
    (trigger,) = one(wanted, "ScaledObject", "assistant-triton-largest")["spec"]["triggers"]
    assert rule["metricsQuery"].replace("<<.LabelMatchers>>", matchers) == trigger["metadata"]["query"]
    assert rule["seriesQuery"].partition("{")[0] in trigger["metadata"]["query"]


def test_values_set_on_a_command_line_are_taken() -> None:
    helm = [command for command in COMMANDS if command.startswith("helm ")]
    given = [word for command in helm for word in words(command) if re.match(r"[a-zA-Z.]+=", word)]
    assert given
    for value in given:
        done = template({}, "--set", value.replace("REGISTRY", "registry.example"))
        assert done.returncode == 0, done.stderr


def test_the_kustomization_names_the_argument_that_it_replaces() -> None:
    """It counts arguments: the first must stay the router's image."""
    patch = next(block for block in blocks("install") if "patches" in block)["patches"][0]
    operation = yaml.safe_load(patch["patch"])[0]
    deployment = next(one for one in render({}) if one["kind"] == patch["target"]["kind"])
    assert deployment["metadata"]["name"] == patch["target"]["name"]
    found: Any = deployment
    for word in operation["path"].strip("/").split("/"):
        found = found[int(word) if isinstance(found, list) else word]
    assert found.startswith("--router-image=")


def test_the_page_of_the_first_service_names_every_sample() -> None:
    text = (ROOT / "docs" / "first-service.md").read_text()
    assert set(re.findall(r"manifests/samples/([a-z-]+)\.yaml\)", text)) == {path.stem for path in SAMPLES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / link).exists(), link
