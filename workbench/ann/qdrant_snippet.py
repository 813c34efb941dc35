"""The script and the server's configuration for Qdrant."""

from collections.abc import Mapping

from workbench.ann.qdrant_distances import QDRANT_DISTANCES
from workbench.ann.specs import IndexSpec
from workbench.records import Metric

__all__ = ["qdrant_script", "quoted"]

_REQUEST_BYTES = 8_000_000  # of JSON in one upsert; a server takes 32 MB (service.max_request_size_mb, config.yaml)
_NUMBER_BYTES = 22  # of one number in JSON, at most
_CODES = {  # the client's configuration, and the server's
    "scalar": (
        "models.ScalarQuantization(\n"
        "        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)\n"
        "    )",
        "scalar: {type: int8, always_ram: true}",
    ),
    "binary": (
        "models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True))",
        "binary: {always_ram: true}",
    ),
    "product": (
        "models.ProductQuantization(\n"
        "        product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X16, always_ram=True)\n"
        "    )",
        "product: {compression: x16, always_ram: true}",
    ),
}


def qdrant_script(spec: IndexSpec, metric: Metric, d: int, k: int, vectors_file: str, queries_file: str) -> str:
    """A script for the client, with the server's configuration above it as a comment.

    The address is read from ``QDRANT_URL``. ``":memory:"`` runs the script without a server, in a part of the client
    that compares every vector: it shows that the script runs, and its recall is that of exact search.
    """
    distance = QDRANT_DISTANCES[metric].upper()
    build, search = dict(spec.build), dict(spec.search)
    codes = _CODES.get(str(build.get("quantization")))
    graph: dict[str, object] = {name: build[name] for name in ("m", "ef_construct") if name in build}
    collection = [
        f"vectors_config=models.VectorParams(size={d}, distance=models.Distance.{distance}, on_disk=False),",
        f"hnsw_config=models.HnswConfigDiff({_arguments({**graph, 'on_disk': False})}),",
        "optimizers_config=models.OptimizersConfigDiff(default_segment_number=1),",
    ]
    collection += [f"quantization_config={codes[0]},"] if codes else []
    asked = {name: search[name] for name in ("hnsw_ef",) if name in search}
    parameters = _arguments({**asked, "exact": False})
    if "oversampling" in search:
        again = {"rescore": True, "oversampling": float(search["oversampling"])}
        parameters += f", quantization=models.QuantizationSearchParams({_arguments(again)})"
    batch = max(1, _REQUEST_BYTES // (_NUMBER_BYTES * d))
    return f'''"""{spec}, metric {metric}."""
# pip install qdrant-client numpy
# QDRANT_URL is the server's address, QDRANT_API_KEY its key where it wants one. QDRANT_URL=:memory: runs this without a
# server, in an imitation that compares every vector: what it finds is exact, and says nothing about the index.
#
{_server(graph, codes[1] if codes else None)}
import os
import time

import numpy as np
from qdrant_client import QdrantClient, models

vectors = np.asarray(np.load({quoted(vectors_file)}), dtype=np.float32)  # (n, {d}): searched
queries = np.asarray(np.load({quoted(queries_file)}), dtype=np.float32)  # (q, {d})

client = QdrantClient(
    os.environ.get("QDRANT_URL", "http://localhost:6333"), api_key=os.environ.get("QDRANT_API_KEY"), timeout=600
)
client.create_collection(
    "vectors",
    {chr(10).join("    " + line for line in collection).strip()}
)
for start in range(0, len(vectors), {batch}):
    batch = vectors[start : start + {batch}]
    points = models.Batch(ids=list(range(start, start + len(batch))), vectors=batch.tolist())
    client.upsert("vectors", points=points, wait=True)
while client.get_collection("vectors").status != models.CollectionStatus.GREEN:
    time.sleep(1)  # the graph is being built; until it stands, searches compare vectors one by one

parameters = models.SearchParams(
    {parameters}
)
ids = np.full((len(queries), {k}), -1, dtype=np.int64)
for row, query in enumerate(queries):
    found = client.query_points(
        "vectors", query=query.tolist(), search_params=parameters, limit={k}, with_payload=False
    ).points
    ids[row, : len(found)] = [point.id for point in found]

np.save("answers.npy", ids)
print(ids[:3])
'''


def quoted(text: str) -> str:
    """A text as a literal of Python, in double quotes where it can be."""
    return f'"{text}"' if text.isprintable() and not set(text) & {'"', "\\"} else repr(text)


def _server(graph: Mapping[str, object], codes: str | None) -> str:
    """The part of the server's configuration that stands for all collections, as comments."""
    lines = [
        "The server, in config/local.yaml; what the collection below says goes before it:",
        "storage:",
        "  hnsw_index:",
        *(f"    {name}: {value}" for name, value in graph.items()),
        "    on_disk: false  # the graph stays in memory",
        "  optimizers:",
        "    default_segment_number: 1  # one graph; with several, each is searched and more is found, by more work",
        "    indexing_threshold_kb: 10000  # segments of fewer kB of vectors get no graph and are searched exactly",
        "  collection:",
        "    vectors:",
        "      on_disk: false" + ("  # true: only codes in memory, and rescoring reads the disk" if codes else ""),
        *(["    quantization:", f"      {codes}"] if codes else []),
    ]
    return "\n".join(f"# {line}" for line in lines) + "\n"


def _arguments(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
