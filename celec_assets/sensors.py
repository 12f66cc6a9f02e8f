"""What starts runs by itself: new raw files here, everything behind them by `automation`."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from time import monotonic
from typing import Final

import dagster as dg

from celec_assets.jobs import read_raw_files
from celec_assets.partitions import RAW_FILES, range_tags
from celec_assets.resources import Batch, LakeResource

FILES_PER_TICK = 200
FILES_AT_ONCE = 8
LOOK_SECONDS = 30
"""How long a tick begins to look at further files: it has 60 seconds, and is forgotten, cursor and all, after them."""

SETTLED_AFTER = timedelta(seconds=5)
"""A file that changed less than this ago may still be being written: it waits for the next tick."""

PATROL_EVERY = timedelta(hours=1)
PATROL_FILES = 20
"""Files that the patrol looks at in a tick, besides those that changed."""

RECENT = 32
"""Changes that the cursor remembers one by one. S3 dates an object by the beginning of its upload, so one that took
long, or a multipart upload, appears between changes that were looked at before it was there."""

_DONE: Final = "~"
"""Follows every file in the patrol's order: the round is over."""

_UNDER_WAY: Final = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=read_raw_files,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Requests observations for every raw file whose content was not read yet.",
)
def new_raw_files(context: dg.SensorEvaluationContext, lake: LakeResource, batch: Batch) -> dg.SensorResult:
    """Requests `observations` for every raw file whose content was not read yet, the oldest change first.

    What was read is known from the observations; the cursor only says where to look next. Files that changed since
    the last look come first, once they are settled, and with them those that appear among the last few changes. An
    hourly patrol, a few files a tick, then finds what no date tells: a run that failed before it read, a folder moved
    here with its old dates, a date in the future, parsers that changed. To have everything looked at now, reset the
    cursor.
    """
    store = lake.get()
    now = _now()
    cursor = _Cursor.parse(context.cursor, now)
    files = {(file.modified.isoformat(), _mark(file.name)): file for file in store.raw.list()}
    recent = [at for at in sorted(files) if at > cursor.behind and files[at].modified <= now - SETTLED_AFTER]
    changed = [at for at in recent if _change(at) not in cursor.recent][:FILES_PER_TICK]
    patrolled: list[str] = []
    after_patrol = cursor
    if not _is_reading(context.instance, now):
        # A date ahead of the clock will not become settled for long: it does not keep the patrol away.
        settled = {_mark(f.name): f.name for f in files.values() if abs(now - f.modified) >= SETTLED_AFTER}
        after_patrol, marks = cursor.patrol(sorted(settled), now, min(PATROL_FILES, FILES_PER_TICK - len(changed)))
        patrolled = [settled[mark] for mark in marks]

    to_look_at = list(dict.fromkeys([*(files[at].name for at in changed), *patrolled]))
    looked_at = _in_time(store.is_unread, to_look_at)
    if looked_at.keys() >= set(patrolled):
        cursor = after_patrol
    if changed := [at for at in changed if files[at].name in looked_at]:
        cursor = cursor.after(sorted({*changed, *(at for at in recent if _change(at) in cursor.recent)}))

    # By name, as the asset `raw_files` adds them: whoever is first, a range of partitions begins before it ends.
    unread = sorted(name for name, is_unread in looked_at.items() if is_unread)
    if not unread:
        left = len(to_look_at) - len(looked_at)
        reason = f"the lake is slow: {left} files are left for the next tick" if left else "no raw file changed"
        return dg.SensorResult(skip_reason=reason, cursor=str(cursor))
    known = dict.fromkeys(context.instance.get_dynamic_partitions(str(RAW_FILES.name)))
    new = [name for name in unread if name not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags=tags) for tags in range_tags([*known, *new], unread, batch.size)],
        dynamic_partitions_requests=[RAW_FILES.build_add_request(new)] if new else [],
        cursor=str(cursor),
    )


@dataclass(frozen=True)
class _Cursor:
    """Where to look next. Names stand in it as digests: it is short however long they are."""

    began: datetime
    """When the patrol's last round began."""
    behind: tuple[str, str] = ("", "")
    """Instant and name of a change: up to it only the patrol looks."""
    recent: frozenset[str] = frozenset()
    """The changes after it that were looked at."""
    patrolled: str = _DONE
    """The name up to which the patrol has come in this round."""

    @classmethod
    def parse(cls, text: str | None, now: datetime) -> "_Cursor":
        """One that was reset, or is of an earlier version, begins anew: all files are looked at once more."""
        try:
            instant, mark, recent, patrolled, began = (text or "").split("|")
            return cls(
                datetime.fromisoformat(began).astimezone(UTC), (instant, mark), frozenset(recent.split()), patrolled
            )
        except ValueError:
            return cls(now)

    def __str__(self) -> str:
        return "|".join((*self.behind, " ".join(sorted(self.recent)), self.patrolled, self.began.isoformat()))

    def after(self, looked_at: list[tuple[str, str]]) -> "_Cursor":
        """Goes on behind these changes, but for the last few."""
        last = looked_at[-RECENT:]
        behind = looked_at[-RECENT - 1] if len(looked_at) > RECENT else self.behind
        return replace(self, behind=behind, recent=frozenset(map(_change, last)))

    def patrol(self, marks: list[str], now: datetime, most: int) -> tuple["_Cursor", list[str]]:
        """The next few of the sorted names, where a round is going on or due."""
        due = self.patrolled == _DONE and abs(now - self.began) >= PATROL_EVERY
        start = replace(self, patrolled="", began=now) if due else self
        ahead = [mark for mark in marks if mark > start.patrolled]
        if len(ahead) <= most:
            return replace(start, patrolled=_DONE), ahead
        return replace(start, patrolled=ahead[most - 1] if most else start.patrolled), ahead[:most]


def _now() -> datetime:
    return datetime.now(UTC)


def _in_time(is_unread: Callable[[str], bool], names: Sequence[str]) -> dict[str, bool]:
    """The answers for these names, in order, as many as there is time to ask for."""
    deadline = monotonic() + LOOK_SECONDS
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        answers = pool.map(lambda name: is_unread(name) if monotonic() < deadline else None, names)
        found = takewhile(lambda answer: answer is not None, answers)
        return {name: bool(answer) for name, answer in zip(names, found, strict=False)}


def _change(at: tuple[str, str]) -> str:
    """A change, in short."""
    return _mark("".join(at))[:8]


def _mark(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _is_reading(instance: dg.DagsterInstance, now: datetime) -> bool:
    """Whether requested files may still be about to be read. A run that is under way for a day is none."""
    return bool(
        instance.get_runs(
            dg.RunsFilter(job_name=read_raw_files.name, statuses=_UNDER_WAY, created_after=now - timedelta(days=1)),
            limit=1,
        )
    )


with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)
    automation = dg.AutomationConditionSensorDefinition(
        "automation",
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Makes series, missing models and forecasts of just the stations whose readings changed.",
        use_user_code_server=True,  # the daemon knows no conditions but Dagster's own
    )
