"""Cleaning by rule, on small series made by hand, and two properties that hold for all."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from celec_assets.catalogue import station
from celec_assets.series.cleaning import STUCK_DAYS, clean, reconcile
from celec_assets.series.schema import COLUMNS, Flag, flag_counts, last_observed_day

Values = Sequence[float | None]
Other = pd.DataFrame | Values
FIRST = pd.Timestamp("2024-01-01")
NOISE = tuple(50.0 + (7 * i % 11) / 3 for i in range(20))
"""An ordinary river: no two days alike."""


def readings(
    flow: Values,
    *,
    level: Values | float | None = None,
    quality: Sequence[str] | str = "",
    file: str = "a",
    start: int = 0,
) -> pd.DataFrame:
    """One file's readings, a day each from `FIRST` + `start` on; a day with None has no row."""
    day = pd.date_range(FIRST + pd.Timedelta(days=start), periods=len(flow))
    frame = pd.DataFrame({"raw_file": file, "day": day, "flow_m3s": flow, "level_masl": level, "quality": quality})
    frame = frame.astype({"flow_m3s": float, "level_masl": float})
    return frame.dropna(subset=["flow_m3s", "level_masl"], how="all")


def series(station_id: str, observations: pd.DataFrame | Values, **others: Other) -> pd.DataFrame:
    """The clean series; the others' names are written with `_` for `-`."""

    def frame(given: Other) -> pd.DataFrame:
        return given if isinstance(given, pd.DataFrame) else readings(given)

    return clean(
        station(station_id), frame(observations), {name.replace("_", "-"): frame(o) for name, o in others.items()}
    )


def assert_dropped(cleaned: pd.DataFrame, at: int, flag: Flag, original: float) -> None:
    """The day at that position, and no other, carries the flag, has no clean value and keeps its original."""
    assert list(cleaned.index[cleaned["flow_flag"] == flag]) == [at]
    assert (cleaned["flow_flag"] == Flag.OBSERVED).sum() == len(cleaned) - 1
    assert np.isnan(cleaned["flow_m3s"][at])
    assert cleaned["flow_raw_m3s"][at] == original


# Flags


def test_an_ordinary_series_stays_as_it_is() -> None:
    cleaned = series("mazar", readings(NOISE, level=2120.0))
    assert tuple(cleaned.columns) == COLUMNS
    assert set(cleaned["flow_flag"]) == set(cleaned["level_flag"]) == {Flag.OBSERVED}
    assert list(cleaned["flow_m3s"]) == list(cleaned["flow_raw_m3s"]) == list(NOISE)
    assert not cleaned["sources_disagree"].any()


def test_a_day_that_no_file_holds_is_missing() -> None:
    cleaned = series("mazar", [50, 51, None, None, None, None, 52])
    assert list(cleaned["day"]) == list(pd.date_range(FIRST, periods=7))
    assert list(cleaned["flow_flag"]) == ["observed"] * 2 + ["missing"] * 4 + ["observed"]
    assert cleaned["flow_raw_m3s"].isna().sum() == cleaned["flow_m3s"].isna().sum() == 4


@pytest.mark.parametrize("station_id", ["mazar", "minas-san-francisco", "paute-basin", "coca"])
def test_a_zero_is_a_placeholder_where_the_river_never_stands_still(station_id: str) -> None:
    assert_dropped(series(station_id, [50, 51, 0, 52]), 2, Flag.PLACEHOLDER, 0)


@pytest.mark.parametrize("station_id", ["molino", "sopladora"])
def test_a_zero_is_a_stopped_plant_where_a_dam_stands_above(station_id: str) -> None:
    assert_dropped(series(station_id, [50, 51, 0, 52]), 2, Flag.REGULATED_STOP, 0)


def test_a_simulated_river_may_run_dry_and_stand_still() -> None:
    assert set(series("geoglows-99", [3, 0, 0, 0, 0, 0, 0, 2])["flow_flag"]) == {Flag.OBSERVED}


def test_a_repeated_row_is_a_duplicate() -> None:
    frame = readings([300, 310, 310, 305], quality=["", "", "repeated", ""])
    assert_dropped(series("coca", frame), 2, Flag.DUPLICATE, 310)


