"""Chance without a generator: numbers in 0..1 that look random and follow from a request's place alone. Compiled."""

from __future__ import annotations

__all__ = ["drawn"]

MASK = 0xFFFFFFFF


def drawn(sequence: int, purpose: int) -> float:
    """Return a number in [0, 1) for one purpose at one request (the finaliser of a 32-bit hash)."""
    x = (sequence * 0x9E3779B1 + purpose * 0x85EBCA77) & MASK
    x ^= x >> 16
    x = (x * 0x7FEB352D) & MASK
    x ^= x >> 15
    x = (x * 0x0C2B2AE35) & MASK
    x ^= x >> 16
    return x / (MASK + 1.0)
