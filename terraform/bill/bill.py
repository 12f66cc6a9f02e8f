"""The bill: what every resource of a plan costs, added up in whole cents."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, TypeAlias

from terraform.bill.charges import charges
from terraform.bill.plan import Plan, Resource
from terraform.bill.tables import price

_CENT: Final = Decimal("0.01")
_NAMES: Final = {"aws_ecs_service": "name", "aws_ecs_task_definition": "family"}
"""Attributes that tell resources apart that have rows of their own. All others of a type share theirs."""

Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """What resources of a type cost by one price."""

    resource: str
    what: str
    quantity: Decimal
    unit: str
    dollars: Decimal

    @property
    def key(self) -> Key:
        """What the row is about."""
        return self.resource, self.what


@dataclass(frozen=True)
class Bill:
    """A month."""

    rows: list[Row]

    @property
    def total(self) -> Decimal:
        """Dollars, to the cent."""
        return sum((row.dollars for row in self.rows), Decimal(0))

    def of(self, resource: str, what: str = "") -> Decimal:
        """Dollars of the rows that begin so."""
        return sum(
            (row.dollars for row in self.rows if row.resource.startswith(resource) and row.what.startswith(what)),
            Decimal(0),
        )


def bill_of(plan: Plan) -> Bill:
    """The bill of a plan.

    Raises:
        NotInTable: something whose price or use is not known.
        ValueError: schedules whose hours cannot be told.
    """
    quantities: Counter[tuple[str, str]] = Counter()
    for resource in plan.resources:
        for name, quantity in charges(resource, plan):
            quantities[_label(resource), name] += quantity  # type: ignore[assignment] # Counter is typed for int
    return Bill([_row(label, name, Decimal(quantity)) for (label, name), quantity in quantities.items()])


def table(bill: Bill) -> str:
    """Markdown: a row for each price of each resource, the dearest resource first."""
    ranked = sorted(bill.rows, key=lambda row: (-bill.of(row.resource), row.resource, -row.dollars, row.what))
    lines = [f"| {row.resource} | {row.what} | {_shown(row.quantity)} {row.unit} | {row.dollars} |" for row in ranked]
    return "\n".join(
        ["| resource | what | a month | $ |", "|---|---|---:|---:|", *lines, f"| **all** | | | **{bill.total}** |"]
    )


def difference(base: Bill, bill: Bill) -> str:
    """Markdown: the rows that differ, and what the bill was and is."""
    before, after = ({row.key: row.dollars for row in of.rows} for of in (base, bill))
    lines = list(_changes(before, after))
    change = bill.total - base.total
    head = f"${base.total} a month before, ${bill.total} after: {change:+}."
    if not lines:
        return head
    return "\n".join([head, "", "| resource | what | before | after | $ |", "|---|---|---:|---:|---:|", *lines])


def _changes(before: dict[Key, Decimal], after: dict[Key, Decimal]) -> Iterator[str]:
    zero = Decimal("0.00")
    for key in sorted({*before, *after}):
        was, is_now = before.get(key, zero), after.get(key, zero)
        if was != is_now:
            yield f"| {key[0]} | {key[1]} | {was} | {is_now} | {is_now - was:+} |"


def _label(resource: Resource) -> str:
    name = resource.get(_NAMES.get(resource.type, ""))
    return f"`{resource.type}` {name}" if name else f"`{resource.type}`"


def _row(label: str, name: str, quantity: Decimal) -> Row:
    of = price(name)
    dollars = (of.usd * quantity).quantize(_CENT, ROUND_HALF_UP)
    return Row(label, of.what, quantity, of.unit, dollars)


def _shown(quantity: Decimal) -> str:
    if quantity and abs(quantity) < _CENT:
        return "< 0.01"
    return f"{quantity.quantize(_CENT, ROUND_HALF_UP):f}".rstrip("0").rstrip(".") or "0"