def test_a_row_that_the_source_doubts_is_suspect() -> None:
    frame = readings([300, 310, 320, 305], quality=["", "", "suspect", ""])
    assert_dropped(series("coca", frame), 2, Flag.SUSPECT, 320)


@pytest.mark.parametrize("value", [-1, 0.49, 3000.1, 99_999])
def test_what_a_river_cannot_do_is_out_of_bounds(value: float) -> None:
    assert_dropped(series("mazar", [50, value, 51]), 1, Flag.OUT_OF_BOUNDS, value)


@pytest.mark.parametrize("value", [0.5, 3000])
def test_the_bounds_themselves_are_possible(value: float) -> None:
    assert set(series("mazar", [50, value, 51])["flow_flag"]) == {Flag.OBSERVED}


def test_the_same_value_is_stuck_from_the_fifth_day_on() -> None:
    cleaned = series("mazar", [50, *[51] * (STUCK_DAYS + 2), 52, 51])
    assert list(cleaned["flow_flag"]) == ["observed"] * STUCK_DAYS + ["stuck"] * 3 + ["observed"] * 2
    assert list(cleaned.loc[cleaned["flow_flag"] == Flag.STUCK, "flow_raw_m3s"]) == [51] * 3


def test_a_gap_ends_a_run_of_the_same_value() -> None:
    assert Flag.STUCK not in set(series("mazar", [51, 51, 51, 51, None, 51, 51, 51, 51])["flow_flag"])


def test_every_flag_is_counted_also_those_that_are_not_there() -> None:
    counts = flag_counts(series("mazar", [50, 0, 51])["flow_flag"])
    assert list(counts) == [flag.value for flag in Flag]
    assert {name: days for name, days in counts.items() if days} == {"observed": 2, "placeholder": 1}


def test_the_last_observed_day_is_before_the_flagged_ones() -> None:
    assert last_observed_day(series("mazar", [50, 51, 0, -1])) == FIRST + pd.Timedelta(days=1)
    assert last_observed_day(series("mazar", [0, 0])) is None


# Copies


def test_another_station_s_value_under_this_station_s_name_is_a_copy() -> None:
    cleaned = series("paute-basin", [90.1234567, 61.7654321, 90.7654321], mazar=[60.1234567, 61.7654321, 62.7654321])
    assert_dropped(cleaned, 1, Flag.COPIED, 61.7654321)


@pytest.mark.parametrize("value", [61.0, 61.7, 61.75])
def test_the_first_equal_day_can_be_chance_where_values_have_few_decimals_the_second_is_not(value: float) -> None:
    cleaned = series("paute-basin", [90.1, value, 62.25, 91.5], mazar=[60.1, value, 62.25, 63.1])
    assert_dropped(cleaned, 2, Flag.COPIED, 62.25)


def test_a_gap_between_two_equal_days_does_not_make_the_second_chance() -> None:
    cleaned = series("paute-basin", [90.1, 61.5, None, 62.5], mazar=[60.1, 61.5, 62, 62.5])
    assert list(cleaned["flow_flag"]) == ["observed", "observed", "missing", "copied"]


def test_a_copy_is_looked_for_only_where_the_catalogue_says_so() -> None:
    flow = [61.7654321, 62.7654321]
    assert set(series("mazar", flow, paute_basin=flow)["flow_flag"]) == {Flag.OBSERVED}
    assert set(series("paute-basin", flow, molino=flow)["flow_flag"]) == {Flag.OBSERVED}


# Spikes

JUMP = (*NOISE[:15], 400.0, *NOISE[15:])
"""The sixteenth day has eight times the flow of the days around."""
CALM = (*NOISE[:15], 55.5, *NOISE[15:])


def test_a_jump_that_no_neighbour_saw_is_a_spike() -> None:
    assert_dropped(series("mazar", JUMP, paute_basin=CALM), 15, Flag.SPIKE, 400)


def test_a_flood_that_a_neighbour_saw_stands() -> None:
    flood = (*NOISE[:15], 150.0, *NOISE[15:])
    assert set(series("mazar", JUMP, paute_basin=flood, molino=CALM)["flow_flag"]) == {Flag.OBSERVED}


def test_a_release_that_lowers_the_reservoir_above_stands() -> None:
    above = readings(CALM, level=[2150.0] * 15 + [2147.0] * 6)
    assert set(series("molino", JUMP, mazar=above, paute_basin=CALM)["flow_flag"]) == {Flag.OBSERVED}


