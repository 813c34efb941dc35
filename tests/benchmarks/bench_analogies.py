"""Google's analogy questions by 21,745 words: ours against gensim's evaluate_word_analogies, which must agree."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from gensim.models import KeyedVectors

from tests.benchmarks.timing import arguments, interleave, report, save
from workbench.embed.words import bundled
from workbench.geometry import analogies
from workbench.geometry.analogies import Questions

EVERY = 8  # gensim answers one by one, and would take a minute and more for a round of them all


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(__doc__ or "", rounds=3).parse_args(argv)
    vectors, asked = bundled(), analogies.google()
    table = KeyedVectors(vectors.dimensions)
    table.add_vectors(list(vectors.words), vectors.array)
    sample = Questions(asked.words[::EVERY], asked.sections[::EVERY], f"every {EVERY}th")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.txt"
        path.write_text("".join(f": {s}\n{' '.join(w)}\n" for w, s in zip(sample.words, sample.sections, strict=True)))

        def theirs() -> tuple[float, list[dict]]:
            return table.evaluate_word_analogies(str(path), restrict_vocab=len(table), case_insensitive=True)

        ours = analogies.evaluate(vectors, sample, exclude=True).questions
        right = {
            tuple(map(str.upper, row)) for row in ours.loc[ours["correct"], ["a", "a_star", "b", "b_star"]].to_numpy()
        }
        total = theirs()[1][-1]
        assert right == set(total["correct"]), "the two disagree"
        assert len(ours) == len(total["correct"]) + len(total["incorrect"])
        times = interleave(
            {
                "gensim evaluate_word_analogies": theirs,
                "evaluate, with and without exclusion": lambda: analogies.evaluate(vectors, sample),
            },
            options.rounds,
        )
    title = f"{len(ours):,} covered analogy questions, every {EVERY}th of Google's, by {len(vectors):,} words (3CosAdd)"
    note = f"Both answer the same {len(right):,} rightly, and the same {len(ours) - len(right):,} wrongly. Target: 0.2."
    small = report(title, times, "gensim evaluate_word_analogies", [note])

    name = "evaluate, all of them"
    times = interleave({name: lambda: analogies.evaluate(vectors, asked)}, options.rounds)
    found = analogies.evaluate(vectors, asked)
    title = (
        f"All {len(found.questions) // 2:,} covered questions of Google's {len(asked):,}, with and without exclusion"
    )
    large = report(title, times, name, [f"{found}. Target: 3 s."])
    save([small, large], options.json)


if __name__ == "__main__":
    main()
