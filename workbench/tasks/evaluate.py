"""Searches held against relevance judgements, query by query: how good each is, and whether one is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.intervals import Interval, mean_interval
from workbench.records import Corpus
from workbench.tasks.fusion import Searcher, reach
from workbench.tasks.relevance import measured
from workbench.tasks.search import Hit

__all__ = ["Comparison", "Evaluation", "evaluate"]

_FLIPS = 10_000
_FLIPS_AT_ONCE = 4_000_000  # signs, 32 MB


@dataclass(frozen=True)
class Comparison:
    """What one search gains over another on the same queries, and how sure that is.

    Parameters
    ----------
    a, b
        Names of the two.
    measure
        What they are compared by.
    difference
        Mean over queries of ``a``'s score less ``b``'s, with its 95 % bootstrap interval.
    p_value
        Of the paired randomisation test: how often a difference at least so large, either way, comes about where it
        is chance which of the two got which score. For several pairs compared at once it is too small: multiply it by
        their number (Bonferroni).
    a_better, b_better, equal
        Queries on which the one scored higher, the other did, neither did.
    """

    a: str
    b: str
    measure: str
    difference: Interval
    p_value: float
    a_better: int
    b_better: int
    equal: int

    def __str__(self) -> str:
        return (
            f"{self.a} less {self.b} by {self.measure}: {self.difference}, p = {self.p_value:.4f}; "
            f"better on {self.a_better:,} queries, worse on {self.b_better:,}, the same on {self.equal:,}"
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of several searches on the same judged queries.

    Parameters
    ----------
    scores
        A row for each system and query: ``system``, ``query`` (id), and a column for each of :attr:`measures`.
    measures
        ``recall@K``, ``rr``, ``ndcg@10`` and ``ap``, each 0 to 1.
    relevant_from
        The lowest grade that counted as relevant.
    depth
        Hits that were asked of each searcher: ``rr`` and ``ap`` take what came later for not found.
    left_out
        Queries without a relevant passage, for which nothing is defined.
    """

    scores: pd.DataFrame
    measures: tuple[str, ...]
    relevant_from: int
    depth: int
    left_out: int
    _texts: Mapping[str, str] = field(repr=False)
    _answers: Mapping[str, Mapping[str, Sequence[Hit]]] = field(repr=False)
    _qrels: Mapping[str, Mapping[str, int]] = field(repr=False)

    @property
    def systems(self) -> tuple[str, ...]:
        """Names of the searches."""
        return tuple(self._answers)

    def __repr__(self) -> str:
        queries = len(self.scores) // len(self.systems)
        return f"Evaluation({', '.join(self.systems)}; {queries:,} queries, {', '.join(self.measures)})"

    def hits(self, system: str, query: str) -> list[Hit]:
        """What a system found for a query (by id), best first; raises InputError where there is no such one."""
        self._known(system)
        if query not in self._answers[system]:
            raise InputError(f"the query {query!r} was not scored", "Look in .scores for those that were.")
        return list(self._answers[system][query])

    def summary(self) -> pd.DataFrame:
        """Mean of each measure of each system over the queries, with its 95 % bootstrap interval.

        Returns
        -------
        pandas.DataFrame
            A row for each system and measure: ``system``, ``measure``, ``value``, ``low``, ``high``, ``queries``. The
            mean of ``rr`` is the MRR, of ``ap`` the MAP. Intervals of two systems may overlap where one is surely
            better: :meth:`compare` says.
        """
        rows = []
        for system in self.systems:
            for measure in self.measures:
                values = self._values(system, measure)
                at = mean_interval(values)
                rows.append((system, measure, at.mean, at.low, at.high, len(values)))
        return pd.DataFrame(rows, columns=["system", "measure", "value", "low", "high", "queries"])

    def compare(self, a: str, b: str, measure: str = "ndcg@10") -> Comparison:
        """Whether one system is better than another: their difference and the paired randomisation test.

        The two scores of a query are swapped at random, 10,000 times with a fixed seed. The observed order is counted
        as one of them, so that the smallest p is 1 in 10,001.

        Raises
        ------
        InputError
            There is no such system or measure.

        References
        ----------
        M. D. Smucker, J. Allan, B. Carterette, A Comparison of Statistical Significance Tests for Information
        Retrieval Evaluation, CIKM 2007. Counting the observed one: B. Phipson, G. K. Smyth, Permutation P-values
        Should Never Be Zero, Statistical Applications in Genetics and Molecular Biology 9 (2010).
        """
        gained = self._values(a, measure) - self._values(b, measure)
        better, worse = int((gained > 0).sum()), int((gained < 0).sum())
        counts = (better, worse, len(gained) - better - worse)
        return Comparison(a, b, measure, mean_interval(gained), _randomisation_p(gained), *counts)

    def differences(self, a: str, b: str, n: int = 10, measure: str = "ndcg@10") -> pd.DataFrame:
        """The queries on which two systems differ most, with what each put first.

        Returns
        -------
        pandas.DataFrame
            ``n`` rows at most, the largest difference first, none where they score alike: ``query`` (id), ``text``,
            ``a`` and ``b`` (scores), ``difference``, and for each system its first hit: ``first_a`` (id; "" where
            nothing was found), ``first_a_text``, ``first_a_grade`` (0 where nobody judged it), and the same for ``b``.

        Raises
        ------
        InputError
            There is no such system or measure.
        """
        left, right = self._values(a, measure), self._values(b, measure)
        queries = self.scores.loc[self.scores["system"] == a, "query"].to_numpy()
        gained = left - right
        order = [row for row in np.argsort(-np.abs(gained), kind="stable")[:n].tolist() if gained[row]]
        rows = []
        for row in order:
            query = str(queries[row])
            about = {"query": query, "text": self._texts[query], "a": left[row], "b": right[row]}
            found = {"difference": gained[row]}
            for name, system in (("first_a", a), ("first_b", b)):
                first = next(iter(self._answers[system][query]), None)
                grade = self._qrels[query].get(first.id, 0) if first else 0
                found |= {name: first.id if first else "", f"{name}_text": first.text if first else ""}
                found |= {f"{name}_grade": grade}
            rows.append({**about, **found})
        sides = [f"first_{side}{what}" for side in "ab" for what in ("", "_text", "_grade")]
        return pd.DataFrame(rows, columns=["query", "text", "a", "b", "difference", *sides])

    def _known(self, system: str) -> None:
        if system not in self._answers:
            raise InputError(f"there is no system {system!r}", f"Those there are: {', '.join(self.systems)}.")

    def _values(self, system: str, measure: str) -> NDArray[np.float64]:
        self._known(system)
        if measure not in self.measures:
            raise InputError(f"there is no measure {measure!r}", f"Those there are: {', '.join(self.measures)}.")
        return self.scores.loc[self.scores["system"] == system, measure].to_numpy(dtype=np.float64)