def test_a_jump_that_its_own_level_confirms_stands() -> None:
    own = readings(JUMP, level=[2120.0] * 15 + [2123.0] * 6)
    assert set(series("mazar", own, paute_basin=CALM)["flow_flag"]) == {Flag.OBSERVED}


@pytest.mark.parametrize("whose", ["own", "the neighbour's"])
def test_a_level_of_zero_is_a_placeholder_and_confirms_nothing(whose: str) -> None:
    placeholder = [1980.0] * 15 + [0.0] + [1980.0] * 5
    own = readings(JUMP, level=placeholder if whose == "own" else 1980.0)
    above = readings(CALM, level=2150.0 if whose == "own" else placeholder)
    assert_dropped(series("molino", own, mazar=above), 15, Flag.SPIKE, 400)


@pytest.mark.parametrize("neighbour", [{}, {"paute_basin": CALM[:15]}, {"paute_basin": []}, {"paute_basin": CALM[8:]}])
def test_a_jump_without_a_witness_stands_because_record_floods_happen(neighbour: Mapping[str, Values]) -> None:
    assert set(series("mazar", JUMP, **neighbour)["flow_flag"]) == {Flag.OBSERVED}


def test_a_neighbour_on_another_river_is_no_witness() -> None:
    assert set(series("minas-san-francisco", JUMP, mazar=CALM)["flow_flag"]) == {Flag.OBSERVED}


# Gaps


@pytest.mark.parametrize("days", [1, 2, 3])
def test_a_short_gap_is_filled_on_a_straight_line_in_log_flow_and_says_so(days: int) -> None:
    cleaned = series("mazar", [80, *[None] * days, 40])
    assert list(cleaned["flow_flag"]) == ["observed", *["interpolated"] * days, "observed"]
    assert list(cleaned["flow_m3s"]) == pytest.approx(list(np.geomspace(80, 40, days + 2)), abs=1e-3)
    assert cleaned["flow_raw_m3s"].isna().sum() == days


def test_a_gap_beyond_the_limit_stays_a_gap_as_a_whole() -> None:
    cleaned = series("mazar", [80, *[None] * (station("mazar").max_gap_days + 1), 40])
    assert list(cleaned["flow_flag"][1:-1]) == ["missing"] * 4
    assert cleaned["flow_m3s"].notna().sum() == 2


def test_dropped_values_count_as_part_of_a_gap_and_are_never_filled() -> None:
    short, long = series("mazar", [80, None, 0, 40]), series("mazar", [80, None, 0, 0, None, 40])
    assert list(short["flow_flag"]) == ["observed", "interpolated", "placeholder", "observed"]
    assert np.isnan(short["flow_m3s"][2])
    assert list(long["flow_flag"]) == ["observed", "missing", "placeholder", "placeholder", "missing", "observed"]


def test_nothing_is_filled_before_the_first_or_after_the_last_observed_day() -> None:
    cleaned = series("mazar", readings([None, 50, 51, None], level=2120))
    assert list(cleaned["flow_flag"]) == ["missing", "observed", "observed", "missing"]


def test_what_fills_a_gap_beside_a_dry_day_does_not_depend_on_the_days_behind_it() -> None:
    one, two = series("geoglows-99", [8, None, 0, 2]), series("geoglows-99", [8, None, 0, 6])
    pd.testing.assert_frame_equal(one[:3], two[:3])


# Levels


@pytest.mark.parametrize(("value", "flag"), [(0, "placeholder"), (2089, "out_of_bounds"), (None, "missing")])
def test_a_level_is_flagged_by_itself_and_its_flow_stands(value: float | None, flag: str) -> None:
    cleaned = series("mazar", readings(NOISE[:3], level=[2120, value, 2121]))
    assert list(cleaned["level_flag"]) == ["observed", flag, "observed"]
    assert list(cleaned["level_masl"].isna()) == [False, True, False]
    assert list(cleaned["level_raw_masl"].dropna()) == [2120, *([] if value is None else [value]), 2121]
    assert set(cleaned["flow_flag"]) == {Flag.OBSERVED}


# Several files


