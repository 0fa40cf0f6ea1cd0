"""Write Triton model repositories that need nothing but Triton itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOUT = Path(__file__).parent / "models" / "shout.py"
CONFIG = """\
name: "{name}"
backend: "python"
max_batch_size: {max_batch}
input [{{ name: "text_input" data_type: TYPE_STRING dims: [1] }}]
output [{{ name: "text_output" data_type: TYPE_STRING dims: [1] }}]
dynamic_batching {{ {batching} }}
instance_group [{{ kind: KIND_CPU count: 1 }}]
parameters [
  {{ key: "seconds" value: {{ string_value: "{seconds}" }} }},
  {{ key: "longest" value: {{ string_value: "{longest}" }} }}
]
"""


def write_model(
    root: Path, name: str, *, seconds: float = 0.0, longest: int = 99, max_batch: int = 4, batching: str = ""
) -> Path:
    """A model that answers in capitals what is no longer than `longest`; return its folder."""
    folder = root / name
    (folder / "1").mkdir(parents=True)
    values = {"name": name, "seconds": seconds, "longest": longest, "max_batch": max_batch, "batching": batching}
    (folder / "config.pbtxt").write_text(CONFIG.format(**values))
    shutil.copy(SHOUT, folder / "1" / "model.py")
    return folder


def write_service(path: Path, sizes: Sequence[str], *, more: str = "") -> Path:
    """A service of Dedicated sizes whose models lie beside it in `models`; `more` is YAML inside spec."""
    models = [f"  - {{name: {size}, model: {{repository: {{uri: ./models, name: {size}}}}}}}" for size in sizes]
    path.write_text(
        "apiVersion: serving.besteffort.dev/v1alpha1\nkind: BestEffortService\nmetadata: {name: shout}\nspec:\n"
        "  tasks: [short, long]\n  placement: {mode: Dedicated}\n" + more + "  sizes:\n" + "\n".join(models) + "\n"
    )
    return path


def write_prompts(path: Path, per_task: int = 6) -> Path:
    """Prompts of 2 letters (task short) and of 6 (task long), all answered in capitals."""
    letters = [chr(ord("a") + i) for i in range(per_task)]
    rows = [
        {"task": task, "prompt": letter * length, "answer": (letter * length).upper()}
        for letter in letters
        for task, length in (("short", 2), ("long", 6))
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_profile(path: Path, sizes: Sequence[str] = ("small", "large")) -> Path:
    """What a calibration might have found: each size slower and better than the one before."""
    blocks = {
        size: {
            "quality": {"default": f"{(i + 1) / len(sizes)}"},
            "latency": [{"batch": 1, "seconds": f"{0.004 * 8**i}"}],
        }
        for i, size in enumerate(sizes)
    }
    path.write_text(json.dumps({"sizes": blocks}))
    return path
