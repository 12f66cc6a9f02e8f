"""How many hours a month something is on, by the schedules that switch it on and off."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

MONTH: Final = Decimal(730)
"""Hours of a month, as AWS counts in its examples: 365 days of 24 hours, divided by 12."""

_WEEK: Final = 7 * 24 * 60
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON: Final = re.compile(r"cron\((\d+) (\d+) (\S+) (\S+) (\S+) (\S+)\)")


def hours_on(switches: Sequence[tuple[str, bool]]) -> Decimal:
    """Hours a month, of switches that repeat every week.

    Args:
        switches: AWS's cron expression of each, and whether it switches on. Without any it is always on.

    Raises:
        ValueError: an expression that does not repeat every week, or nothing that switches on again.
    """
    if not switches:
        return MONTH
    turns = sorted((minute, on) for expression, on in switches for minute in minutes(expression))
    if len({on for _, on in turns}) < 2:
        raise ValueError(f"what is switched by {', '.join(e for e, _ in switches)} is never switched back")
    following = [*turns[1:], (turns[0][0] + _WEEK, turns[0][1])]
    on = sum(then - now for (now, is_on), (then, _) in zip(turns, following, strict=True) if is_on)
    return MONTH * on / _WEEK


def minutes(expression: str) -> list[int]:
    """Minutes of the week, from Sunday 0:00 on, at which AWS's cron expression is due.

    Raises:
        ValueError: it does not repeat every week.
    """
    found = _CRON.fullmatch(expression)
    if not found or found[3] not in ("?", "*") or found[4] != "*" or found[6] != "*":
        raise ValueError(f"{expression!r} is no cron(minute hour ? * days *), of which hours of a week can be computed")
    return [day * 24 * 60 + int(found[2]) * 60 + int(found[1]) for day in sorted(set(_days(found[5])))]


def _days(text: str) -> Iterator[int]:
    if text in ("?", "*"):
        yield from range(7)
        return
    for part in text.split(","):
        first, _, last = part.partition("-")
        at, until = _day(first), _day(last or first)
        yield at
        while at != until:
            at = (at + 1) % 7
            yield at


def _day(name: str) -> int:
    return int(name) - 1 if name.isdigit() else _DAYS.index(name.upper())