def test_the_file_that_reaches_furthest_wins_whatever_its_name() -> None:
    newer, older = readings([10, 11, 12], file="a"), readings([20, 21], file="z")
    daily = reconcile(pd.concat([newer, older]))
    assert list(daily["flow_m3s"]) == [10, 11, 12]
    assert list(daily["sources_disagree"]) == [True, True, False]


def test_of_two_files_that_reach_equally_far_the_name_that_sorts_last_wins() -> None:
    daily = reconcile(pd.concat([readings([20, 21], file="b"), readings([10, 11], file="a")]))
    assert list(daily["flow_m3s"]) == [20, 21]


def test_a_missing_value_never_replaces_a_known_one() -> None:
    older = readings([10, 11], level=2120, file="a")
    newer = readings([None, 12, 13], level=[2121, None, None], file="b")
    daily = reconcile(pd.concat([older, newer]))
    assert list(daily["flow_m3s"]) == [10, 12, 13]
    assert list(daily["level_masl"][:2]) == [2121, 2120]


def test_files_that_say_the_same_or_of_which_one_is_silent_do_not_disagree() -> None:
    daily = reconcile(pd.concat([readings([10, 11], file="a"), readings([10, None, 12], level=2120, file="b")]))
    assert not daily["sources_disagree"].any()


def test_a_difference_in_the_level_alone_is_a_disagreement_too() -> None:
    daily = reconcile(pd.concat([readings([10], level=2120, file="a"), readings([10], level=2121, file="b")]))
    assert list(daily["sources_disagree"]) == [True]


def test_a_doubt_goes_with_the_value_that_won() -> None:
    doubted, checked = readings([10, 11], quality="suspect", file="a"), readings([10.5], file="b", start=1)
    cleaned = series("coca", pd.concat([doubted, checked]))
    assert list(cleaned["flow_flag"]) == ["suspect", "observed"]


# No look ahead


@pytest.mark.parametrize(
    ("station_id", "flags"),
    [
        ("paute-basin", {"placeholder", "out_of_bounds", "spike", "stuck", "copied"}),
        ("molino", {"regulated_stop", "out_of_bounds", "spike", "stuck"}),
        ("coca", {"placeholder", "out_of_bounds", "stuck"}),
    ],
)
def test_what_was_said_of_a_day_when_it_was_the_last_one_stands(station_id: str, flags: set[str]) -> None:
    flow = [*(50.0 + day % 7 for day in range(12)), 0, 60_000, 400, 51, *[52] * 6, None, 53, 54, 55, 56]
    flow += [900.0 + day for day in range(14)]  # looked at from behind, the jump to high water is none
    level = [2120.0] * 15 + [2124.0] * 26  # the reservoir moved on the day after the first jump
    calm = [*(20.0 + day % 5 for day in range(24)), 54, 55, 56, *(20.0 + day % 5 for day in range(14))]
    own = readings(flow, level=level, quality=["suspect" if value == 51 else "" for value in flow])
    other = readings(calm, level=2120.0)

    def known_on(day: pd.Timestamp) -> pd.DataFrame:
        others = dict.fromkeys(others_of(station_id), other[other["day"] <= day])
        return clean(station(station_id), own[own["day"] <= day], others)

    final = known_on(own["day"].max())
    final = final[(final["flow_flag"] != Flag.INTERPOLATED) & (final.index >= 12) & (final.index < 36)]
    said = pd.concat([known_on(day).iloc[[-1]] for day in final["day"]])
    pd.testing.assert_frame_equal(said, final)
    assert flags | {"observed", "suspect"} == set(final["flow_flag"])


# Properties

STATIONS = ("mazar", "molino", "sopladora", "paute-basin", "minas-san-francisco", "coca", "geoglows-99")
FLOWS = st.sampled_from([None, None, 0.0, -2.0, 21.5, 21.5, 21.5, 22.75, 23.123456, 24.654321, 400.0, 50_000.0])
LEVELS = st.sampled_from([None, 0.0, 2120.5, 2124.0, 9999.0])
QUALITIES = st.sampled_from(["suspect", "repeated"])
LENGTH = 24


