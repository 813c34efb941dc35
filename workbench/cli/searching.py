"""The verb search: passages by meaning, filtered or fused with search by words, and how good each search is."""

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.inputs import embedded, read_corpus
from workbench.cli.options import AsJson, Id, Limit, Model, Text
from workbench.cli.output import one_line, paragraph, report
from workbench.errors import InputError, ModelError

if TYPE_CHECKING:
    from workbench.corpora import Benchmark
    from workbench.embed import Encoder
    from workbench.records import Corpus
    from workbench.tasks import Comparison, Evaluation, Searcher
    from workbench.vectordb import Collection

__all__ = ["search"]

_DIFFERING = 5


@dataclass(frozen=True)
class _Source:
    """What is searched: by meaning, and the same passages for search by words."""

    dense: "Searcher | None"  # None where a filter left nothing
    passages: "Corpus | None"  # None where nobody asked for words
    model: str
    metric: str
    filter: str | None


def search(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="A file, a folder, or a built-in corpus; none with --collection or --url."),
    ] = None,
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="What to look for, in your own words; none with --evaluate.")
    ] = None,
    text: Text = None,
    k: Annotated[int, typer.Option("--k", min=1, metavar="K", help="How many passages to list.")] = 5,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILTER",
            help='Only passages with such metadata: "source=billing_docs", "source=a,b", "audience!=staff", '
            '"price<200"; several must all hold.',
        ),
    ] = None,
    hybrid: Annotated[bool, typer.Option("--hybrid", help="Fuse search by meaning with search by words.")] = False,
    collection: Annotated[
        str | None, typer.Option(metavar="DIR", help="Search this collection; with --url, the one of this name there.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A Qdrant server; the key is taken from QDRANT_API_KEY.")
    ] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Say how good dense, BM25 and hybrid search are, by judged queries.")
    ] = False,
    queries: Annotated[
        str | None, typer.Option(metavar="Q", help="The judged queries, as FILE; else those of a BEIR folder.")
    ] = None,
    qrels: Annotated[
        str | None,
        typer.Option(metavar="R", help="The judgements: query id, passage id and grade, by tabs; else a folder's own."),
    ] = None,
    id: Id = None,
    model: Model = "bundled",
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the passages that are closest in meaning to a query, or say how good such a search is."""
    stored = collection is not None or url is not None
    if stored and file is not None and query is None and not evaluate:
        file, query = None, file
    if stored and file is not None:
        raise InputError(f"both {file!r} and a collection were given", "Search one of them.")
    if not stored and file is None:
        raise InputError("nothing to search was named", "Add FILE, --collection DIR, or --url URL --collection NAME.")
    if stored:
        for option, given in (("--text", text), ("--id", id), ("--limit", limit)):
            if given is not None:
                raise InputError(
                    f"{option} {given} was given with a collection, which is searched whole", "Leave it out."
                )
    chosen = model if not stored or _given(context, "model") else None
    with ExitStack() as held:
        opened = held.enter_context(_opened(collection, url)) if stored else None
        if evaluate:
            for option, was in (("a query", query), ("--where", where), ("--hybrid", hybrid)):
                if was:
                    raise InputError(f"{option} was given with --evaluate, which searches as it is", "Leave it out.")
            cutoff = k if _given(context, "k") else 10
            _evaluate(file, opened, queries, qrels, cutoff, (text, id, limit), chosen, as_json)
            return
        for option, value in (("--queries", queries), ("--qrels", qrels)):
            if value is not None:
                raise InputError(f"{option} {value} was given without --evaluate", "Add --evaluate, or leave it out.")
        if query is None or not query.strip():
            raise InputError("the query is empty", "Write what you are looking for, in quotes.")
        if opened is not None:
            source = _stored(opened, chosen, where or [], words=hybrid)
        else:
            source = _read(read_corpus(str(file), text, id, limit), model, where or [])
        _list(source, query, k, hybrid, as_json)


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _opened(collection: str | None, url: str | None) -> "Collection":
    from workbench import vectordb

    if collection is None:
        raise InputError(f"no collection of {url!r} was named", "Add --collection NAME.")
    if url is None:
        return vectordb.Collection.open(Path(collection))
    return vectordb.Collection.open(vectordb.Server(url, collection, os.environ.get("QDRANT_API_KEY")))


def _encoder(collection: "Collection", chosen: str | None) -> "Encoder":
    """The model that a person chose, or else the one that made the collection's vectors."""
    from workbench import embed

    made = collection.config.model
    if chosen is not None or made is None:
        return embed.SentenceEncoder(chosen or "bundled")
    encoder = embed.SentenceEncoder(made.name)
    if encoder.identity == made:
        return encoder
    return embed.SentenceEncoder(
        made.name,
        revision=made.revision if "/" in made.name else None,
        query_prompt=made.query_prompt,
        document_prompt=made.document_prompt,
        truncate_dim=made.dimensions,
        normalize=made.normalized,
    )


