"""Sentences end where a reader says they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.corpora.sentences import ends_sentence, split_sentences

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=8)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith met Mrs. Jones on St. Mary's St. in the rain.", "They talked."],
        ["J. S. Bach and George W. Bush never met.", "Nobody minds."],
        ["Pi is about 3.14159, as of 5.30 p.m. yesterday.", "It still is."],
        ["The U.S. Army moved.", "It then left the U.S.", "The army came back."],
        ["He liked apples, pears, etc.", "However, she did not."],
        ["Use a metric, e.g. Cosine similarity, or i.e. Dot product.", "Done."],
        ["See No. 5 and vol. 2, pp. 3 to 9.", "It is there."],
        ['"Stop!" he cried.', "She did."],
        ['He said: "I came. I saw. I left."', "Nobody believed him."],
        ["It works (see Fig. 2. It is below) and well.", "Yes."],
        ["They lack vitamin C.", "This is bad."],
        ["Was it so?", "Yes!", "No…", "Perhaps."],
        ["Ken Griffey, Jr. Field is new.", "So is Griffey, Jr.", "He won."],
        ["The film was released by Warner Bros. Pictures in 1999.", "It made $1.5 million."],
        ["In 1969, man landed.", "1970 came after."],
        ["Born c. 450 B.C. in Athens, he died in 399 B.C.", "After that came Plato."],
        ["R.E.M. played.", "Écoutez!", "Élan is good."],
        ["Rana spp. Linnaeus lack teeth.", "Toads do too."],
    ],
    ids=lambda s: s[0][:30],
)
def test_a_reader_agrees(sentences: list[str]) -> None:
    assert split_sentences(" ".join(sentences)) == sentences


@given(st.lists(st.tuples(WORDS, st.sampled_from(["", ".", "!", "?", '."', ".)", "(", '"', ","])), max_size=60))
def test_nothing_is_lost(pairs: list[tuple[str, str]]) -> None:
    text = " ".join(word + mark for word, mark in pairs)
    sentences = split_sentences(text)
    assert " ".join(sentences) == " ".join(text.split())
    assert all(ends_sentence(s) for s in sentences[:-1])


def test_an_unclosed_bracket_does_not_swallow_a_long_text() -> None:
    text = "It began (and never closed. " + "Then more words came along the way. " * 40
    assert len(split_sentences(text)) > 30


@pytest.mark.parametrize("text", ["Yes.", "He said so.”", 'End."', "Really?!", "So (it is).", "Hm…"])
def test_ends_sentence(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["No", "He said:", "a; b;", "3.5", ""])
def test_does_not_end_sentence(text: str) -> None:
    assert not ends_sentence(text)