@st.composite
def histories(draw: st.DrawFn, files: int = 1) -> pd.DataFrame:
    """A station's readings, ordinary ones with exceptions: one file after the other, or several that speak of the
    same days.
    """

    def with_exceptions(ordinary: list, exceptions: st.SearchStrategy, most: int) -> list:
        runs = draw(st.lists(st.tuples(st.integers(0, LENGTH - 1), st.integers(1, 7), exceptions), max_size=most))
        changed = {first + day: value for first, length, value in runs for day in range(length)}
        return [changed.get(position, value) for position, value in enumerate(ordinary)]

    frames = []
    for number in range(files):
        size = draw(st.sampled_from([0.4, 1, 10]))
        flow = with_exceptions([size * NOISE[day % len(NOISE)] for day in range(LENGTH)], FLOWS, most=5)
        level = with_exceptions([2120.0] * LENGTH, LEVELS, most=2)
        quality = with_exceptions([""] * LENGTH, QUALITIES, most=2)
        frames.append(readings(flow, level=level, quality=quality, file=f"f{number}"))
    if files == 1:
        frames[0]["raw_file"] = [f"week {day.day // 8}" for day in frames[0]["day"]]
    return pd.concat(frames)


def others_of(station_id: str) -> list[str]:
    spec = station(station_id)
    return sorted({*spec.neighbours, *spec.may_be_copy_of})


def outcome(cleaned: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    return cleaned[cleaned["day"] <= until].set_index("day")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), station_id=st.sampled_from(STATIONS), today=st.integers(0, LENGTH - 1), removed=st.booleans())
def test_what_comes_later_changes_no_earlier_day_but_the_interpolated_ones(
    data: st.DataObject, station_id: str, today: int, removed: bool
) -> None:
    until = FIRST + pd.Timedelta(days=today)
    names = [station_id, *others_of(station_id)]
    known = {name: data.draw(histories(), label=name) for name in names}
    later = {name: data.draw(histories(), label=f"{name} otherwise") for name in names if not removed}

    def told_otherwise(name: str) -> pd.DataFrame:
        past, future = known[name], later.get(name, known[name][:0])
        return pd.concat([past[past["day"] <= until], future[future["day"] > until]])

    if not (known[station_id]["day"] <= until).any():
        return
    one = outcome(clean(station(station_id), known[station_id], known), until)
    two = outcome(clean(station(station_id), told_otherwise(station_id), {n: told_otherwise(n) for n in names}), until)
    # A series ends with its last reading: behind it there is nothing, which says the same as missing days.
    for longer, shorter in ((one, two), (two, one)):
        assert set(longer.loc[longer.index.difference(shorter.index), "flow_flag"]) <= {"missing", "interpolated"}
    both = one.index.intersection(two.index)
    filled = (one.loc[both, "flow_flag"] == Flag.INTERPOLATED) | (two.loc[both, "flow_flag"] == Flag.INTERPOLATED)
    pd.testing.assert_frame_equal(one.loc[both][~filled], two.loc[both][~filled])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), station_id=st.sampled_from(STATIONS), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_files_means_nothing(data: st.DataObject, station_id: str, seed: int) -> None:
    known = {name: data.draw(histories(files=3), label=name) for name in [station_id, *others_of(station_id)]}
    if known[station_id].empty:
        return
    shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in reversed(known.items())}
    pd.testing.assert_frame_equal(
        clean(station(station_id), known[station_id], known), clean(station(station_id), shuffled[station_id], shuffled)
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data(), station_id=st.sampled_from(STATIONS))
def test_nothing_is_repaired_silently(data: st.DataObject, station_id: str) -> None:
    known = {name: data.draw(histories(files=2), label=name) for name in [station_id, *others_of(station_id)]}
    if known[station_id].empty:
        return
    cleaned = clean(station(station_id), known[station_id], known)
    flag, flow, raw = cleaned["flow_flag"], cleaned["flow_m3s"], cleaned["flow_raw_m3s"]
    observed = flag == Flag.OBSERVED
    assert flow[observed].tolist() == raw[observed].tolist()
    assert flow.notna().equals(observed | (flag == Flag.INTERPOLATED))
    assert raw.isna().equals(flag.isin([Flag.MISSING, Flag.INTERPOLATED]))
    assert flow.dropna().between(*station(station_id).flow_bounds_m3s).all()
    assert cleaned["level_masl"].notna().equals(cleaned["level_flag"] == Flag.OBSERVED)
