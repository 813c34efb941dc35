"""Scripts that build and search an index with nothing but its own library: FAISS, hnswlib or Qdrant."""

import re
from dataclasses import dataclass
from typing import NoReturn

from workbench.ann.indexes import hnswlib_index, qdrant_index
from workbench.ann.qdrant_snippet import qdrant_script, quoted
from workbench.ann.specs import IndexSpec
from workbench.errors import InputError
from workbench.geometry import larger_is_better
from workbench.records import Metric

__all__ = ["snippet", "translate"]

_LIBRARIES = ("faiss", "hnswlib", "qdrant")
# Edges, efConstruction and efSearch where a specification leaves them to the library: HNSW.h of FAISS (edges are in the
# kind), ALGO_PARAMS.md of hnswlib, config.yaml of Qdrant, which searches with its ef_construct.
_DEFAULTS = {
    "faiss": (32, 40, 16),
    "hnswlib": (hnswlib_index.DEFAULTS["M"], hnswlib_index.DEFAULTS["efConstruction"], hnswlib_index.EF),
    "qdrant": tuple(qdrant_index.DEFAULTS[name] for name in ("m", "ef_construct", "ef_construct")),
}


def snippet(
    spec: IndexSpec,
    metric: Metric,
    d: int,
    k: int = 10,
    library: str | None = None,
    *,
    vectors_file: str = "vectors.npy",
    queries_file: str = "queries.npy",
) -> str:
    """A Python script that builds, saves, loads and searches an index, and needs nothing of this package.

    It reads ``(n, d)`` vectors and ``(q, d)`` queries, and writes ``(q, k) int64`` rows of the vectors, -1 where fewer
    were found, to ``answers.npy``, all in the folder that it runs in. Graphs that are built on several threads differ
    from build to build, and so does their recall, a little.

    Parameters
    ----------
    spec
        What to build, and how to search it.
    metric
        The metric of the search; under cosine the script normalises where the library does not.
    d
        Dimensions.
    k
        Neighbours of each query.
    library
        ``"faiss"``, ``"hnswlib"`` or ``"qdrant"`` for the same idea in another library; None for the one it is of.
    vectors_file, queries_file
        ``.npy`` files for the script to read.

    Raises
    ------
    InputError
        An unknown metric or library, dimensions or neighbours that are no count, or no counterpart (``translate``).
    """
    larger_is_better(metric)  # refuses an unknown one
    for name, count in (("d", d), ("k", k)):
        if not isinstance(count, int) or count < 1:
            raise InputError(f"{name} is {count!r}", "Give a whole number of at least 1.")
    own = spec if library is None else translate(spec, library)
    if own.library == "qdrant":
        return qdrant_script(own, metric, d, k, vectors_file, queries_file)
    script = _faiss if own.library == "faiss" else _hnswlib
    return "\n".join(script(own, metric, d, k, vectors_file, queries_file)) + "\n"


def translate(spec: IndexSpec, library: str) -> IndexSpec:
    """The same idea in another library: a graph of as many edges, built and searched with as many candidates.

    HNSW of FAISS, of hnswlib and of Qdrant are one structure: M (m) edges a node, 2 M in the lowest layer. FAISS's
    ``HNSW32,SQ8`` and Qdrant's scalar quantization both walk the graph by codes of 8 bits, and FAISS's ``RFlat`` and
    Qdrant's oversampling both compare the best again by their own vectors. Recall and time have to be measured again.

    Raises
    ------
    InputError
        An unknown library, or an index that has no counterpart there.
    """
    if library not in _LIBRARIES:
        raise InputError(f"there is no code for the library {library!r}", f"Use one of {', '.join(_LIBRARIES)}.")
    if spec.library == library:
        return spec
    graph = _graph(spec, library)
    search: list[tuple[str, int | str]] = []
    if library == "hnswlib":
        if graph.codes:
            _refuse(spec, library, "it keeps float32 vectors and has no quantization")
        search += [("ef", graph.candidates)] if graph.candidates else []
        return IndexSpec("hnswlib", (("M", graph.edges), ("efConstruction", graph.construction)), tuple(search))
    if library == "qdrant":
        build: list[tuple[str, int | str]] = [("m", graph.edges), ("ef_construct", graph.construction)]
        build += [("quantization", graph.codes)] if graph.codes else []
        search += [("hnsw_ef", graph.candidates)] if graph.candidates else []
        search += [("oversampling", graph.again)] if graph.again else []
        return IndexSpec("qdrant", tuple(build), tuple(search))
    if graph.codes not in (None, "scalar"):
        _refuse(spec, library, f"no kind of its indexes here is a graph over {graph.codes} codes")
    kind = f"HNSW{graph.edges}{',SQ8' if graph.codes else ''}{',RFlat' if graph.again else ''}"
    search += [("efSearch", graph.candidates)] if graph.candidates else []
    search += [("k_factor", graph.again)] if graph.again else []
    return IndexSpec(kind, (("efConstruction", graph.construction),), tuple(search))


