"""Latency as honest measurement asks for it: order, counts and threads are asserted, a time never is."""

import sys

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from workbench.ann import latency, open_loop, pinned, provenance, resident_growth, summarise, throughput, time_queries
from workbench.errors import InputError

PERCENTILES = ["p50_us", "p95_us", "p99_us", "p50_low_us", "p50_high_us"]


def gaussian(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


class Recorder:
    """Searches that write down who was asked what, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def search(self, name: str):
        def answer(query: np.ndarray) -> None:
            assert query.shape == (1, 16)
            assert query.flags.c_contiguous
            assert query.dtype == np.float32
            self.calls.append((name, float(query[0, 0])))

        return answer


@pytest.fixture
def three_threads():
    """A count of FAISS's threads that no default gives, put back afterwards."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    yield 3
    faiss.omp_set_num_threads(before)


def pools() -> list[tuple[str, int]]:
    return [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]


def test_pinned_threads_are_pinned_inside_and_restored_after(three_threads):
    before = pools()
    with pinned(1):
        assert faiss.omp_get_max_threads() == 1
        assert {count for _, count in pools()} == {1}
        with pinned(2):
            assert faiss.omp_get_max_threads() == 2
        assert faiss.omp_get_max_threads() == 1
    assert faiss.omp_get_max_threads() == three_threads
    assert pools() == before


def test_threads_are_restored_even_after_an_exception(three_threads):
    before = pools()

    def breaks(query: np.ndarray) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        latency({"breaks": breaks}, gaussian(3))
    assert faiss.omp_get_max_threads() == three_threads
    assert pools() == before


def test_torch_and_numba_are_pinned_where_they_are_imported_and_restored():
    import numba
    import torch

    before, threads = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(3)
    try:
        with pytest.raises(ZeroDivisionError), pinned(1):
            assert (torch.get_num_threads(), numba.get_num_threads()) == (1, 1)
            raise ZeroDivisionError
        assert (torch.get_num_threads(), numba.get_num_threads()) == (3, threads)
    finally:
        torch.set_num_threads(before)


def test_pinned_imports_no_library_that_the_program_does_not_use(monkeypatch):
    for name in ("torch", "numba"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pinned(1):
        assert not {"torch", "numba"} & set(sys.modules)


def test_no_threads_are_refused():
    with pytest.raises(InputError, match="0 threads"), pinned(0):
        pass


def test_warm_up_is_not_counted():
    recorder, queries = Recorder(), gaussian(5)
    taken = time_queries(recorder.search("a"), queries, warm_up=7)
    first = queries[:, 0].tolist()
    assert [value for _, value in recorder.calls] == first + first[:2] + first
    assert taken.shape == (5,)
    assert taken.dtype == np.int64
    assert (taken >= 0).all()


def test_rounds_are_interleaved_and_the_order_turns():
    recorder = Recorder()
    searches = {name: recorder.search(name) for name in "abc"}
    latency(searches, gaussian(4), rounds=4)
    turns = [name for name, _ in recorder.calls[::4]]
    twice = ("aabbcc", "bbccaa", "ccaabb", "aabbcc")  # in a round, each warms up before it is timed
    assert "".join(turns) == "abc" + "".join(twice)  # the first is the warm-up
    assert all(len({name for name, _ in recorder.calls[at : at + 4]}) == 1 for at in range(0, len(recorder.calls), 4))


def test_latency_times_every_query_in_every_round_on_one_thread(three_threads):
    recorder = Recorder()

    def on_one_thread(query: np.ndarray) -> None:
        assert faiss.omp_get_max_threads() == 1
        recorder.search("b")(query)

    table = latency({"a": recorder.search("a"), "b": on_one_thread}, gaussian(7), rounds=3)
    assert len(recorder.calls) == 2 * 7 * (1 + 2 * 3)
    assert table["count"].tolist() == [21, 21]
    assert table.index.tolist() == ["a", "b"]
    assert table.columns.tolist() == [*PERCENTILES, "count"]


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=4, max_size=4), min_size=1, max_size=5))
@settings(deadline=None)
def test_percentiles_are_medians_over_rounds_with_their_spread(rounds):
    summary = summarise(np.array(rounds))
    own = [[np.percentile(np.array(times) / 1e3, at) for times in rounds] for at in (50, 95, 99)]
    for name, values in zip(["p50_us", "p95_us", "p99_us"], own, strict=True):
        assert summary[name] == pytest.approx(np.median(values))
    assert summary["p50_low_us"] == pytest.approx(min(own[0]))
    assert summary["p50_high_us"] == pytest.approx(max(own[0]))
    assert summary["timed"] == 4 * len(rounds)
    assert summary["p50_low_us"] <= summary["p50_us"] <= summary["p50_high_us"]


