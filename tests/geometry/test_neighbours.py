from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from workbench.errors import IdentityError, InputError, VectorError
from workbench.geometry import cosine_similarity, dot_product, euclidean_distance, exact_neighbours
from workbench.geometry import neighbours as module
from workbench.records import Metric, ModelIdentity, Neighbours, Vectors

SCORES = {"cosine": cosine_similarity, "dot": dot_product, "euclidean": euclidean_distance}
METRICS = pytest.mark.parametrize("metric", SCORES)
KINDS = ["normal", "duplicates", "integers", "offset", "tiny", "huge", "overflowing"]
DATA = pytest.mark.parametrize(  # dot products of the last kind are themselves beyond float32
    ("kind", "metric"), [(kind, m) for kind in KINDS for m in SCORES if (kind, m) != ("overflowing", "dot")]
)


def make(kind: str, n: int = 1200, d: int = 12, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, d))
    if kind == "duplicates":
        x = x[random.integers(0, min(n, 25), n)]
    if kind == "integers":
        x = random.integers(1, 4, size=(n, d))
    scale, offset = {"offset": (1, 1e4), "tiny": (1e-30, 0), "huge": (1e18, 0), "overflowing": (3e37, 0)}.get(
        kind, (1, 0)
    )
    return (x * scale + offset).astype(np.float32)


def slow(
    queries: np.ndarray, vectors: np.ndarray, k: int, metric: Metric, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """All scores by the definition, then a sort by score and row."""
    scores = SCORES[metric](queries, vectors)
    keys = scores if metric == "euclidean" else -scores
    if own is not None:
        keys[np.arange(len(queries)), own] = np.inf
    order = np.stack([np.lexsort((np.arange(len(vectors)), row))[:k] for row in keys])
    return order, np.take_along_axis(scores, order, axis=1)


def assert_equal(found: Neighbours, expected: tuple[np.ndarray, np.ndarray]) -> None:
    assert found.ids.dtype == np.int64
    assert found.scores.dtype == np.float32
    assert_array_equal(found.scores, expected[1])
    assert_array_equal(found.ids, expected[0])


@DATA
@pytest.mark.parametrize("block_bytes", [4_000, 128 << 20], ids=["many blocks", "one block"])
def test_equals_a_sort_of_all_scores(kind: str, metric: Metric, block_bytes: int) -> None:
    x = make(kind)
    queries = np.vstack([x[:10], make(kind, 10, seed=1)])
    assert_equal(exact_neighbours(queries, x, 15, metric, block_bytes=block_bytes), slow(queries, x, 15, metric))


@DATA
def test_without_itself_equals_a_sort_that_leaves_it_out(kind: str, metric: Metric) -> None:
    x = make(kind, 300)
    for k in (1, 15, 299):
        found = exact_neighbours(x, x, k, metric, exclude_self=True, block_bytes=50_000)
        assert not (found.ids == np.arange(300)[:, None]).any()
        assert_equal(found, slow(x, x, k, metric, own=np.arange(300)))


@METRICS
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equals_a_sort_of_all_scores_for_any_shape_and_block(metric: Metric, data: st.DataObject) -> None:
    q, n, d = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 60)), data.draw(st.integers(1, 9))
    k, block_bytes = data.draw(st.integers(1, n)), data.draw(st.sampled_from([1, 100, 1_000, 10_000, 1 << 20]))
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    few = data.draw(st.booleans())  # values from few, so that ties abound
    draw = (lambda rows: random.integers(1, 3, (rows, d))) if few else (lambda rows: random.normal(size=(rows, d)))
    queries, x = draw(q).astype(np.float32), draw(n).astype(np.float32)
    assert_equal(exact_neighbours(queries, x, k, metric, block_bytes=block_bytes), slow(queries, x, k, metric))


@METRICS
@pytest.mark.parametrize("block_bytes", [1_500, 128 << 20], ids=["many blocks", "one block"])
def test_duplicates_tie_exactly_and_the_lowest_rows_win(metric: Metric, block_bytes: int) -> None:
    """500 copies of one vector in 1,000 rows: the k-th place is a tie that spans every block."""
    x = make("normal", 1000, 33)
    copies = np.sort(np.random.default_rng(5).permutation(1000)[:500])
    x[copies] = x[copies[0]]
    found = exact_neighbours(x[copies[:3]], x, 40, metric, block_bytes=block_bytes)
    if metric != "dot":  # the vector with the largest dot product is another, longer one
        assert_array_equal(found.ids, np.tile(copies[:40], (3, 1)))
        assert (found.scores == found.scores[0, 0]).all()
    assert_equal(found, slow(x[copies[:3]], x, 40, metric))


@METRICS
def test_the_answer_is_the_same_whatever_the_blocks(metric: Metric) -> None:
    x = make("normal", 5000, 64)
    whole = exact_neighbours(x[:50], x, 20, metric)
    for block_bytes in (10_000, 77_777, 1_000_000):
        found = exact_neighbours(x[:50], x, 20, metric, block_bytes=block_bytes)
        assert_array_equal(found.ids, whole.ids)
        assert_array_equal(found.scores, whole.scores)


