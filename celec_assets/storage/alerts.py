"""Alerts on their way to people: one for each cause and day.

    alerts/unsent/<day>-<digest of the cause>.json
    alerts/sent/<day>-<digest of the cause>.json

Whoever notices something writes it here, which cannot hang; a sensor sends it (`sensors.send_alerts`).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from celec_assets.storage.formats import from_json, to_json
from celec_assets.storage.store import ObjectStore


@dataclass(frozen=True)
class Alert:
    """What to tell. `cause` tells one matter from another; `day` (ISO) is the local day on which it was noticed."""

    day: str
    cause: str
    subject: str
    text: str

    @property
    def name(self) -> str:
        """The same for the same cause on the same day."""
        return f"{self.day}-{hashlib.sha256(self.cause.encode()).hexdigest()[:12]}"


class Alerts:
    """The alerts of the lake."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def add(self, alert: Alert) -> bool:
        """Have it sent, unless there was one of this cause on this day; returns whether it will be."""
        if self._store.exists(self._sent(alert)):
            return False
        return self._store.swap(self._unsent(alert), None, to_json(asdict(alert)))

    def unsent(self) -> Iterator[Alert]:
        """What waits to be sent, the oldest day first."""
        for info in self._store.list("alerts/unsent/"):
            yield Alert(**from_json(self._store.get(info.key)))

    def mark_sent(self, alert: Alert) -> None:
        """It was sent: it waits no longer."""
        self._store.put(self._sent(alert), to_json(asdict(alert)))
        self._store.delete(self._unsent(alert))

    @staticmethod
    def _unsent(alert: Alert) -> str:
        return f"alerts/unsent/{alert.name}.json"

    @staticmethod
    def _sent(alert: Alert) -> str:
        return f"alerts/sent/{alert.name}.json"
