"""Are the demo's sizes real steps? Accuracy on held-out prompts and compute per request of the committed ONNX files.

The last line is one JSON object. Goal: neighbouring sizes lie at least 8 points and 4 times the compute apart.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from besteffort_models.evaluate import read_prompts, score
from besteffort_models.generation import Generator

DEMO = Path(__file__).parents[1] / "examples" / "demo"
SIZES = ("small", "medium", "large")
GAP_GOAL_POINTS = 8.0
COMPUTE_GOAL_RATIO = 4.0
ROWS = {"small": 2000, "medium": 2000, "large": 1200}


def main() -> None:
    prompts = read_prompts(DEMO / "prompts.jsonl")
    scores = {}
    for size in SIZES:
        scores[size] = score(Generator(DEMO / "models" / size / "1" / "model.onnx"), prompts[: ROWS[size]])
        print(f"{size}: {scores[size].accuracy:.1%} right, {scores[size].request_ms:.2f} ms of compute a request")
    pairs = list(itertools.pairwise(scores.values()))
    gaps = [100 * (larger.accuracy - smaller.accuracy) for smaller, larger in pairs]
    ratios = [larger.request_ms / smaller.request_ms for smaller, larger in pairs]
    report = {
        "bar": "models",
        "value": {"gap_points": round(min(gaps), 1), "compute_ratio": round(min(ratios), 1)},
        "goal": {"gap_points": GAP_GOAL_POINTS, "compute_ratio": COMPUTE_GOAL_RATIO},
        "holds": min(gaps) >= GAP_GOAL_POINTS and min(ratios) >= COMPUTE_GOAL_RATIO,
        "accuracy": {size: round(one.accuracy, 4) for size, one in scores.items()},
        "by_task": {
            size: {task: round(share, 4) for task, share in one.by_task.items()} for size, one in scores.items()
        },
        "gaps_points": [round(gap, 1) for gap in gaps],
        "request_ms_at_batch_8": {size: round(one.request_ms, 3) for size, one in scores.items()},
        "compute_ratios": [round(ratio, 1) for ratio in ratios],
        "prompts": ROWS,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