@dataclass(frozen=True)
class _Graph:
    """A graph in nobody's words: edges of a node, candidates of the build and of a search, codes, what is rescored."""

    edges: int
    construction: int
    candidates: int | None
    codes: str | None
    again: int | None


def _graph(spec: IndexSpec, library: str) -> _Graph:
    """The graph of a specification that is one."""
    build, search, parts = dict(spec.build), dict(spec.search), spec.parts
    if spec.library == "faiss" and parts.M is None:
        exact = "exact search needs no graph: SearchParams(exact=True) in Qdrant, BFIndex in hnswlib"
        _refuse(spec, library, exact if spec.family == "flat" else "it has graphs (HNSW) alone")
    if parts.sq not in (None, "SQ8"):
        _refuse(spec, library, f"it has no codes of {parts.sq}")
    edges, construction, _ = _DEFAULTS[spec.library]
    codes = "scalar" if parts.sq else build.get("quantization")
    candidates = search.get("efSearch", search.get("ef", search.get("hnsw_ef")))
    again = search.get("oversampling", search.get("k_factor", 1 if parts.refine else None))
    return _Graph(
        int(parts.M or build.get("M", build.get("m", edges))),
        int(build.get("efConstruction", build.get("ef_construct", construction))),
        None if candidates is None else int(candidates),
        None if codes is None else str(codes),
        None if again is None else int(again),
    )


def _refuse(spec: IndexSpec, library: str, why: str) -> NoReturn:
    raise InputError(f"{spec} has no counterpart in {library}: {why}", "Translate a graph, such as HNSW32.")


def _head(spec: IndexSpec, metric: Metric, library: str, install: str, imports: list[str]) -> list[str]:
    return [
        f'"""{spec} in {library}, metric {metric}."""',
        f"# pip install {install} numpy",
        "",
        *imports,
        "",
    ]


def _read(d: int, vectors_file: str, queries_file: str) -> list[str]:
    """Lines that load both files."""
    return [
        f"vectors = np.ascontiguousarray(np.load({quoted(vectors_file)}), dtype=np.float32)  # (n, {d}): searched",
        f"queries = np.ascontiguousarray(np.load({quoted(queries_file)}), dtype=np.float32)  # (q, {d})",
    ]


