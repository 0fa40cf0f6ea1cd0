"""The alphabet of the demo models: one token a character, and OPT's special ids."""

from __future__ import annotations

__all__ = ["ALPHABET", "END", "FIRST_CHARACTER", "PADDING", "VOCABULARY", "encode"]

PADDING, END, FIRST_CHARACTER = 1, 2, 4  # As in OPT: END also opens every text; 0 and 3 stay unused.
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz+-* =:"
VOCABULARY = 64

_IDS = {character: FIRST_CHARACTER + index for index, character in enumerate(ALPHABET)}


def encode(text: str) -> list[int]:
    """Turn text into token ids; raises KeyError for a character outside the alphabet."""
    return [_IDS[character] for character in text]
