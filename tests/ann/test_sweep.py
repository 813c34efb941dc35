"""A sweep of few vectors: what it measures, what it leaves out, and what survives a stop, a kill and bad input."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import ann
from workbench.ann.indexes import load_index
from workbench.ann.sweeping import finals
from workbench.ann.sweeping.candidates import candidates, coarse_sizes
from workbench.ann.sweeping.ledger import ledger
from workbench.ann.sweeping.trial import spread
from workbench.errors import IdentityError, InputError, StorageError, VectorError
from workbench.records import ModelIdentity, Vectors


def clustered(n=3_000, d=16, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((40, d))
    return (centers[rng.integers(40, size=n)] + 0.6 * rng.standard_normal((n, d))).astype(np.float32)


def quick(vectors, **settings):
    return ann.sweep(vectors, **({"rounds": 2, "progress": False, "targets": (0.9, 0.99)} | settings))


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "default"
    return quick(clustered(), metric="euclidean", families=("hnsw", "ivf", "ivfpq"), out=folder)


def test_exact_search_is_the_baseline_and_scores_exactly_one(swept):
    flat = swept.baseline
    assert flat["index"] == "Flat"
    assert flat["recall"] == flat["recall_at_1"] == flat["worst_decile"] == 1.0
    assert flat["speedup"] == 1.0
    assert flat["distances"] == swept.n


def test_a_rows_recall_is_that_of_the_answers_that_are_kept(swept):
    held = clustered()[swept.query_rows]
    searched = clustered()[swept.searched_rows]
    np.testing.assert_array_equal(held, swept.queries)
    for point in swept.points["point"].iloc[::7]:
        again = ann.recall(swept.answers(point), swept.truth, held, searched)
        np.testing.assert_allclose(again, swept.recalls(point), atol=1e-6)
        assert swept.point(point)["recall"] == pytest.approx(again.mean())


def test_an_nprobe_that_codes_need_is_one_that_found_it(swept):
    coded = swept.points[swept.points["family"] == "ivfpq"].sort_values("recall")
    spec = ann.IndexSpec.parse(coded["index"].iloc[0])
    needed = swept.misses(coded["point"].iloc[0]).each.query("cause == 'nprobe'").dropna(subset="needs")
    assert len(needed)
    for nprobe, misses in needed.groupby("needs"):
        found = swept.answers(str(spec.with_search(nprobe=int(nprobe))))
        assert nprobe > dict(spec.search)["nprobe"]
        assert (found[misses["query"]] == misses["row"].to_numpy()[:, None]).any(axis=1).all()


def test_what_each_point_missed_is_kept_and_adds_up(swept):
    for row in swept.points.to_dict("records"):
        misses = swept.misses(row["point"])
        assert sum(misses.shares.values()) + row["recall"] == pytest.approx(1, abs=1e-6)
        allowed = {"hnsw": {"ef", "unreachable"}, "ivf": {"nprobe"}, "flat": set()}
        assert set(misses.each["cause"]) <= allowed.get(row["family"], {"nprobe", "refine", "distorted", "tie"})


def test_an_ef_that_a_graph_needs_is_one_that_found_it(tmp_path):
    ladder = [f"HNSW4 efConstruction=20 efSearch={ef}" for ef in (10, 14, 20, 40, 80)]
    swept = quick(
        clustered(), metric="euclidean", grid=[ann.IndexSpec.parse(one) for one in ladder], out=tmp_path / "s"
    )
    needed = swept.misses(ladder[0]).each.query("cause == 'ef'").dropna(subset="needs")
    assert set(needed["needs"]) > {14, 20}
    assert swept.misses(ladder[0]).tried == {"efSearch": 80}
    assert not swept.misses(ladder[-1]).tried
    for miss in needed.to_dict("records"):
        found = swept.answers(f"HNSW4 efConstruction=20 efSearch={int(miss['needs'])}")
        assert miss["row"] in found[miss["query"]]
        assert miss["needs"] > 10


def test_misses_that_are_gone_are_none_and_damaged_ones_an_error(swept):
    name = swept.points["point"].iloc[-1]
    kept = swept.folder / "misses" / f"{name}.parquet"
    kept.rename(swept.folder / "aside")
    assert swept.misses(name) is None
    kept.write_bytes(b"PAR1")
    with pytest.raises(StorageError, match=name):
        swept.misses(name)
    (swept.folder / "aside").rename(kept)


def test_queries_held_out_are_no_rows_of_what_is_searched(swept):
    assert swept.n + len(swept.query_rows) == 3_000
    assert not set(swept.query_rows) & set(swept.searched_rows)


def test_the_front_is_timed_in_every_round_and_nothing_on_it_is_beaten(swept):
    front = swept.front
    assert (front["rounds"] == 2).all()
    assert (front["timed"] > 0).all()
    assert front["recall"].is_monotonic_increasing
    assert front["p50_us"].is_monotonic_increasing
    last = swept.points[swept.points["rounds"] == 2]
    assert last[["qps", "distances", "resident_bytes"]].notna().all().all()


def test_every_build_is_measured_or_listed_with_a_reason(swept):
    asked = {str(spec) for name in ("hnsw", "ivf", "ivfpq") for spec in candidates(name, swept.n, swept.d)}
    measured, left_out = set(swept.points["build"]), set(swept.untested["index"])
    assert asked <= measured | left_out
    assert not measured & left_out
    assert swept.untested["reason"].str.len().gt(0).all()
    assert {"hnsw", "ivf", "ivfpq", "flat"} == set(swept.points["family"])


def test_a_finished_sweep_says_what_it_was_measured_on_and_drops_its_indexes(swept):
    assert swept.manifest["finished"]
    assert swept.manifest["environment"]["libraries"]["faiss-cpu"]
    assert swept.manifest["repeated_rows"] == 0
    assert not list((swept.folder / "indexes").iterdir())
    again = ann.open_sweep(swept.folder)
    pd.testing.assert_frame_equal(again.points, swept.points)
    pd.testing.assert_frame_equal(again.ledger, swept.ledger)
    np.testing.assert_array_equal(again.truth.ids, swept.truth.ids)


def test_a_finished_sweep_that_is_asked_again_is_read(swept):
    files = sorted((swept.folder / "rows").glob("*.parquet"))
    again = quick(clustered(), metric="euclidean", families=("hnsw", "ivf", "ivfpq"), out=swept.folder)
    assert sorted((swept.folder / "rows").glob("*.parquet")) == files
    pd.testing.assert_frame_equal(again.points, swept.points)


def test_adaptive_reaches_every_target_that_the_exhaustive_grid_reaches(tmp_path):
    vectors = clustered(1_500, seed=3)
    grid = [
        spec.with_search(**{name: value})
        for spec in [*candidates("ivf", 1_350, 16), *candidates("hnsw", 1_350, 16)[:3]]
        for name in spec.search_names
        for value in (4, 8, 16)
    ]
    whole = quick(vectors, metric="dot", grid=grid, out=tmp_path / "grid")
    assert set(whole.points["index"]) == {"Flat", *map(str, grid)}
    assert (whole.points["rounds"] == 2).all()
    own = quick(vectors, metric="dot", families=("ivf", "hnsw"), out=tmp_path / "own")
    for target in (0.9, 0.99):
        for family in ("ivf", "hnsw"):
            reached = whole.points[(whole.points["recall"] >= target) & (whole.points["family"] == family)]
            ours = own.points[(own.points["recall"] >= target) & (own.points["family"] == family)]
            assert reached.empty or not ours.empty, (target, family)


_SLOW = ("hnswlib", "qdrant", "opq")  # to train or to fill
_ALL = tuple(name for name in ann.FAMILIES if name not in _SLOW)


@pytest.mark.parametrize(
    ("metric", "families"), [("dot", _ALL), ("cosine", ("ivf", "sq", "pq")), ("euclidean", ("ivf", "sq", "pq"))]
)
def test_every_family_is_measured_or_refused_with_a_reason(metric, families, tmp_path):
    few = {"queries": clustered(40, seed=5), "targets": (0.9,), "rounds": 1, "k": 5}
    result = quick(clustered(800), metric=metric, families=families, out=tmp_path, **few)
    seen = set(result.points["family"]) | {ann.IndexSpec.parse(text).family for text in result.untested["index"]}
    assert seen == {"flat", *families}
    assert (result.points.loc[result.points["build"] == "Flat", "recall"] == 1.0).all()


def test_a_sweep_that_is_stopped_keeps_its_rows_and_goes_on(tmp_path):
    stopped = []

    def stop(so_far):
        stopped.append(so_far)
        if len(so_far.points) > 3:
            raise KeyboardInterrupt

    settings = {"metric": "cosine", "families": ("ivf", "sq"), "out": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        quick(clustered(), watch=stop, **settings)
    before = ann.open_sweep(tmp_path)
    assert not before.manifest["finished"]
    assert len(before.points) == len(stopped[-1].points) > 3
    kept = {row["name"]: row["time"] for path in (tmp_path / "rows").glob("*.parquet") for row in _rows(path)}
    seen = []
    result = quick(clustered(), watch=seen.append, **settings)
    assert result.manifest["finished"]
    assert [so_far.manifest["finished"] for so_far in seen] == [False] * (len(seen) - 1) + [True]
    assert set(before.points["point"]) <= set(result.points["point"])
    again = [row for path in (tmp_path / "rows").glob("*.parquet") for row in _rows(path) if row["rounds"] == 0]
    assert {row["name"]: row["time"] for row in again if row["name"] in kept} == kept


_KILLED = """
import sys
import numpy as np
from tests.ann.test_sweep import clustered, quick
quick(clustered(), metric="dot", families=("ivf", "ivfpq"), out=sys.argv[1])
"""


def test_a_sweep_that_is_killed_goes_on_with_the_rows_that_it_had(tmp_path):
    out = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(out)], cwd=Path(__file__).parents[2])
    try:
        deadline = time.monotonic() + 120
        while len(list((out / "rows").glob("*.parquet"))) < 3 and time.monotonic() < deadline:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    before = ann.open_sweep(out)
    kept = {row["name"]: row["time"] for path in (out / "rows").glob("*.parquet") for row in _rows(path)}
    assert not before.manifest["finished"]
    result = quick(clustered(), metric="dot", families=("ivf", "ivfpq"), out=out)
    assert result.manifest["finished"]
    assert result.manifest["seconds"] > before.manifest["seconds"]
    first = {}
    for path in sorted((out / "rows").glob("*.parquet")):
        for row in _rows(path):
            first.setdefault((row["name"], row["rounds"]), row["time"])
    for name, when in kept.items():
        assert first[name, 0.0] == when, "a row that was there was measured again"


def _rows(path):
    return [row for row in pd.read_parquet(path).to_dict("records") if row["kind"] == "point"]


def test_rows_of_another_machine_are_not_used_again(tmp_path, monkeypatch):
    settings = {"metric": "dot", "families": ("sq",), "out": tmp_path}
    quick(clustered(600), **settings)
    seen = len(list((tmp_path / "rows").glob("*.parquet")))
    other = ann.provenance() | {"cpu": "another processor"}
    monkeypatch.setattr("workbench.ann.sweeping.run.provenance", lambda: other)
    quick(clustered(600), **settings)
    added = sorted((tmp_path / "rows").glob("*.parquet"))[seen:]
    assert {"Flat", "SQ8"} <= {row["index"] for path in added for row in _rows(path) if row["rounds"] == 0}


def test_a_result_holds_the_rows_of_one_machine_alone(tmp_path, monkeypatch):
    first = quick(clustered(600), metric="dot", families=("sq",), out=tmp_path)
    other = ann.provenance() | {"cpu": "another processor"}
    monkeypatch.setattr("workbench.ann.sweeping.run.provenance", lambda: other)
    result = quick(clustered(600), metric="dot", families=("ivf",), out=tmp_path)
    assert set(result.points["family"]) == {"flat", "ivf"}
    assert result.manifest["environment"]["cpu"] == "another processor"
    assert first.manifest["environment"] in result.manifest["environments"].values()
    pd.testing.assert_frame_equal(ann.open_sweep(tmp_path).points, result.points)


def test_an_index_of_another_machine_is_built_again(tmp_path, monkeypatch):
    def stop(so_far):
        if len(so_far.points) > 1:
            raise KeyboardInterrupt

    grid = [ann.IndexSpec("HNSW8").with_search(efSearch=value) for value in (10, 20)]
    with pytest.raises(KeyboardInterrupt):
        quick(clustered(600), metric="dot", grid=grid, out=tmp_path, watch=stop)
    kept = set((tmp_path / "indexes").iterdir())
    assert kept
    other = ann.provenance() | {"cpu": "another processor"}
    monkeypatch.setattr("workbench.ann.sweeping.run.provenance", lambda: other)
    built = []
    real = ann.build_index
    monkeypatch.setattr(
        "workbench.ann.sweeping.trial.build_index", lambda spec, *rest: built.append(str(spec)) or real(spec, *rest)
    )
    quick(clustered(600), metric="dot", grid=grid, out=tmp_path)
    assert built == ["Flat", "HNSW8"]


def test_more_families_in_the_same_folder_share_one_front_of_one_pace(tmp_path):
    quick(clustered(600), metric="dot", families=("ivf",), out=tmp_path, rounds=3)
    both = quick(clustered(600), metric="dot", families=("ivf", "sq"), out=tmp_path, rounds=2)
    last = both.points[both.points["rounds"] > 0]
    assert set(last["rounds"]) == {2}
    assert set(both.points["family"]) == {"flat", "ivf", "sq"}
    front = ann.pareto(last["recall"], last["p50_us"])
    assert set(last.loc[front, "point"]) == set(both.front["point"])


def test_a_grid_measures_nothing_else_even_where_a_sweep_was(tmp_path):
    quick(clustered(600), metric="dot", families=("sq",), out=tmp_path)
    with pytest.raises(InputError, match="holds a sweep with grid = None"):
        quick(clustered(600), metric="dot", grid=[ann.IndexSpec("SQ4")], out=tmp_path)


def test_queries_that_are_rows_and_repeated_rows_are_counted(tmp_path):
    vectors = clustered(600, d=50)
    vectors[500:] = vectors[:100]
    result = quick(vectors, queries=vectors[:30], metric="euclidean", families=("sq",), out=tmp_path)
    assert result.manifest["queries_that_are_rows"] == 30
    assert result.manifest["repeated_rows"] == 100
    assert result.query_rows is None
    assert result.searched_rows.tolist() == list(range(600))


def test_what_is_timed_in_the_rounds_does_not_depend_on_the_order_of_the_corpus():
    queries = np.arange(90, dtype=np.float32)[:, None]
    assert spread(queries, 50)[[0, -1], 0].tolist() == [0, 89]
    assert len(np.unique(spread(queries, 50))) == 50
    assert len(spread(queries, 500)) == 90


def test_every_index_is_timed_in_every_round_and_the_order_turns(tmp_path, monkeypatch):
    timed = []
    real = finals.time_queries

    def noted(search, queries):
        timed.append(len(timed))
        return real(search, queries)

    loaded = []
    monkeypatch.setattr(finals, "time_queries", noted)
    monkeypatch.setattr(
        finals, "load_index", lambda path, *rest, **how: loaded.append(path.name) or load_index(path, *rest, **how)
    )
    grid = [ann.IndexSpec("SQ8"), ann.IndexSpec("IVF8,Flat").with_search(nprobe=2)]
    result = quick(clustered(600), metric="dot", grid=grid, out=tmp_path, rounds=3)
    first, second, third = loaded[:3], loaded[3:6], loaded[6:]
    assert sorted(first) == sorted(second) == sorted(third)
    assert second == first[1:] + first[:1]
    assert third == first[2:] + first[:2]
    assert len(timed) == 9
    assert (result.points["rounds"] == 3).all()


def test_a_budget_leaves_builds_out_and_says_so(tmp_path):
    result = quick(clustered(), metric="dot", families=("ivf", "hnsw"), budget=1e-3, out=tmp_path)
    assert result.points["index"].tolist() == ["Flat"]
    assert result.untested["reason"].str.contains("budget").any()


def test_with_a_budget_every_family_is_seen_before_any_is_looked_into(tmp_path):
    seen = []

    def until_the_fifth(so_far):
        seen.append(so_far)
        if so_far.points["build"].nunique() == 5:
            raise KeyboardInterrupt

    families = ("ivfpq", "ivf", "sq", "hnsw")
    with pytest.raises(KeyboardInterrupt):
        quick(clustered(600), metric="dot", families=families, budget=100, out=tmp_path, watch=until_the_fifth)
    assert set(seen[-1].points["family"]) == {"flat", *families}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k=0"),
        ({"k": 900}, "k=900 neighbours were asked of 540"),
        ({"families": ("hsnw",)}, r"no index family \['hsnw'\]"),
        ({"families": "hnsw"}, "no index family 'hnsw'"),
        ({"targets": (0.99, 0.9)}, "recall targets"),
        ({"targets": (1.2,)}, "recall targets"),
        ({"budget": -1}, "budget of -1"),
        ({"rounds": 0}, "0 rounds"),
        ({"metric": "manhattan"}, "manhattan"),
        ({"grid": [ann.IndexSpec("IVF4096,Flat")]}, "4,096|4096"),
        ({"grid": [ann.IndexSpec("IVF4,PQ7")]}, "7"),
        ({"queries": np.ones((3, 5), np.float32)}, "5"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_any_work(settings, message, tmp_path):
    out = tmp_path / "none"
    with pytest.raises((InputError, VectorError), match=message):
        quick(clustered(600), **({"metric": "dot", "out": out} | settings))
    assert not out.exists()


def test_nan_and_a_single_vector_are_refused(tmp_path):
    broken = clustered(100)
    broken[7, 3] = np.nan
    with pytest.raises(VectorError, match="7"):
        quick(broken, metric="dot", out=tmp_path)
    with pytest.raises(InputError, match="1 vectors leave nothing"):
        quick(clustered(1), metric="dot", out=tmp_path)


def test_vectors_that_are_all_equal_are_found_by_every_index_because_all_are_tied(tmp_path):
    result = quick(np.ones((300, 8), np.float32), metric="dot", families=("ivf", "hnsw", "sq"), out=tmp_path)
    assert result.manifest["repeated_rows"] == 269
    assert (result.points["recall"] == 1.0).all()


def test_queries_of_another_model_are_refused(tmp_path):
    def made(name):
        return Vectors(tuple(map(str, range(600))), clustered(600), ModelIdentity(name, "1", 16))

    with pytest.raises(IdentityError):
        quick(made("one"), queries=made("other"), out=tmp_path / "none")


def test_a_folder_of_other_data_is_refused(tmp_path):
    quick(clustered(600), metric="dot", families=("sq",), out=tmp_path)
    with pytest.raises(InputError, match="holds a sweep with fingerprint"):
        quick(clustered(600, seed=9), metric="dot", families=("sq",), out=tmp_path)
    with pytest.raises(InputError, match="holds a sweep with k = 10"):
        quick(clustered(600), metric="dot", families=("sq",), k=5, out=tmp_path)


def test_two_sweeps_do_not_share_a_folder(tmp_path):
    def second(_):
        quick(clustered(600), metric="dot", families=("sq",), out=tmp_path)

    with pytest.raises(StorageError, match="another sweep is running"):
        quick(clustered(600), metric="dot", families=("sq",), out=tmp_path, watch=second)


def test_damaged_files_are_named_and_never_read_as_whole(tmp_path):
    quick(clustered(600), metric="dot", families=("sq",), out=tmp_path)
    with pytest.raises(InputError, match="holds no sweep"):
        ann.open_sweep(tmp_path / "rows")
    rows = max((tmp_path / "rows").glob("*.parquet"))
    whole = rows.read_bytes()
    rows.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match=rows.name):
        ann.open_sweep(tmp_path)
    rows.write_bytes(whole)
    (tmp_path / "truth.npz").write_bytes(b"PK half")
    with pytest.raises(StorageError, match=r"truth\.npz"):
        ann.open_sweep(tmp_path)
    (tmp_path / "manifest.json").write_text('{"layout": 1, "n"')
    with pytest.raises(StorageError, match="manifest"):
        ann.open_sweep(tmp_path)


def test_the_ledger_adds_up_what_was_shared():
    rows = [
        {"rows": 100, "build": "HNSW8", "build_s": 10.0, "nlist": 0, "coarse_s": 0.0},
        {"rows": 100, "build": "HNSW8", "build_s": 10.0, "nlist": 0, "coarse_s": 0.0},
        {"rows": 100, "build": "HNSW8", "build_s": 10.0, "nlist": 0, "coarse_s": 0.0},
        {"rows": 100, "build": "IVF4,Flat", "build_s": 3.0, "nlist": 4, "coarse_s": 2.0},
        {"rows": 100, "build": "IVF4,SQ8", "build_s": 4.0, "nlist": 4, "coarse_s": 2.0},
        {"rows": 25, "build": "IVF4,SQ8", "build_s": 1.0, "nlist": 4, "coarse_s": 0.5},
    ]
    saved = ledger(rows, 0.5).set_index("what")
    assert saved.loc["one build for all of its search settings"].tolist() == [2, 20.0]
    assert saved.loc["one k-means for all inverted files of its nlist"].tolist() == [1, 2.0]
    assert saved.loc["one exact search for all points"].tolist() == [4, 2.0]


@pytest.mark.parametrize(("n", "d"), [(100_000, 384), (688_209, 384), (3_000, 16), (900, 7), (50, 1)])
def test_candidates_fit_the_data(n, d):
    for family in ann.DEFAULT_FAMILIES:
        specs = candidates(family, n, d)
        assert specs
        assert all(spec.family == family for spec in specs)
        assert len(set(specs)) == len(specs)
    assert all(size * 39 <= n or size == 2 for size in coarse_sizes(n))
