"""Lists: where rows are held, how far down a query's order, how even, how near to a border."""

import numpy as np
import pytest

from tests.ann.builds import METRICS, K, built, database, gaussian, queries, truth
from workbench.ann import Database, IndexSpec, border_margin, build_index, list_health, list_ranks
from workbench.errors import InputError

EVERY_METRIC = pytest.mark.parametrize("metric", METRICS)


def four_corners() -> np.ndarray:
    """Tight clusters about the corners of a square, so that the border between two of them is a middle line."""
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [10, 0], [0, 10], [10, 10]])
    return np.vstack([corner + rng.normal(0, 0.5, (40, 2)) for corner in corners]).astype(np.float32)


def test_a_neighbour_just_across_a_border_is_in_the_second_list():
    rows = np.vstack([four_corners(), [[5.3, 0.0]]]).astype(np.float32)
    index = build_index(IndexSpec("IVF4,Flat"), Database(rows, "euclidean"))
    query = np.array([[4.9, 0.0]], dtype=np.float32)  # the border is near x = 5; the planted row lies beyond it
    assert index.search(query, 1, (("nprobe", 1),))[0, 0] != 160
    assert index.search(query, 1, (("nprobe", 2),))[0, 0] == 160
    assert list_ranks(index, query, np.array([[160, 0]])).tolist() == [[2, 1]]
    far, near = border_margin(index, np.array([[1.0, 0.0], [4.9, 0.0]], dtype=np.float32))
    assert near < 0.05 and far > 0.7


@EVERY_METRIC
@pytest.mark.parametrize("kind", ["IVF16,Flat", "IVF16,PQ8x4fs", "OPQ2,IVF8,PQ8x4"])
def test_the_rank_is_the_smallest_nprobe_that_reaches_the_row(kind, metric):
    index = built(kind, metric)
    rows = truth(metric).ids[:, :4] % index.n
    ranks = list_ranks(index, queries(metric), rows)
    assert ranks.shape == (60, 4) and ranks.min() == 1 and ranks.max() > 4
    found = {n: index.search(queries(metric), index.n, (("nprobe", n),)) for n in range(1, 17)}
    for query in range(60):
        for row, rank in zip(rows[query], ranks[query], strict=True):
            assert min(n for n in found if row in found[n][query]) == rank


def test_ranks_are_the_same_in_blocks(monkeypatch):
    whole = list_ranks(built("IVF16,Flat", "dot"), queries("dot"), truth("dot").ids)
    monkeypatch.setattr("workbench.ann.inspection.lists._NUMBERS_AT_ONCE", 16 * 25)
    assert (list_ranks(built("IVF16,Flat", "dot"), queries("dot"), truth("dot").ids) == whole).all()


def test_recall_is_the_share_of_rows_whose_list_is_probed():
    index = built("IVF16,Flat", "cosine")
    ranks = list_ranks(index, queries("cosine"), truth("cosine").ids)
    for nprobe in (1, 3, 8):
        found = index.search(queries("cosine"), K, (("nprobe", nprobe),))
        same = [len(set(a) & set(b)) for a, b in zip(found, truth("cosine").ids, strict=True)]
        assert np.mean(ranks <= nprobe) == pytest.approx(np.sum(same) / ranks.size)


@EVERY_METRIC
def test_health_counts_what_faiss_counts(metric):
    index = built("IVF16,Flat", metric)
    health = list_health(index)
    assert (health.sizes == np.bincount(database(metric).coarse(16).lists, minlength=16)).all()
    assert health.imbalance == pytest.approx(index.base.invlists.imbalance_factor())
    assert health.table["size"].is_monotonic_decreasing and health.table["share"].sum() == pytest.approx(1)
    assert (health.sizes[health.table["list"]] == health.table["size"]).all()


def test_empty_lists_are_counted():
    rows = np.repeat(gaussian(3), 20, axis=0)
    health = list_health(build_index(IndexSpec("IVF6,Flat"), Database(rows, "euclidean")))
    assert health.empty == 3 and health.imbalance == pytest.approx(2.0)


@EVERY_METRIC
def test_the_margin_is_of_the_two_nearest_centroids(metric):
    index = built("OPQ2,IVF8,PQ8x4", metric)
    asked = queries(metric).astype(np.float64)
    centroids = index.database.coarse(8).centroids.astype(np.float64)
    if metric != "euclidean":
        asked = asked / np.linalg.norm(asked, axis=1, keepdims=True)
    near, far = np.sort(np.linalg.norm(asked[:, None] - centroids, axis=2), axis=1)[:, :2].T
    assert np.allclose(border_margin(index, queries(metric)), (far - near) / (far + near), atol=1e-4)


def test_the_margin_where_there_is_nothing_between():
    own = Database(np.ones((20, 4), dtype=np.float32), "dot")
    assert border_margin(build_index(IndexSpec("IVF1,Flat"), own), own.array[:2]).tolist() == [1, 1]
    twice = build_index(IndexSpec("IVF2,Flat"), own)
    assert border_margin(twice, np.zeros((1, 4), dtype=np.float32)).tolist() == [0]


def test_what_has_no_lists_is_refused():
    for ask in (list_health, lambda index: list_ranks(index, queries("dot"), truth("dot").ids)):
        with pytest.raises(InputError, match="PQ4 has no inverted lists"):
            ask(built("PQ4", "dot"))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((60, 1), 1500), "row 1,500 of 1,500"),
        (np.full((60, 1), -1), "row -1"),
        (np.zeros(60), r"shape \(60,\)"),
    ],
)
def test_rows_that_cannot_be_are_refused(rows, message):
    with pytest.raises(InputError, match=message):
        list_ranks(built("IVF16,Flat", "dot"), queries("dot"), rows)