def _stored(collection: "Collection", chosen: str | None, where: list[str], *, words: bool) -> _Source:
    from workbench import tasks, vectordb

    wanted = vectordb.parse_where(where, collection.config.columns)
    try:
        encoder = _encoder(collection, chosen)
    except ModelError as error:
        if chosen is not None:
            raise
        raise ModelError(
            f"the collection was made with {collection.config.model}: {error.what}", "Add --model."
        ) from error
    dense = tasks.CollectionIndex(collection, encoder, where=wanted)
    passages = tasks.stored_corpus(collection, wanted) if words else None
    about = vectordb.describe(wanted) if where else None
    return _Source(dense if len(dense) else None, passages, str(encoder.identity), dense.metric, about)


def _read(corpus: "Corpus", model: str, where: list[str]) -> _Source:
    from workbench import tasks, vectordb
    from workbench.tasks.collection_index import filter_fields

    about, rows = None, None
    if where:  # before anything is encoded
        wanted = vectordb.parse_where(where, filter_fields(corpus))
        about, rows = vectordb.describe(wanted), tasks.passing_rows(corpus, wanted)
    vectors, encoder, _ = embedded(corpus, model)
    if rows is not None:
        corpus, vectors = corpus.take(rows), vectors.take(rows)
    dense = tasks.SemanticIndex(corpus, vectors, encoder) if len(corpus) else None
    return _Source(dense, corpus, str(vectors.model), vectors.metric, about)


def _list(source: _Source, query: str, k: int, hybrid: bool, as_json: bool) -> None:
    from workbench import tasks
    from workbench.tasks.fusion import reach

    searcher = source.dense
    if searcher is not None and hybrid and source.passages is not None:
        searcher = tasks.HybridIndex([searcher, tasks.KeywordIndex(source.passages)])
    hits = [] if searcher is None else searcher.search([query], reach(searcher, k))[0]
    how = "reciprocal ranks by meaning and by words" if hybrid else source.metric
    found = {
        "query": query,
        "hits": [{"id": h.id, "score": h.score, "text": h.text, "metadata": dict(h.metadata)} for h in hits],
        "model": source.model,
        "metric": source.metric,
        "hybrid": hybrid,
        "where": source.filter,
    }
    width = max(40, min(100, shutil.get_terminal_size().columns))
    lines = [
        line
        for rank, hit in enumerate(hits, 1)
        for line in (f"{rank:>3}. {hit.score:.{4 if hybrid else 3}f}  {one_line(hit.id)}", *paragraph(hit.text, width))
    ]
    if not hits:
        lines = ["nothing was found" if source.filter is None else "no passage passes the filter"]
    filtered = [] if source.filter is None else [f"where {one_line(source.filter)}"]
    report(as_json, found, *lines, *filtered, f"{how}, {source.model}")


def _evaluate(
    file: str | None,
    opened: "Collection | None",
    queries: str | None,
    qrels: str | None,
    k: int,
    reading: tuple[str | None, str | None, int | None],
    chosen: str | None,
    as_json: bool,
) -> None:
    from workbench import tasks

    if opened is not None:
        asked, judged = _judged(queries, qrels, "a collection")
        _require_there(opened, judged)
        source = _stored(opened, chosen, [], words=True)
        passages, texts = source.passages, asked
    else:
        benchmark = _benchmark(str(file), queries, qrels, reading)
        source = _read(benchmark.corpus, chosen or "bundled", [])
        passages, texts, judged = benchmark.corpus, benchmark.queries, benchmark.qrels
    if source.dense is None or passages is None:
        raise InputError("the collection is empty", "Write passages into it first.")
    words = tasks.KeywordIndex(passages)
    systems = {"dense": source.dense, "BM25": words, "hybrid": tasks.HybridIndex([source.dense, words])}
    evaluation = tasks.evaluate(systems, texts, judged, k=k)
    _report(evaluation, source.model, as_json)