def test_candidates_that_prove_nothing_are_the_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary vectors take the fast path, near-ties beyond the candidates the careful one."""
    scanned = []
    scan = module._Search._scan
    monkeypatch.setattr(module._Search, "_scan", lambda self, a, own: (scanned.append(len(a)), scan(self, a, own))[1])
    x = make("normal", 20_000, 64)
    for metric in SCORES:
        exact_neighbours(x[:100], x, 10, metric)
    assert scanned == []
    x[100:300] = x[0] + np.float32(1e-7) * make("normal", 200, 64)
    assert_equal(exact_neighbours(x[:2], x, 10, "cosine"), slow(x[:2], x, 10, "cosine"))
    assert scanned == [1]


def test_euclidean_neighbours_far_from_the_origin() -> None:
    """float32 squared distances by expansion are noise here: 1e8 + 1e8 - 2e8 for distances near 1."""
    x = make("normal", 2000, 8) + np.float32(1e4)
    assert_equal(exact_neighbours(x[:20], x, 10, "euclidean"), slow(x[:20], x, 10, "euclidean"))


def test_a_memory_map_is_searched_in_place(tmp_path: Path) -> None:
    x = make("normal", 3000, 16)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert_equal(exact_neighbours(mapped[:5], mapped, 7, block_bytes=20_000), slow(x[:5], x, 7, "cosine"))


def test_memory_is_bounded_by_the_blocks_not_by_n(tmp_path: Path) -> None:
    """NumPy's own allocations, traced: a search over four times the rows may not take more."""
    import tracemalloc

    peaks = []
    for n in (150_000, 600_000):
        path = tmp_path / f"{n}.npy"
        np.save(path, make("normal", n, 32))
        mapped = np.load(path, mmap_mode="r")
        tracemalloc.start()
        for metric in SCORES:
            exact_neighbours(mapped[:64], mapped, 10, metric, block_bytes=4 << 20)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < mapped.nbytes / 8


@pytest.mark.parametrize("k", [0, -1, 6])
def test_k_outside_the_number_of_vectors_is_refused(k: int) -> None:
    x = make("normal", 5)
    with pytest.raises(InputError, match=rf"k={k} .*5 vectors.*from 1 to 5"):
        exact_neighbours(x, x, k)


def test_k_leaves_room_for_the_query_itself() -> None:
    x = make("normal", 5)
    assert exact_neighbours(x, x, 4, exclude_self=True).k == 4
    with pytest.raises(InputError, match="4 other vectors"):
        exact_neighbours(x, x, 5, exclude_self=True)


def test_which_row_is_the_query_must_be_known() -> None:
    x = make("normal", 9)
    with pytest.raises(InputError, match="exclude_self cannot tell which of 9 vectors the 3 queries are"):
        exact_neighbours(x[:3], x, 2, exclude_self=True)


def test_vectors_know_their_rows_by_id() -> None:
    x = make("normal", 9)
    vectors = Vectors(tuple("abcdefghi"), x)
    some = vectors.take([7, 2])
    assert_equal(
        exact_neighbours(some, vectors, 8, exclude_self=True), slow(x[[7, 2]], x, 8, "cosine", own=np.array([7, 2]))
    )
    stranger = Vectors(("z",), x[:1])
    assert exact_neighbours(stranger, vectors, 1, exclude_self=True).ids[0, 0] == 0


@METRICS
@pytest.mark.parametrize("where", ["queries", "vectors"])
def test_nan_is_refused_with_its_row(metric: Metric, where: str) -> None:
    good, bad = make("normal", 50), make("normal", 50)
    bad[31, 2] = np.nan
    queries, vectors = (bad, good) if where == "queries" else (good, bad)
    with pytest.raises(VectorError, match="row 31"):
        exact_neighbours(queries, vectors, 3, metric)


def test_a_zero_vector_is_refused_under_cosine_only() -> None:
    x = make("normal", 50)
    x[8] = 0
    with pytest.raises(VectorError, match="row 8"):
        exact_neighbours(x[:2], x, 3)
    for metric in ("dot", "euclidean"):
        assert_equal(exact_neighbours(x[:2], x, 3, metric), slow(x[:2], x, 3, metric))


def test_dimensions_that_differ_are_refused() -> None:
    with pytest.raises(VectorError, match=r"12 dimensions.* 8"):
        exact_neighbours(make("normal", 5, 12), make("normal", 5, 8), 2)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(InputError, match="'hamming'"):
        exact_neighbours(make("normal", 5), make("normal", 5), 2, "hamming")  # type: ignore[arg-type]


def test_vectors_of_two_models_never_meet() -> None:
    x = make("normal", 5)
    one, other = (ModelIdentity(name, "0" * 40, 12) for name in ("one", "other"))
    vectors = Vectors(tuple("abcde"), x, one)
    with pytest.raises(IdentityError, match="other"):
        exact_neighbours(Vectors(("q",), x[:1], other), vectors, 2)
    assert len(exact_neighbours(Vectors(("q",), x[:1], one), vectors, 2)) == 1
    assert len(exact_neighbours(Vectors(("q",), x[:1]), vectors, 2)) == 1


@METRICS
def test_vectors_are_compared_by_their_own_metric(metric: Metric) -> None:
    x = make("offset", 200)
    names = tuple(map(str, range(200)))
    own, other = Vectors(names, x, metric=metric), Vectors(names, x, metric="cosine")
    expected = exact_neighbours(x, x, 5, metric)
    for queries, vectors in ((own, own), (other, own), (x, own), (own, x)):
        assert_array_equal(exact_neighbours(queries, vectors, 5).ids, expected.ids)
        assert exact_neighbours(queries, vectors, 5).metric == metric
    assert exact_neighbours(own, own, 5, "euclidean").metric == "euclidean"
    assert exact_neighbours(x, x, 5).metric == "cosine"