def test_one_slow_round_moves_the_spread_and_not_the_median():
    calm = summarise(np.full((5, 100), 50_000))
    drifted = summarise(np.vstack([np.full((4, 100), 50_000), np.full((1, 100), 900_000)]))
    assert drifted["p50_us"] == calm["p50_us"] == 50
    assert drifted["p99_us"] == calm["p99_us"]
    assert drifted["p50_high_us"] == 900


def test_what_was_not_timed_says_so():
    summary = summarise(np.empty((0, 0)))
    assert summary["timed"] == 0
    assert all(np.isnan(summary[name]) for name in PERCENTILES)


def test_throughput_asks_one_batch_on_the_threads_named(three_threads):
    shapes, threads = [], []

    def search(batch: np.ndarray) -> None:
        shapes.append(batch.shape)
        threads.append(faiss.omp_get_max_threads())

    assert throughput(search, gaussian(9), 2, rounds=4) > 0
    assert shapes == [(9, 16)] * 5
    assert threads == [2] * 5
    assert faiss.omp_get_max_threads() == three_threads


@pytest.mark.parametrize(
    "measure",
    [
        lambda none, search: time_queries(search, none),
        lambda none, search: latency({"a": search}, none),
        lambda none, search: throughput(search, none, 1),
        lambda none, search: open_loop(search, none, 10, 0.1),
        lambda none, search: latency({"a": search}, gaussian(2), rounds=0),
        lambda none, search: open_loop(search, gaussian(2), 0, 0.1),
    ],
    ids=["time_queries", "latency", "throughput", "open_loop", "no rounds", "no rate"],
)
def test_nothing_to_time_is_refused(measure):
    with pytest.raises(InputError):
        measure(np.empty((0, 16), dtype=np.float32), lambda query: None)


class Clock:
    """Stands in for the module time: nothing but a search and a sleep takes any of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0
        monkeypatch.setattr("workbench.ann.timing.time", self)

    def perf_counter_ns(self) -> int:
        self.now += 1  # so that waiting by looking at the clock ends
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


def test_an_open_loop_counts_from_the_arrival_so_a_stall_hurts_all_who_wait(monkeypatch):
    """A stall of 200 ms: a closed loop sees one slow query of hundreds, the open loop every one that it delayed."""
    monkeypatch.setattr("workbench.ann.timing._SPIN_NS", 1000)
    clock, asked = Clock(monkeypatch), [0]

    def search(query: np.ndarray) -> None:
        asked[0] += 1
        clock.now += 200_000_000 if asked[0] == 100 else 100_000

    table = open_loop(search, gaussian(10), rate=500, seconds=1.0)
    assert table["answered"].all()
    assert asked[0] == len(table) + 20  # and the warm-up
    assert 400 < len(table) < 600
    assert (table["arrival_s"].diff().dropna() >= 0).all()
    assert table["query"].tolist() == [row % 10 for row in range(len(table))]
    assert (table["service_us"] > 10_000).sum() == 1
    assert (table["latency_us"] > 10_000).sum() > 50
    assert np.allclose(table["latency_us"], table["waited_us"] + table["service_us"])


def test_an_open_loop_beyond_what_the_search_can_answer_ends_and_keeps_the_unanswered(monkeypatch):
    monkeypatch.setattr("workbench.ann.timing._SPIN_NS", 1000)
    clock = Clock(monkeypatch)

    def search(query: np.ndarray) -> None:
        clock.now += 10_000_000  # 100 a second at most

    table = open_loop(search, gaussian(10), rate=1000, seconds=0.5)
    assert 45 <= table["answered"].sum() <= 51
    unanswered = table[~table["answered"]]
    assert len(unanswered) > 300
    assert unanswered["service_us"].isna().all()
    assert (unanswered["latency_us"] >= 0).all()
    assert unanswered["latency_us"].max() > 200_000


def test_provenance_says_what_it_was_measured_on_and_goes_into_json():
    import json

    said = json.loads(json.dumps(provenance()))
    assert said["libraries"]["faiss-cpu"] == faiss.__version__
    assert said["libraries"]["numpy"] == np.__version__
    assert said["cores"] >= 1
    assert said["cpu"]
    assert said["time"].endswith("+00:00")


def test_resident_growth_sees_memory_that_is_kept():
    kept, grown = resident_growth(lambda: np.ones(8_000_000))
    assert kept.nbytes * 0.9 < grown
