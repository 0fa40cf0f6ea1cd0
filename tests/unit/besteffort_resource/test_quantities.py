from __future__ import annotations

from decimal import Decimal

import pytest

from besteffort_resource.quantities import amount, byte_count, decimal_text, duration_s


@pytest.mark.parametrize(
    ("text", "seconds"), [("300ms", 0.3), ("1.5s", 1.5), ("2m", 120.0), ("0.5ms", 0.0005), ("0s", 0.0), ("0.1m", 6.0)]
)
def test_a_duration_is_its_seconds_exactly(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize(("text", "count"), [("1024", 1024), ("64Ki", 65536), ("64Mi", 67108864), ("1Gi", 1 << 30)])
def test_a_quantity_is_its_bytes(text: str, count: int) -> None:
    assert byte_count(text) == count


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("0.5", "0.5"),
        ("500m", "0.5"),
        ("2k", "2000"),
        ("1M", "1e6"),
        ("1.5Gi", "1610612736"),
        ("1P", "1e15"),
    ],
)
def test_a_quantity_of_kubernetes_is_its_amount_exactly(text: str, value: str) -> None:
    assert amount(text) == Decimal(value)


def test_every_unit_of_a_quantity_has_its_own_amount() -> None:
    units = ["m", "", "k", "Ki", "M", "Mi", "G", "Gi", "T", "Ti", "P", "Pi"]
    amounts = [amount(f"1{unit}") for unit in units]
    assert amounts == sorted(set(amounts))


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.41, 4, "0.41"), (0.123456, 4, "0.1235"), (1.0, 4, "1"), (0.0, 4, "0"), (0.00001, 4, "0"), (10.0, 0, "10")],
)
def test_a_number_becomes_a_plain_decimal_without_an_exponent(value: float, digits: int, text: str) -> None:
    assert decimal_text(value, digits=digits) == text