def _benchmark(
    file: str, queries: str | None, qrels: str | None, reading: tuple[str | None, str | None, int | None]
) -> "Benchmark":
    """FILE with the judged queries: its own, or those of the options."""
    from workbench import corpora, settings

    beir = settings.data_dir() / file if file == "help-center" else Path(file)
    own = (beir / "queries.jsonl").is_file()
    if not beir.exists() and file not in corpora.builtin():
        read_corpus(file, *reading)  # says what is there instead
    if own and queries is None and qrels is None:
        for option, given in zip(("--text", "--id", "--limit"), reading, strict=True):
            if given is not None:
                raise InputError(f"{option} {given} was given with a benchmark, which is read whole", "Leave it out.")
        return corpora.benchmark(file)
    if own and queries is None:
        queries = str(beir / "queries.jsonl")
    asked, judged = _judged(queries, qrels, repr(file))
    return corpora.Benchmark(read_corpus(file, *reading), asked, judged)


def _judged(queries: str | None, qrels: str | None, what: str) -> "tuple[Corpus, dict[str, dict[str, int]]]":
    """The judged ones among the queries, and the judgements."""
    from workbench import corpora

    if queries is None or qrels is None:
        missing = [option for option, given in (("--queries Q", queries), ("--qrels R", qrels)) if given is None]
        raise InputError(
            f"{what} comes without {' and '.join(o.split()[0][2:] for o in missing)}", f"Add {' '.join(missing)}."
        )
    judged = corpora.read_qrels(qrels)
    asked = read_corpus(queries, None, None, None)
    if unknown := sorted(judged.keys() - set(asked.ids)):
        raise InputError(
            f"{len(unknown):,} judgements are about a query that is not there, first {unknown[0]!r}",
            "Use queries and judgements of one release.",
        )
    return asked.take([row for row, query in enumerate(asked.ids) if query in judged]), judged


def _require_there(collection: "Collection", judged: dict[str, dict[str, int]]) -> None:
    """Refuse judgements of passages that the collection lacks."""
    wanted = sorted({passage for grades in judged.values() for passage in grades})
    there = {match.id for match in collection.retrieve(wanted)}
    if unknown := [passage for passage in wanted if passage not in there]:
        raise InputError(
            f"{len(unknown):,} judged passages are not in the collection, first {unknown[0]!r}",
            "Use a collection and judgements of one release.",
        )


def _report(evaluation: "Evaluation", model: str, as_json: bool) -> None:
    table = evaluation.summary()
    systems: dict[str, dict[str, Any]] = {system: {} for system in evaluation.systems}
    for row in table.to_dict("records"):
        systems[row["system"]][row["measure"]] = {"mean": row["value"], "low": row["low"], "high": row["high"]}
    pairs = [("hybrid", "dense"), ("hybrid", "BM25"), ("dense", "BM25")]
    compared = [evaluation.compare(a, b, measure) for measure in evaluation.measures for a, b in pairs]
    differing = evaluation.differences("dense", "BM25", _DIFFERING)
    count = int(table["queries"].iloc[0])
    found = {
        "queries": count,
        "left_out": evaluation.left_out,
        "relevant_from": evaluation.relevant_from,
        "depth": evaluation.depth,
        "model": model,
        "systems": systems,
        "comparisons": [_record(one) for one in compared],
        "differing": {"a": "dense", "b": "BM25", "measure": "ndcg@10", "queries": differing.to_dict("records")},
    }
    shown = {"rr": "MRR", "ap": "MAP", "ndcg@10": "nDCG@10"}
    head = "".join(f"{shown.get(measure, measure):>24}" for measure in evaluation.measures)
    lines = [f"{count:,} queries, {evaluation.left_out:,} left out; means with 95 % intervals", f"{'':8}{head}"]
    for system, scores in systems.items():
        cells = (f"{at['mean']:.3f} [{at['low']:.3f}, {at['high']:.3f}]" for at in scores.values())
        lines.append(f"{system:8}" + "".join(f"{cell:>24}" for cell in cells))
    lines += ["", *(str(one) for one in compared if one.measure == "ndcg@10"), ""]
    lines.append("dense and BM25 differ most on" if len(differing) else "dense and BM25 score alike on every query")
    for row in differing.to_dict("records"):
        lines.append(f"  {row['a']:.2f} against {row['b']:.2f}  {one_line(row['text'])}")
        lines.append(f"    dense {_first(row, 'first_a')}, BM25 {_first(row, 'first_b')}")
    report(as_json, found, *lines, f"relevant from grade {evaluation.relevant_from}, {model}")


def _first(row: Mapping[Any, Any], side: str) -> str:
    return f"{one_line(row[side])} (grade {row[f'{side}_grade']})" if row[side] else "nothing"


def _record(one: "Comparison") -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("a", "b", "measure", "p_value", "a_better", "b_better", "equal")},
        "difference": one.difference.mean,
        "low": one.difference.low,
        "high": one.difference.high,
    }
