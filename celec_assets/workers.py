"""The values of many partitions, made on all cores: by worker processes where that pays, otherwise right here.

Values come back one by one, in the order of the partitions, and only a few are made ahead, so that memory does not grow
with their number. A worker that is killed costs the partition that killed it and no other.
"""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_SECONDS: Final = 4.0
"""Of a processor must be left to do for workers to be started: they take half of it to load their libraries."""

AHEAD: Final = 2
"""Values that each worker may be ahead of whoever takes them."""

PRELOADED: Final = ("celec_assets.assets.forecast", "celec_assets.storage.lake", "prophet")
"""Loaded once, where this process has needed them; every worker begins as a copy of the process that has them."""


class WorkerKilled(Exception):
    """The process that worked on a partition was killed: by the system, for want of memory, or by a person."""

    def __init__(self) -> None:
        super().__init__(
            "the process that worked on it was killed, also when it worked on nothing else; most likely the memory did "
            "not suffice: give the run more (tag ecs/memory)"
        )


class FailedInWorker(Exception):
    """What was raised there cannot be brought here; the message says what it was."""


def each_made(partitions: Sequence[str], make: Callable[[str], T]) -> Iterator[tuple[str, Callable[[], T]]]:
    """Every partition with a function that gives its value, or raises what making it raised.

    The first two are made by this process, and the others too, unless that is much work.

    Args:
        make: makes the value of a partition; it and the value must be fit for pickle.
    """
    seconds = float("inf")
    for number, partition in enumerate(partitions):
        # Libraries load with the first one, which says nothing of the others.
        if number > 1 and seconds * (len(partitions) - number) > START_SECONDS and (cores := _cores()) > 1:
            yield from _by_workers(partitions[number:], make, cores)
            return
        before = _busy_seconds()
        outcome = _attempt(make, partition)
        seconds = _busy_seconds() - before
        yield partition, outcome


def _busy_seconds() -> float:
    """Of processors, Stan's included: whether workers pay must not depend on what else the machine does."""
    return sum(os.times()[:4])


def _attempt(make: Callable[[str], T], partition: str) -> Callable[[], T]:
    try:
        value = make(partition)
    except Exception as error:
        return partial(_raise, error)
    return lambda: value


def _raise(error: Exception) -> Any:
    raise error


def _cores() -> int:
    """What this process may use: of the machine, and of the container's share of it."""
    from joblib import cpu_count  # type: ignore[import-untyped]

    return int(cpu_count())


def _by_workers(
    partitions: Sequence[str], make: Callable[[str], T], workers: int
) -> Iterator[tuple[str, Callable[[], T]]]:
    pool = _pool(workers, make)
    waiting = deque(partitions)
    ahead: deque[tuple[str, Future[T]]] = deque()
    try:
        while waiting or ahead:
            while waiting and len(ahead) < workers * AHEAD:
                try:
                    ahead.append((waiting[0], pool.submit(_work, waiting[0])))
                except BrokenProcessPool:
                    pool = _pool(workers, make)
                else:
                    waiting.popleft()
            partition, future = ahead.popleft()
            yield partition, partial(_result, make, partition, future)
        pool.shutdown()  # the next step's workers need the memory of these
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _result(make: Callable[[str], T], partition: str, future: "Future[T]") -> T:
    try:
        return future.result()
    except BrokenProcessPool:
        pass  # some worker was killed, and all of that pool with it: who did it shows alone
    with _pool(1, make) as alone:
        try:
            return alone.submit(_work, partition).result()
        except BrokenProcessPool:
            raise WorkerKilled from None


def _pool(workers: int, make: Callable[[str], Any]) -> ProcessPoolExecutor:
    # Not forked from this process, whose threads hold locks.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([name for name in PRELOADED if name in sys.modules])
    return ProcessPoolExecutor(workers, context, _begin, (make,))


_make: Callable[[str], Any]


def _begin(make: Callable[[str], Any]) -> None:
    """In a worker: know what to do, use one core for it, and end with the process that wants it."""
    from threadpoolctl import threadpool_limits

    global _make
    _make = make
    threadpool_limits(1)  # BLAS would use all cores in every worker: half as fast
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C on a terminal is the run's business
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent
    wait([parent.sentinel])
    os._exit(1)


def _work(partition: str) -> Any:
    try:
        return _make(partition)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - it was made here
        except Exception:
            raise FailedInWorker(f"{type(error).__name__}: {error}") from None
        raise
