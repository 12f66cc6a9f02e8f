"""The three tables beside this file: prices, usage, and what costs nothing."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

_HERE: Final = Path(__file__).parent
T = TypeVar("T")


class NotInTable(LookupError):
    """Something that the bill would have to guess."""


@dataclass(frozen=True)
class Price:
    """A list price of us-east-1, in dollars."""

    usd: Decimal
    unit: str
    what: str


def price(name: str) -> Price:
    """A price by its name.

    Raises:
        NotInTable: there is none.
    """
    return _of(name, _prices(), "prices.csv")


def usage(name: str) -> Decimal:
    """How much of something is used, as usage.csv assumes.

    Raises:
        NotInTable: nothing is assumed.
    """
    return _of(name, _usage(), "usage.csv")


@cache
def free_types() -> frozenset[str]:
    """Types of resources that cost nothing."""
    return frozenset(row["type"] for row in _rows("free.csv"))


@cache
def _prices() -> dict[str, Price]:
    return {row["price"]: Price(Decimal(row["usd"]), row["unit"], row["what"]) for row in _rows("prices.csv")}


@cache
def _usage() -> dict[str, Decimal]:
    return {row["usage"]: Decimal(row["quantity"]) for row in _rows("usage.csv")}


def _of(name: str, table: dict[str, T], file: str) -> T:
    if name not in table:
        raise NotInTable(f"terraform/bill/{file} says nothing of {name}: add it, with its source or its reason")
    return table[name]


def _rows(file: str) -> list[dict[str, str]]:
    with (_HERE / file).open(newline="") as lines:
        return list(csv.DictReader(lines))
