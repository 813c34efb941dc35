"""What libraries call each metric and the numbers they hand back, asked of those that are installed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.geometry import library_metrics

FORMULAS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "cosine": lambda q, x: q @ x / np.linalg.norm(q) / np.linalg.norm(x),
    "one_minus_cosine": lambda q, x: 1 - q @ x / np.linalg.norm(q) / np.linalg.norm(x),
    "dot": lambda q, x: q @ x,
    "one_minus_dot": lambda q, x: 1 - q @ x,
    "negative_dot": lambda q, x: -(q @ x),
    "euclidean": lambda q, x: np.linalg.norm(q - x),
    "squared_euclidean": lambda q, x: np.sum((q - x) ** 2),
}
METRICS = pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
RNG = np.random.default_rng(0)
VECTORS = (RNG.normal(size=(40, 12)) * RNG.uniform(0.2, 3, size=(40, 1))).astype(np.float32)
QUERY = (2 * RNG.normal(size=12)).astype(np.float32)

TABLE = library_metrics().set_index(["library", "metric"])


def check(library: str, metric: str, numbers: dict[int, float], order: list[int]) -> None:
    """The numbers are those of the formula, and the order is what ``better`` says."""
    said = TABLE.loc[(library, metric)]
    q, x = QUERY.astype(np.float64), VECTORS.astype(np.float64)
    if said["normalise"] == "you must":
        q, x = q / np.linalg.norm(q), x / np.linalg.norm(x, axis=1, keepdims=True)
    expected = np.array([FORMULAS[said["formula"]](q, row) for row in x])
    assert len(numbers) == len(VECTORS)
    np.testing.assert_allclose([numbers[row] for row in range(len(x))], expected, rtol=2e-5, atol=2e-5)
    assert order == np.argsort(-expected if said["better"] == "larger" else expected).tolist()


@METRICS
def test_faiss(metric: str) -> None:
    import faiss

    said = TABLE.loc[("FAISS", metric)]
    queries, vectors = QUERY[None].copy(), VECTORS.copy()
    if said["normalise"] == "you must":
        faiss.normalize_L2(queries)
        faiss.normalize_L2(vectors)
    index = faiss.IndexFlat(12, getattr(faiss, said["name"]))
    index.add(vectors)
    numbers, rows = index.search(queries, len(vectors))
    check("FAISS", metric, dict(zip(rows[0].tolist(), numbers[0].tolist(), strict=True)), rows[0].tolist())


def test_faiss_does_not_normalise_by_itself() -> None:
    import faiss

    index = faiss.IndexFlat(12, faiss.METRIC_INNER_PRODUCT)
    index.add(VECTORS)
    assert index.search(QUERY[None], 1)[0][0, 0] > 1.5  # no cosine


@METRICS
def test_hnswlib(metric: str) -> None:
    hnswlib = pytest.importorskip("hnswlib", reason="hnswlib is not installed")
    space = TABLE.loc[("hnswlib", metric), "name"].split("'")[1]
    index = hnswlib.Index(space=space, dim=12)
    index.init_index(max_elements=len(VECTORS), ef_construction=200, M=16)
    index.add_items(VECTORS)
    index.set_ef(len(VECTORS))
    rows, numbers = index.knn_query(QUERY, k=len(VECTORS))
    order = rows[0].tolist()
    check("hnswlib", metric, dict(zip(order, numbers[0].tolist(), strict=True)), order)


@METRICS
def test_qdrant_client(metric: str) -> None:
    """Its in-memory imitation, which promises the numbers of the server."""
    qdrant = pytest.importorskip("qdrant_client", reason="qdrant-client is not installed")
    models = qdrant.models
    client = qdrant.QdrantClient(":memory:")
    kind = getattr(models.Distance, TABLE.loc[("Qdrant", metric), "name"].split(".")[1])
    client.create_collection("c", vectors_config=models.VectorParams(size=12, distance=kind))
    client.upsert("c", [models.PointStruct(id=i, vector=row.tolist()) for i, row in enumerate(VECTORS)])
    points = client.query_points("c", query=QUERY.tolist(), limit=len(VECTORS)).points
    check("Qdrant", metric, {point.id: point.score for point in points}, [point.id for point in points])


@METRICS
def test_qdrant_engine(metric: str, tmp_path: Path) -> None:
    edge = pytest.importorskip("qdrant_edge", reason="qdrant-edge-py is not installed")
    kind = getattr(edge.Distance, TABLE.loc[("Qdrant", metric), "name"].split(".")[1].title())
    shard = edge.EdgeShard.create(str(tmp_path / "shard"), edge.EdgeConfig(edge.EdgeVectorParams(12, kind)))
    points = [edge.Point(i, row.tolist()) for i, row in enumerate(VECTORS)]
    shard.update(edge.UpdateOperation.upsert_points(points))
    request = edge.SearchRequest(edge.Query.Nearest(QUERY.tolist()), len(VECTORS), with_vector=True)
    found = shard.search(request)
    check("Qdrant", metric, {point.id: point.score for point in found}, [point.id for point in found])
    lengths = [np.linalg.norm(point.vector) for point in found]
    assert np.allclose(lengths, 1) == (TABLE.loc[("Qdrant", metric), "normalise"] == "it does")
    shard.close()


def test_every_library_has_every_metric_once() -> None:
    table = library_metrics()
    assert table["library"].unique().tolist() == ["FAISS", "hnswlib", "Qdrant", "pgvector"]
    assert not table.duplicated(["library", "metric"]).any() and len(table) == 12
    assert set(table["formula"]) <= set(FORMULAS)
    assert set(table["normalise"]) == {"you must", "it does", "not needed"}
    assert (table["squared"] == table["returns"].str.contains("squared")).all()
    assert table[table["library"] == "pgvector"]["name"].str[:3].tolist() == ["<=>", "<#>", "<->"]
