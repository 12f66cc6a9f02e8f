"""Models and forecasts: objects that stay as they were put, and beside them a pointer to the one that counts.

flow_model/<station>/<trained through>-<digest>.json          every model ever trained
flow_model/<station>/in_use.json                              pointer: the model that forecasts
flow_forecast/<station>/issued/<issue date>.parquet           the first forecast issued for a date
flow_forecast/<station>/<remade | hindsight>/<issue date>-<digest>.parquet
flow_forecast/<station>/latest.json                           pointer: the forecast to show
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import pandas as pd

from celec_assets.forecasting.forecast import Kind
from celec_assets.refusal import Refusal
from celec_assets.storage.formats import from_json, from_parquet, to_json, to_parquet
from celec_assets.storage.store import ObjectMissing, ObjectStore, update

KEPT_EARLIER: Final = 20
"""Models that a roll-back can go through, one step each."""


class Models:
    """The models of every station, as JSON documents (`forecasting.training.train`)."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, station: str, model: dict[str, Any]) -> str:
        """Store a model; point to it unless its field `rejected` holds reasons not to. Returns its key."""
        key = self.key(station, model)
        self._store.put(key, to_json(model))

        def follow(pointer: ModelPointer) -> ModelPointer:
            if model.get("rejected") or key == pointer.in_use:
                return replace(pointer, newest=key)
            earlier = (pointer.in_use, *pointer.earlier)[:KEPT_EARLIER] if pointer.in_use else ()
            kept_out = pointer.rolled_back if self._is_refit(model, pointer) else ""
            return ModelPointer(in_use=key, newest=key, earlier=earlier, rolled_back=kept_out)

        self._point(station, follow)
        return key

    @staticmethod
    def key(station: str, model: dict[str, Any]) -> str:
        """Under which a model is stored."""
        return f"flow_model/{station}/{model['trained_through']}-{_digest(to_json(model))}.json"

    def _is_refit(self, model: dict[str, Any], pointer: "ModelPointer") -> bool:
        return bool(pointer.in_use) and bool(self.at(pointer.in_use)["recipe"] == model["recipe"])

    def read(self, station: str) -> dict[str, Any]:
        """The model in use. Raises `ObjectMissing`."""
        return self.at(self.pointer(station).in_use or self._key(station))

    def at(self, key: str) -> dict[str, Any]:
        """The model under a key. Raises `ObjectMissing`."""
        model: dict[str, Any] = from_json(self._store.get(key))
        return model

    def exists(self, station: str) -> bool:
        """Whether a model is in use at this station."""
        return bool(self.pointer(station).in_use)

    def roll_back(self, station: str) -> str:
        """Put the model that was in use before back into use. Returns its key.

        Where it is of another recipe, the present one's is kept out until a newer recipe comes.

        Raises:
            Refusal: no earlier model is known.
        """

        def follow(pointer: ModelPointer) -> ModelPointer:
            if not pointer.earlier:
                raise Refusal(f"{station} has had no other model in use")
            before, *rest = pointer.earlier
            left, back = self.at(pointer.in_use)["recipe"], self.at(before)["recipe"]
            return ModelPointer(before, pointer.newest, tuple(rest), rolled_back=left if left != back else "")

        return self._point(station, follow).in_use

    def pointer(self, station: str) -> "ModelPointer":
        """Which models count at the station; all empty where there is none."""
        try:
            return _to_pointer(self._store.get(self._key(station)))
        except ObjectMissing:
            return ModelPointer()

    def _point(self, station: str, follow: Callable[["ModelPointer"], "ModelPointer"]) -> "ModelPointer":
        pointer = ModelPointer()

        def swap(stored: bytes | None) -> bytes:
            nonlocal pointer
            pointer = follow(_to_pointer(stored) if stored else ModelPointer())
            return to_json(asdict(pointer))

        update(self._store, self._key(station), swap)
        return pointer

    @staticmethod
    def _key(station: str) -> str:
        return f"flow_model/{station}/in_use.json"


@dataclass(frozen=True)
class ModelPointer:
    """Which models count at a station.

    Keys of the one that forecasts, of the one trained last, and of those in use before (newest first); and the recipe
    that was taken out of use on request.
    """

    in_use: str = ""
    newest: str = ""
    earlier: tuple[str, ...] = ()
    rolled_back: str = ""


class Forecasts:
    """The forecasts of every station. The first one issued for a date stands; any other is kept apart."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def write(self, station: str, forecast: pd.DataFrame) -> str:
        """Store a forecast (rows of `forecasting.forecast.COLUMNS`). Returns its key.

        `kind` in the rows says `issued` or `hindsight`; one that is issued a second time for its date, and says
        something else than the first, becomes `remade`.
        """
        issue_date = f"{forecast['issue_date'].iloc[0]:%Y-%m-%d}"
        kind = Kind(forecast["kind"].iloc[0])
        first, content = f"flow_forecast/{station}/issued/{issue_date}.parquet", to_parquet(forecast)
        key = first
        if kind is Kind.ISSUED and not self._store.swap(first, None, content) and self._store.get(first) != content:
            kind = Kind.REMADE
            content = to_parquet(forecast.assign(kind=kind.value))
        if kind is not Kind.ISSUED:
            key = f"flow_forecast/{station}/{kind}/{issue_date}-{_digest(content)}.parquet"
            self._store.put(key, content)

        def follow(stored: bytes | None) -> bytes:
            if stored and from_json(stored)["issue_date"] > issue_date:
                return stored
            shown = first if self._store.exists(first) else key
            return to_json({"forecast": shown, "issue_date": issue_date})

        update(self._store, self._pointer(station), follow)
        return key

    def read(self, station: str) -> pd.DataFrame:
        """The forecast to show: the newest issue date's, the issued one if there is one. Raises `ObjectMissing`."""
        return from_parquet(self._store.get(self.latest(station)))

    def latest(self, station: str) -> str:
        """The key of the forecast to show. Raises `ObjectMissing`."""
        return str(from_json(self._store.get(self._pointer(station)))["forecast"])

    def issue_dates(self, station: str) -> list[pd.Timestamp]:
        """The issue dates of which a forecast was issued, in order."""
        prefix = f"flow_forecast/{station}/issued/"
        return [
            pd.Timestamp(info.key.removeprefix(prefix).removesuffix(".parquet")) for info in self._store.list(prefix)
        ]

    def issued(self, station: str, issue_date: pd.Timestamp) -> pd.DataFrame:
        """The forecast that was issued for a date. Raises `ObjectMissing`."""
        return from_parquet(self._store.get(f"flow_forecast/{station}/issued/{issue_date:%Y-%m-%d}.parquet"))

    def exists(self, station: str) -> bool:
        """Whether the station has a forecast to show."""
        return self._store.exists(self._pointer(station))

    @staticmethod
    def _pointer(station: str) -> str:
        return f"flow_forecast/{station}/latest.json"


def _to_pointer(stored: bytes) -> ModelPointer:
    fields = from_json(stored)
    return ModelPointer(**{**fields, "earlier": tuple(fields["earlier"])})


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
