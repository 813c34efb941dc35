"""One graph that grows is the graph of all, its work is counted as FAISS counts it, and the fit is a straight line."""

import numpy as np
import pytest

from workbench.ann import Database, IndexSpec, fit_growth, growing_graph
from workbench.errors import InputError

SPEC = IndexSpec.parse("HNSW8 efConstruction=40 efSearch=32")
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(2000, 16)).astype(np.float32)
QUERIES = RNG.normal(size=(40, 16)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_a_graph_that_grew_searches_all_vectors(metric) -> None:
    database = Database(VECTORS, metric)
    grown = growing_graph(SPEC, database, QUERIES, (100, 400, 1600))
    asked = database.prepare(QUERIES)
    assert grown.index.n == 2000 and grown.index.search(asked, 10, SPEC.search).max() >= 1600
    assert list(grown.points["n"]) == [100, 400, 1600] and grown.distances.shape == (40, 3)
    np.testing.assert_allclose(grown.distances.mean(axis=0), grown.points["distances"])
    assert (grown.points["low"] < grown.points["distances"]).all()
    assert (grown.points["distances"] < grown.points["high"]).all()
    assert (np.diff(grown.points["distances"]) > 0).all() and grown.points["recall"].min() > 0.8
    assert (grown.distances[:, 0] <= 130).all(), "a graph of 100 nodes cannot cost more than all of them and its layers"
    alone = growing_graph(SPEC, Database(VECTORS[:1600], metric), QUERIES, (1600,)).points
    assert alone["distances"][0] == pytest.approx(grown.points["distances"][2], rel=0.1)


def test_a_straight_line_is_found_again_with_an_interval_that_holds_it() -> None:
    sizes = np.array([1000, 4000, 16_000, 64_000])
    counts = 50 + 30 * np.log2(sizes) + RNG.normal(scale=40, size=(300, 1)) + RNG.normal(scale=5, size=(300, 4))
    fit = fit_growth(sizes, counts)
    assert fit.per_doubling.low < 30 < fit.per_doubling.high and fit.per_doubling.mean == pytest.approx(30, abs=1)
    assert fit.at(1e8).low < 50 + 30 * np.log2(1e8) < fit.at(1e8).high and fit.largest == 64_000
    assert fit.at(1e8).high - fit.at(1e8).low > fit.at(16_000).high - fit.at(16_000).low
    assert fit.scatter < 1 < fit_growth(sizes, counts + np.array([0, 40, 40, 0])).scatter
    table = fit.table([1000, 10**8])
    assert table["distances"].tolist() == [fit.at(1000).mean, fit.at(10**8).mean]


def test_what_cannot_be_measured_or_fitted_is_refused() -> None:
    database = Database(VECTORS, "cosine")
    with pytest.raises(InputError, match="no graph of full vectors"):
        growing_graph(IndexSpec.parse("IVF16,Flat"), database, QUERIES, (100,))
    with pytest.raises(InputError, match=r"sizes \[400, 100\]"):
        growing_graph(SPEC, database, QUERIES, (400, 100))
    with pytest.raises(InputError, match=r"sizes \[5\]"):
        growing_graph(SPEC, database, QUERIES, (5,))
    with pytest.raises(InputError, match="cannot be fitted"):
        fit_growth([1, 2], np.ones((3, 2)))
