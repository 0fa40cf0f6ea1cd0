"""The one place that turns durations, quantities and decimals from well-formed text into numbers, and back."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["amount", "byte_count", "decimal_text", "duration_s"]

SECONDS_BY_UNIT = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60)}
BYTES_BY_UNIT = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
AMOUNT_BY_UNIT = (
    {"": Decimal(1), "m": Decimal("0.001")}
    | {unit: Decimal(1000) ** power for power, unit in enumerate("kMGTP", start=1)}
    | {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTP", start=1)}
)


def duration_s(text: str) -> float:
    """Return a duration such as 300ms, 1.5s or 2m in seconds."""
    number = text.rstrip("ms")
    return float(Decimal(number) * SECONDS_BY_UNIT[text[len(number) :]])


def byte_count(text: str) -> int:
    """Return a quantity such as 1024 or 64Mi in bytes."""
    number = text.rstrip("KMGi")
    return int(number) * BYTES_BY_UNIT[text[len(number) :]]


def amount(text: str) -> Decimal:
    """Return a quantity of Kubernetes such as 500m, 2 or 16Gi."""
    number = text.rstrip("mkKMGTPi")
    return Decimal(number) * AMOUNT_BY_UNIT[text[len(number) :]]


def decimal_text(value: float, *, digits: int) -> str:
    """Return a number as a plain decimal string, rounded to `digits` places and without trailing zeros."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
