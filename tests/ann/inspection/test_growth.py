"""One graph that grows is the graph of all, its work is counted as FAISS counts it, and the fit finds planted laws."""

import numpy as np
import pytest

from workbench.ann import Database, GraphGrowth, IndexSpec, growing_graph
from workbench.errors import InputError

SPEC = IndexSpec.parse("HNSW8 efConstruction=40")
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(2000, 16)).astype(np.float32)
QUERIES = RNG.normal(size=(40, 16)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_graph_that_grew_searches_all_vectors_and_counts_as_it_does(metric) -> None:
    database = Database(VECTORS, metric)
    grown = growing_graph(SPEC, database, QUERIES, (100, 400, 2000), ladder=(10, 40))
    asked = database.prepare(QUERIES)
    points = grown.points.set_index(["n", "efSearch"])
    assert list(points.index) == [(n, ef) for n in (100, 400, 2000) for ef in (10, 40)] and grown.index.n == 2000
    assert points.loc[(2000, 40), "distances"] == grown.index.distances(asked, 10, (("efSearch", 40),))
    for low, middle, high in (("low", "distances", "high"), ("recall_low", "recall", "recall_high")):
        assert (points[low] <= points[middle]).all() and (points[middle] <= points[high]).all()
    assert points.loc[(2000, 40), "recall"] > points.loc[(2000, 10), "recall"] > 0.4
    early = growing_graph(SPEC, Database(VECTORS[:400], metric), QUERIES, (100, 400), ladder=(10, 40)).points
    assert early.equals(grown.points[grown.points["n"] <= 400]), "what came later changes nothing of what was before"
    rest = growing_graph(SPEC, database, QUERIES, (100,), ladder=(10,))
    assert rest.index.search(asked, 10).max() >= 1000, "the rest is added too"


def planted(law) -> GraphGrowth:
    """Queries that need, for a recall of 0.9, what the law says of n; each has an ease of its own."""
    sizes, queries = np.array([1000, 4000, 16_000, 64_000]), 300
    ease = RNG.lognormal(sigma=0.3, size=(queries, 1, 1))
    ladder = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
    distances = law(sizes)[None, :, None] * ladder * ease
    recalls = np.broadcast_to(np.array([0.5, 0.7, 0.9, 0.97, 0.99]), distances.shape)
    return GraphGrowth(None, None, sizes, distances, recalls)


def test_a_power_law_is_found_again_with_an_interval_that_holds_it() -> None:
    fit = planted(lambda n: 20 * n**0.3).fit(0.9)
    assert fit.exponent.mean == pytest.approx(0.3, abs=1e-6) and fit.exponent.low <= 0.3000001
    assert fit.scatter["power"] < 0.001 < 0.05 < fit.scatter["logarithm"] and fit.largest == 64_000
    middle = fit.points["distances"] / (20 * fit.points["n"] ** 0.3)
    np.testing.assert_allclose(middle, middle[0])
    far = fit.at(1e8)
    assert far.low < far.mean < far.high and far.mean == pytest.approx(middle[0] * 20 * 1e8**0.3)
    assert fit.table([1000, 10**8])["distances"].tolist() == [fit.at(1000).mean, far.mean]


def test_a_logarithm_is_found_again() -> None:
    fit = planted(lambda n: 50 + 30 * np.log2(n)).fit(0.9)
    assert fit.scatter["logarithm"] < 0.001 < 0.005 < fit.scatter["power"]
    ratio = fit.points["distances"][0] / (50 + 30 * np.log2(1000))
    assert fit.per_doubling.low < 30 * ratio < fit.per_doubling.high
    assert fit.at(1e8, "logarithm").mean == pytest.approx(ratio * (50 + 30 * np.log2(1e8)))


def test_between_two_rungs_the_distances_are_interpolated() -> None:
    needed = planted(lambda n: 100.0 + 0 * n).fit(0.8).points["distances"]
    at_nine = planted(lambda n: 100.0 + 0 * n).fit(0.9).points["distances"]
    assert (needed < at_nine).all() and (needed > 0.45 * at_nine).all()


def test_what_cannot_be_measured_or_fitted_is_refused() -> None:
    database = Database(VECTORS, "cosine")
    with pytest.raises(InputError, match="no graph of full vectors"):
        growing_graph(IndexSpec.parse("IVF16,Flat"), database, QUERIES, (100,))
    with pytest.raises(InputError, match=r"sizes \[400, 100\]"):
        growing_graph(SPEC, database, QUERIES, (400, 100))
    with pytest.raises(InputError, match=r"sizes \[5\]"):
        growing_graph(SPEC, database, QUERIES, (5,))
    with pytest.raises(InputError, match=r"efSearch \[20, 10\]"):
        growing_graph(SPEC, database, QUERIES, (100,), ladder=(20, 10))
    with pytest.raises(InputError, match=r"recall 0\.4 is outside 0\.500 to 0\.990 at 1,000"):
        planted(lambda n: 1.0 * n).fit(0.4)
    with pytest.raises(InputError, match="no law 'cubic'"):
        planted(lambda n: 1.0 * n).fit(0.9).at(10, "cubic")
