"""What the tree itself promises: import names, sizes, generated files, locks."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(
    path.parent for top in ("cli", "learning", "operator", "router") for path in (ROOT / top).glob("*/__init__.py")
)
MODULES = sorted(path for package in PACKAGES for path in package.rglob("*.py"))
LOCKS = sorted([*ROOT.glob("requirements/*.txt"), *ROOT.glob("cli/besteffort_cli/*requirements.txt")])


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", ["operator", "router", "learning", "cli", "protos", "tests"])
def test_a_folder_on_the_path_is_no_package_itself(folder: str) -> None:
    """An `operator/__init__.py` would hide the standard library's operator from every Python started here."""
    assert not (ROOT / folder / "__init__.py").exists()
    assert folder == "tests" or not list((ROOT / folder).glob("*.py"))


def test_tests_are_no_packages_but_the_one_that_a_benchmark_is_named_like() -> None:
    """Without it `import e2e` would find benchmarks/e2e.py, wherever that stands on the path."""
    assert list((ROOT / "tests").rglob("__init__.py")) == [ROOT / "tests" / "e2e" / "__init__.py"]


def test_no_module_hides_one_of_the_standard_library() -> None:
    """A program started beside such a file would import that instead."""
    assert not [path for path in (ROOT / "tests").rglob("*.py") if path.stem in sys.stdlib_module_names]


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_says_what_it_is_for_and_stays_readable(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    assert len(text.splitlines()) <= 400
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 40]
    assert not long


def test_the_generated_protos_are_current(tmp_path: Path) -> None:
    sources = sorted((ROOT / "protos/besteffort/v1").glob("*.proto"))
    arguments = ["-Iprotos", f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", *map(relative, sources)]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], cwd=ROOT, check=True)
    assert len(sources) > 1
    for made in sorted(tmp_path.rglob("*_pb2.py*")):
        assert made.read_text() == (ROOT / "protos/besteffort/v1" / made.name).read_text(), "run `make protos`"


@pytest.mark.parametrize("path", LOCKS, ids=relative)
def test_a_lock_pins_and_hashes_everything_and_names_no_index(path: Path) -> None:
    lines = path.read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert pins
    assert all("==" in line for line in pins)
    assert sum("--hash=sha256:" in line for line in lines) >= len(pins)
    assert not [line for line in lines if re.search(r"https?://|--index|--find-links", line)]


def test_ci_runs_exactly_the_commands_that_the_readme_names() -> None:
    commands = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line.startswith("make")]
    assert commands == ["make test", "make e2e"]
    assert all(command in (ROOT / "README.md").read_text() for command in commands)