def _randomisation_p(gained: NDArray[np.float64]) -> float:
    """Two-sided p of a mean of paired differences, by signs flipped at random."""
    rng, gained = np.random.default_rng(0), gained[gained != 0]
    if not len(gained):
        return 1.0
    observed = abs(gained.sum())
    least = observed - 1e-9 * np.abs(gained).sum()  # the same sum in another order is as large
    as_large, step = 0, max(1, _FLIPS_AT_ONCE // len(gained))
    for start in range(0, _FLIPS, step):
        signs = rng.choice([-1.0, 1.0], size=(min(step, _FLIPS - start), len(gained)))
        as_large += int((np.abs(signs @ gained) >= least).sum())
    return (1 + as_large) / (1 + _FLIPS)


def evaluate(
    searchers: Mapping[str, Searcher],
    queries: Corpus | Mapping[str, str],
    qrels: Mapping[str, Mapping[str, int]],
    *,
    k: int = 10,
    relevant_from: int | None = None,
    depth: int = 100,
) -> Evaluation:
    """Ask every searcher every judged query, and score the answers by ``ir_measures`` (trec_eval).

    Parameters
    ----------
    searchers
        By name.
    queries
        Texts of the queries by id.
    qrels
        By query and passage id, the grade of relevance. A passage without a judgement counts as not relevant.
    k
        Hits that count for recall.
    relevant_from
        The lowest grade that counts as relevant for recall, reciprocal rank and average precision; nDCG takes the
        grades as they are. None takes 2 where a judgement is graded so high, or else 1.
    depth
        Hits that are asked of each searcher, or all where it has fewer; at least ``k`` and 10.

    Returns
    -------
    Evaluation
        Queries without a relevant passage are left out, and counted.

    Raises
    ------
    InputError
        There is no searcher, a judgement names a query that is not there, no query has a relevant passage, ``k`` is
        under 1, or an answer holds a passage twice.
    """
    if not searchers:
        raise InputError("there is no searcher to evaluate", "Pass at least one, by name.")
    if k < 1:
        raise InputError(f"the first {k} hits are none", "Use a k from 1.")
    texts = dict(zip(queries.ids, queries.texts, strict=True)) if isinstance(queries, Corpus) else dict(queries)
    if unknown := [query for query in qrels if query not in texts]:
        raise InputError(
            f"{len(unknown):,} judged queries are not among the {len(texts):,}, first {min(unknown)!r}",
            "Use queries and judgements of one release.",
        )
    if relevant_from is None:
        relevant_from = 2 if any(grade >= 2 for grades in qrels.values() for grade in grades.values()) else 1
    asked = [id for id in texts if any(grade >= relevant_from for grade in qrels.get(id, {}).values())]
    if not asked:
        highest = max((grade for grades in qrels.values() for grade in grades.values()), default=0)
        raise InputError(
            f"no query has a passage graded {relevant_from} or more: the highest grade is {highest}",
            f"Use relevant_from={highest}." if highest > 0 else "Judgements of a grade above 0 are needed.",
        )
    depth = max(depth, k, 10)
    tables, answers = [], {}
    for name, searcher in searchers.items():
        found = searcher.search([texts[id] for id in asked], reach(searcher, depth))
        answers[name] = dict(zip(asked, found, strict=True))
        scored = measured(found, asked, qrels, k=k, relevant_from=relevant_from)
        tables.append(pd.DataFrame({"system": name, "query": asked, **scored}))
    measures = tuple(tables[0].columns[2:])
    left_out = len(texts) - len(asked)
    return Evaluation(
        pd.concat(tables, ignore_index=True), measures, relevant_from, depth, left_out, texts, answers, qrels
    )
