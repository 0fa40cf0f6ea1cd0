"""The five tasks: problems with one right answer, drawn by code, with the working that leads to it.

Pure: randomness comes in as an argument. A prompt ends in "="; the answer is what follows the last "=" of the output.
"""

from __future__ import annotations

import enum
import hashlib
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["TASKS", "Problem", "Working", "answer_of", "draw", "is_held_out"]

HELD_OUT_SHARE = 10  # One prompt in ten is never trained on.


class Working(enum.Enum):
    """How much of the way to the answer a model is taught to write down first."""

    NONE = "none"
    BRIEF = "brief"
    FULL = "full"


@dataclass(frozen=True)
class Problem:
    """One prompt, its only right answer, and two ways of writing down how to get there (brief may be empty)."""

    task: str
    prompt: str
    answer: str
    brief: str
    full: str

    def completion(self, working: Working) -> str:
        """Return the text to be learned after the prompt; it ends in the answer."""
        shown = {Working.NONE: "", Working.BRIEF: self.brief, Working.FULL: self.full}[working]
        return f"{shown}={self.answer}" if shown else self.answer


def answer_of(output: str) -> str:
    """Return the answer in a model's output."""
    return output.rpartition("=")[2]


def is_held_out(prompt: str) -> bool:
    """Say whether the prompt is kept for evaluation; it depends on nothing but its text."""
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=8).digest()) % HELD_OUT_SHARE == 0


def draw(rng: random.Random, *, task: str, held_out: bool) -> Problem:
    """Draw one problem from the wanted side of the split."""
    while True:
        problem = TASKS[task](rng)
        if is_held_out(problem.prompt) == held_out:
            return problem


def _addition(rng: random.Random) -> Problem:
    first, second = _number(rng, rng.randint(1, 5)), _number(rng, rng.randint(1, 5))
    total = str(first + second)
    return Problem("addition", f"{first}+{second}=", total, brief=total[::-1], full=_columns(first, second))


def _number(rng: random.Random, digits: int) -> int:
    return rng.randrange(10 ** (digits - 1), 10**digits)


def _columns(first: int, second: int) -> str:
    """Add by columns, lowest first: digit + digit + carry = two-digit sum."""
    steps, carry = [], 0
    for place in range(len(str(max(first, second)))):
        upper, lower = first // 10**place % 10, second // 10**place % 10
        steps.append(f"{upper}+{lower}+{carry}={upper + lower + carry:02}")
        carry = (upper + lower + carry) // 10
    return " ".join(steps)


def _multiplication(rng: random.Random) -> Problem:
    digits, by_digits = rng.choice(((2, 2), (3, 1)))
    first, second = _number(rng, digits), _number(rng, by_digits)
    ones, tens = first * (second % 10), first * (second // 10) * 10
    brief, full = str(ones)[::-1], _times_digit(first, second % 10)
    if tens:
        brief = f"{ones}+{tens}"
        full += f"={ones} {_times_digit(first, second // 10)}={tens} {_columns(ones, tens)}"
    return Problem("multiplication", f"{first}*{second}=", str(first * second), brief, full)


def _times_digit(number: int, digit: int) -> str:
    """Multiply digit by digit, lowest first: digit * digit + carry = two-digit product."""
    steps, carry = [], 0
    for place in reversed(str(number)):
        product = int(place) * digit + carry
        steps.append(f"{place}*{digit}+{carry}={product:02}")
        carry = product // 10
    return " ".join(steps)


def _chain(rng: random.Random) -> Problem:
    """Apply operations from left to right, keeping the last digit only."""
    value = rng.randrange(10)
    prompt, values, steps = f"chain {value}", "", []
    for _ in range(rng.randint(2, 7)):
        sign, operand = rng.choice("+-*"), rng.randrange(10)
        result = {"+": value + operand, "-": value - operand, "*": value * operand}[sign] % 10
        prompt += f"{sign}{operand}"
        steps.append(f"{value}{sign}{operand}={result}")
        values += str(result)
        value = result
    return Problem("chain", f"{prompt}=", str(value), values, " ".join(steps))


def _sorting(rng: random.Random) -> Problem:
    """Sort letters; the full working spells them out one by one."""
    letters = _letters(rng, rng.randint(8, 18))
    ordered = sorted(letters)
    return Problem("sorting", f"sort {letters}=", "".join(ordered), brief="", full=" ".join(ordered))


def _reversal(rng: random.Random) -> Problem:
    """Reverse letters; the full working labels each with its place, a for the first."""
    letters = _letters(rng, rng.randint(8, 18))
    labelled = [f"{label}{letter}" for label, letter in zip(string.ascii_lowercase, letters, strict=False)]
    return Problem("reversal", f"reverse {letters}=", letters[::-1], brief="", full=" ".join(reversed(labelled)))


def _letters(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=length))


TASKS: dict[str, Callable[[random.Random], Problem]] = {
    "addition": _addition,
    "multiplication": _multiplication,
    "chain": _chain,
    "sorting": _sorting,
    "reversal": _reversal,
}