def _faiss(spec: IndexSpec, metric: Metric, d: int, k: int, vectors_file: str, queries_file: str) -> list[str]:
    """The script for FAISS."""
    parts, build = spec.parts, dict(spec.build)
    measure = "faiss.METRIC_L2" if metric == "euclidean" else "faiss.METRIC_INNER_PRODUCT"
    lines = [
        *_head(spec, metric, "FAISS", "faiss-cpu", ["import faiss", "import numpy as np"]),
        *_read(d, vectors_file, queries_file),
    ]
    if metric == "cosine":
        lines += ["faiss.normalize_L2(vectors)  # of unit vectors the inner product is the cosine"]
        lines += ["faiss.normalize_L2(queries)"]
    if parts.codec == "LSH":
        lines += ["", f"index = faiss.IndexLSH({d}, {d}, {parts.rotated}, False)  # a sign bit of each dimension"]
        if parts.refine:
            lines += [f"index.metric_type = {measure}  # of the refinement; the bits are compared by Hamming distance"]
            lines += [f"index = faiss.IndexRefine(index, faiss.IndexFlat({d}, {measure}))"]
    else:
        kind = re.sub(r"\b(PQ\d+(?:x\d+)?)(?=,|$)", r"\1np", spec.kind)
        lines += [
            "",
            "# np: codes are not put into the order of polysemous search, which takes long and serves no search here",
        ]
        lines = lines if kind != spec.kind else lines[:-1]
        lines += [f'index = faiss.index_factory({d}, "{kind}", {measure})']
    if "efConstruction" in build:
        graph = "faiss.downcast_index(index.base_index)" if parts.refine else "index"
        lines += [f"{graph}.hnsw.efConstruction = {build['efConstruction']}"]
    lines += ["index.train(vectors)  # returns at once where there is nothing to learn", "index.add(vectors)", ""]
    lines += ['faiss.write_index(index, "index.faiss")']
    lines += ['index = faiss.read_index("index.faiss")  # a process that only searches begins here', ""]
    parameters = _parameters(spec)
    given = ", params=parameters" if parameters else ""
    return [*lines, *parameters, f"scores, ids = index.search(queries, {k}{given})", "", *_WRITE]


def _parameters(spec: IndexSpec) -> list[str]:
    """Lines that make the search parameters of FAISS, the innermost first; none where nothing is set."""
    parts, given, lines = spec.parts, dict(spec.search), []
    inner = [f"{name}={given[name]}" for name in ("nprobe", "efSearch", "qb") if name in given]
    if inner:
        kind = "SearchParametersIVF" if parts.nlist else "SearchParametersHNSW"
        if parts.codec == "RaBitQ":
            kind = "IVFRaBitQSearchParameters" if parts.nlist else "RaBitQSearchParameters"
        lines += [f"parameters = faiss.{kind}({', '.join(inner)})"]
    if inner and parts.opq:
        lines += ["parameters = faiss.SearchParametersPreTransform(index_params=parameters)"]
    if parts.refine and given:
        outer = [f"k_factor={given['k_factor']}"] if "k_factor" in given else []
        outer += ["base_index_params=parameters"] if inner else []
        lines += [f"parameters = faiss.IndexRefineSearchParameters({', '.join(outer)})"]
    return lines


def _hnswlib(spec: IndexSpec, metric: Metric, d: int, k: int, vectors_file: str, queries_file: str) -> list[str]:
    """The script for hnswlib."""
    build, search = dict(spec.build), dict(spec.search)
    edges, construction, candidates = _DEFAULTS["hnswlib"]
    settings = f"M={build.get('M', edges)}, ef_construction={build.get('efConstruction', construction)}"
    new = f'index = hnswlib.Index(space="{hnswlib_index.SPACES[metric]}", dim={d})'
    return [
        *_head(spec, metric, "hnswlib", "hnswlib", ["import hnswlib", "import numpy as np"]),
        *_read(d, vectors_file, queries_file),
        "",
        new + ("  # normalises vectors and queries itself" if metric == "cosine" else ""),
        f"index.init_index(max_elements=len(vectors), {settings})",
        "index.add_items(vectors, np.arange(len(vectors)))",
        "",
        'index.save_index("index.hnswlib")',
        f"{new}  # a process that only searches begins here",
        'index.load_index("index.hnswlib")',
        "",
        f"index.set_ef({search.get('ef', candidates)})  # at least k is taken; the file does not keep it",
        f"ids, distances = index.knn_query(queries, k={k})",
        "",
        *_WRITE,
    ]


_WRITE = ['np.save("answers.npy", np.asarray(ids, dtype=np.int64))', "print(ids[:3])"]
