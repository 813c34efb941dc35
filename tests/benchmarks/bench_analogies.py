"""Google's analogy questions by 21,745 words: ours against gensim's evaluate_word_analogies, which must agree."""

from collections.abc import Sequence

from gensim.models import KeyedVectors
from gensim.test.utils import datapath

from tests.benchmarks.timing import arguments, interleave, report
from workbench.embed.words import bundled
from workbench.geometry import analogies


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "").parse_args(argv)
    vectors, asked = bundled(), analogies.google()
    table = KeyedVectors(vectors.dimensions)
    table.add_vectors(list(vectors.words), vectors.array)

    def theirs() -> tuple[float, list[dict]]:
        path = datapath("questions-words.txt")
        return table.evaluate_word_analogies(path, restrict_vocab=len(table), case_insensitive=True)

    ours = analogies.evaluate(vectors, asked, exclude=True).questions
    words = ["a", "a_star", "b", "b_star"]
    right, wrong = (
        sorted(tuple(map(str.upper, row)) for row in ours.loc[ours["correct"] == correct, words].to_numpy())
        for correct in (True, False)
    )
    total = theirs()[1][-1]
    assert right == sorted(total["correct"]), "the two disagree on what is right"
    assert wrong == sorted(total["incorrect"]), "the two disagree on what is wrong"
    times = interleave(
        {
            "gensim evaluate_word_analogies": theirs,
            "evaluate, with and without exclusion": lambda: analogies.evaluate(vectors, asked),
        },
        options.rounds,
    )
    title = f"{len(ours):,} covered questions of Google's {len(asked):,} by {len(vectors):,} words (3CosAdd)"
    note = f"Both answer the same {len(right):,} rightly, and the same {len(wrong):,} wrongly. Target: 0.2, and 3 s."
    report(title, times, "gensim evaluate_word_analogies", [note], options.json)


if __name__ == "__main__":
    main()
