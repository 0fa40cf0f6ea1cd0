from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from besteffort_models.alphabet import ALPHABET, encode
from besteffort_models.sizes import SIZES
from besteffort_models.tasks import TASKS, Working, answer_of, draw, is_held_out

if TYPE_CHECKING:
    from besteffort_models.tasks import Problem

DRAWS = 300


def problems(task: str, *, held_out: bool = False) -> list[Problem]:
    rng = random.Random(11)
    return [draw(rng, task=task, held_out=held_out) for _ in range(DRAWS)]


def solve(prompt: str) -> str:
    """Solve a prompt in another way than the generators do."""
    question = prompt.removesuffix("=")
    if question.startswith("sort "):
        return "".join(sorted(question.removeprefix("sort ")))
    if question.startswith("reverse "):
        return question.removeprefix("reverse ")[::-1]
    if question.startswith("chain "):
        operations = re.findall(r"[-+*]\d", question)
        expression = "(" * len(operations) + question[6] + "".join(f"{each})" for each in operations)
        return str(eval(expression) % 10)
    return str(eval(question))


@pytest.mark.parametrize("task", TASKS)
def test_every_answer_is_right(task: str) -> None:
    for problem in problems(task):
        assert problem.task == task
        assert problem.prompt.endswith("=")
        assert problem.answer == solve(problem.prompt)


@pytest.mark.parametrize("task", TASKS)
def test_the_working_ends_in_the_answer(task: str) -> None:
    for problem in problems(task):
        shown = problem.completion(Working.FULL)
        assert len(shown) > len(problem.answer)
        assert answer_of(shown) == problem.answer


@pytest.mark.parametrize("task", ["addition", "multiplication", "chain"])
def test_every_equation_in_the_working_holds(task: str) -> None:
    for problem in problems(task):
        equations = re.findall(r"(\d[-+*]\d(?:\+\d)?)=(\d+)", problem.full)
        assert equations
        for expression, result in equations:
            value = eval(expression)
            assert int(result) == (value % 10 if task == "chain" else value)


def test_the_split_depends_on_the_text_alone_and_never_moves() -> None:
    held_out = [
        prompt
        for prompt in (f"{first}+{second}=" for first in range(30) for second in range(30))
        if is_held_out(prompt)
    ]
    assert len(held_out) == 92
    assert held_out[:3] == ["0+2=", "0+4=", "0+9="]


@pytest.mark.parametrize("task", TASKS)
def test_training_and_held_out_prompts_are_disjoint(task: str) -> None:
    trained = {problem.prompt for problem in problems(task)}
    kept = {problem.prompt for problem in problems(task, held_out=True)}
    assert not trained & kept
    assert all(map(is_held_out, kept))


@pytest.mark.parametrize("task", TASKS)
def test_every_text_fits_every_size(task: str) -> None:
    for problem in problems(task):
        for size in SIZES.values():
            completion = problem.completion(size.working)
            assert len(problem.prompt) <= size.max_prompt_chars
            assert len(completion) < size.max_new_tokens
            assert len(encode(problem.prompt + completion)) == len(problem.prompt) + len(completion)


def test_a_character_outside_the_alphabet_is_refused() -> None:
    assert "é" not in ALPHABET
    with pytest.raises(KeyError):
        encode("é")
