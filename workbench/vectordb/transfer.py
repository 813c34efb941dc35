"""A collection moved to another place in one call, and the move verified."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from workbench.errors import StorageError
from workbench.records import Corpus, FloatArray, Vectors
from workbench.vectordb.backends import Place, as_place, create_backend, holds_collection, open_backend
from workbench.vectordb.collection import Collection
from workbench.vectordb.records import CollectionConfig, Layout, Match, Search, Server

__all__ = ["MoveReport", "move"]

_BATCH = 256
_SAMPLE = 32  # stored vectors that both collections are asked for
_NEAREST = 10
_CLOSE = 1e-4  # of scores that two engines compute in float32, in another order of sums
_EXACT = Search(exact=True, ignore_quantization=True)


@dataclass(frozen=True)
class MoveReport:
    """What a move wrote and how it was verified.

    Attributes
    ----------
    points
        Points written to the target.
    present
        Points that an earlier move had written already, found to be the same and left alone.
    queries
        Stored vectors for which both collections gave the same nearest points, compared exactly.
    seconds
        Wall-clock time.
    """

    points: int
    present: int
    queries: int
    seconds: float

    def __str__(self) -> str:
        there = f", {self.present:,} were there" if self.present else ""
        return (
            f"{self.points:,} points moved{there} in {self.seconds:.1f} s; both places count "
            f"{self.points + self.present:,} and answer {self.queries:,} queries alike"
        )


def move(source: Collection, target: Place, *, layout: Layout | None = None, progress: bool = True) -> MoveReport:
    """Copy a collection to a folder or a server, and verify it; the source stays as it is.

    Where a move was cut short, the next one writes only what is missing. Then both places count their points, give
    back a sample of them, and answer the sample's vectors, compared exactly.

    Parameters
    ----------
    source
        An open collection that nobody writes to meanwhile.
    target
        A new or empty folder, a server, or what an earlier move of the same collection has begun.
    layout
        How it is stored there; None stores it as here.
    progress
        Show a bar with the time left.

    Raises
    ------
    StorageError
        The target holds another collection, cannot be written, or is not the same afterwards.
    InputError
        A layout that the target cannot have.
    """
    started = time.perf_counter()
    place = as_place(target)
    config = replace(source.config, layout=layout or _layout_for(place, source.config.layout))
    with Collection(place, open_backend(place) if holds_collection(place) else create_backend(place, config)) as copy:
        if _what(copy.config) != _what(config):
            raise StorageError(
                f"{str(place)!r} holds another collection", "Name another place, or delete what is there."
            )
        count = source.count()
        written, sample = _write(source, copy, count, progress)
        copy.optimize()
        copy.flush()
        _verify(source, copy, sample)
    return MoveReport(written, count - written, len(sample), time.perf_counter() - started)


def _layout_for(place: object, layout: Layout) -> Layout:
    """The same layout, without what only a server has where the place is none."""
    if isinstance(place, Server) and not place.is_imitation:
        return layout
    return replace(layout, shard_number=1, replication_factor=1, write_consistency_factor=1)


def _what(config: CollectionConfig) -> tuple[object, ...]:
    """What is the same in every place."""
    return config.dimensions, config.metric, config.model, config.source, dict(config.fields)


def _write(source: Collection, copy: Collection, count: int, progress: bool) -> tuple[int, list[Match]]:
    """Write what is missing or other; how many points that were, and a sample of all."""
    written, seen, every = 0, 0, max(1, count // _SAMPLE)
    sample: list[Match] = []
    with tqdm(total=count, desc="moving points", unit="point", disable=not progress) as bar:
        for page in _pages(source):
            there = {match.id: match for match in copy.retrieve([match.id for match in page], with_vectors=True)}
            missing = [match for match in page if match.id not in there or not _same(match, there[match.id])]
            if missing:
                vectors, corpus = _rows(missing, copy.config)
                copy.upsert(vectors, corpus, batch=_BATCH, progress=False)
            written += len(missing)
            sample += page[-seen % every :: every]
            seen += len(page)
            bar.update(len(page))
    return written, sample[:_SAMPLE]


def _pages(source: Collection) -> Iterator[list[Match]]:
    points = source.scroll(batch=_BATCH, with_vectors=True)
    while page := list(islice(points, _BATCH)):
        yield page


def _rows(matches: list[Match], config: CollectionConfig) -> tuple[Vectors, Corpus]:
    """Points as they were put in, missing cells None."""
    ids = tuple(match.id for match in matches)
    names = dict.fromkeys(name for match in matches for name in match.metadata)
    cells = {name: pd.Series([match.metadata.get(name) for match in matches], dtype=object) for name in names}
    array = np.ascontiguousarray([_vector(match) for match in matches], dtype=np.float32)
    corpus = Corpus(ids, tuple(match.text for match in matches), pd.DataFrame(cells, index=range(len(ids))))
    return Vectors(ids, array, config.model, config.metric), corpus


def _vector(match: Match) -> FloatArray:
    if match.vector is None:
        raise StorageError(f"the point {match.id!r} came without its vector", "Move it again.")
    return match.vector


def _same(one: Match, other: Match) -> bool:
    """Whether two places hold the same point; vectors up to the rounding of their length."""
    return (one.id, one.text, dict(one.metadata)) == (other.id, other.text, dict(other.metadata)) and _close(
        _vector(one), _vector(other)
    )


def _close(one: ArrayLike, other: ArrayLike) -> bool:
    return bool(np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE))


def _verify(source: Collection, copy: Collection, sample: list[Match]) -> None:
    """Refuse a copy that is not the same."""
    count, copied = source.count(), copy.count()
    if copied != count:
        raise StorageError(
            f"{source.place!s} holds {count:,} points, and {copy.place!s} {copied:,} after the move",
            "Move it again while nobody writes; delete what the target holds beyond it.",
        )
    there = {match.id: match for match in copy.retrieve([match.id for match in sample], with_vectors=True)}
    for match in sample:
        if match.id not in there or not _same(match, there[match.id]):
            raise StorageError(f"the point {match.id!r} is not the same in {copy.place!s}", "Move it again.")
    queries = np.asarray([_vector(match) for match in sample], dtype=np.float32).reshape(-1, source.config.dimensions)
    here = source.query_batch(queries, _NEAREST, search=_EXACT)
    answers = copy.query_batch(queries, _NEAREST, search=_EXACT)
    for match, one, other in zip(sample, here, answers, strict=True):
        if not _alike(one, other):
            raise StorageError(
                f"{copy.place!s} finds other points than {source.place!s} nearest to {match.id!r}", "Move it again."
            )


def _alike(one: list[Match], other: list[Match]) -> bool:
    """The same points, but for those whose scores are a tie with the last."""
    if len(one) != len(other):
        return False
    in_both = {match.id for match in one} & {match.id for match in other}
    lone = [match.score for match in (*one, *other) if match.id not in in_both]
    return _close([match.score for match in one], [match.score for match in other]) and (
        not lone or _close(lone, one[-1].score)
    )
