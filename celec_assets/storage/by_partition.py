"""Values by partition, each made or loaded when it is asked for: a range of stations never sits in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


class ByPartition(Mapping[str, T], Generic[T]):
    """What assets take and give, for one partition or many.

    Args:
        partitions: the keys to go through.
        get: makes or loads the value of a partition, also of one that is not in `partitions` (a neighbour). Fit for
            pickle, since other processes may be asked to (`workers`).
        describe: metadata of a value, for whoever stores it; asked once it is stored.
    """

    def __init__(
        self,
        partitions: Sequence[str],
        get: Callable[[str], T],
        describe: Callable[[T], dict[str, Any]] = lambda _: {},
    ) -> None:
        self._partitions, self.get_one, self.describe = partitions, get, describe

    def __reduce__(self) -> tuple[object, ...]:
        """Other processes are told each partition that they are to make."""
        return type(self), ((), self.get_one)

    def __getitem__(self, partition: str) -> T:
        return self.get_one(partition)

    def __iter__(self) -> Iterator[str]:
        return iter(self._partitions)

    def __len__(self) -> int:
        return len(self._partitions)


if TYPE_CHECKING:
    import pandas as pd

    Frames: TypeAlias = ByPartition[pd.DataFrame]
    from celec_assets.storage.backtests import Backtest
    from celec_assets.storage.scorecards import Scorecard

    Documents: TypeAlias = ByPartition[dict[str, Any]]
    Tests: TypeAlias = ByPartition[Backtest]
    Scorecards: TypeAlias = ByPartition[Scorecard]
else:
    # Dagster checks values against the annotations of assets: a plain class, and no pandas while definitions load.
    Frames = Documents = Tests = Scorecards = ByPartition
