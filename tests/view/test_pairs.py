"""Pairs of passages by similarity, and the bill for storing vectors."""

import numpy as np
import pytest

from workbench import callbacks
from workbench.errors import InputError
from workbench.geometry import cosine_similarity
from workbench.records import Corpus, Vectors
from workbench.view import PairBrowser, StorageCalculator


def passages(n=60, text="passage {}"):
    corpus = Corpus(tuple(map(str, range(n))), tuple(text.format(i) for i in range(n)))
    array = np.random.default_rng(1).standard_normal((n, 6)).astype(np.float32)
    return corpus, Vectors(corpus.ids, array)


def test_every_step_shows_pairs_of_that_similarity_and_the_slider_covers_all():
    corpus, vectors = passages()
    browser = PairBrowser(corpus, vectors)
    truth = cosine_similarity(vectors, vectors)
    levels = [value for _, value in browser.slider.options]
    assert levels == sorted(levels) and min(levels) < -0.5 and max(levels) > 0.5
    for level in levels:
        browser.slider.value = level
        for _ in range(3):
            pair = browser.pair
            assert pair.first != pair.second
            assert pair.similarity == pytest.approx(truth[pair.first, pair.second], abs=1e-6)
            assert abs(pair.similarity - level) <= 0.0501
            browser.button.click()
    callbacks.check()


def test_the_texts_the_angle_and_the_next_pair_are_shown():
    corpus, vectors = passages()
    browser = PairBrowser(corpus, vectors, level=0.0)
    first = browser.pair
    texts, status = browser.children[1], browser.children[2]
    assert f"passage {first.first}" in texts.value and f"passage {first.second}" in texts.value
    assert (
        f"{first.similarity:.3f}" in status.value and f"{np.degrees(np.arccos(first.similarity)):.0f}°" in status.value
    )
    browser.button.click()
    assert browser.pair != first and f"passage {browser.pair.second}" in texts.value


def test_passages_are_text():
    browser = PairBrowser(*passages(8, "<script>alert({})</script> <img onerror=x>"))
    assert "<script" not in browser.children[1].value and "<img" not in browser.children[1].value
    assert "&lt;script&gt;" in browser.children[1].value


def test_examples_have_a_row_for_each_level_in_order():
    browser = PairBrowser(*passages())
    table = browser.examples()
    assert len(table) == len(browser.slider.options)
    assert table["similarity"].is_monotonic_increasing and table["degrees"].is_monotonic_decreasing
    assert table["one passage"].str.contains("passage").all()


def test_a_large_corpus_is_sampled_and_rows_are_those_of_the_corpus():
    corpus, vectors = passages(2600)
    pair = PairBrowser(corpus, vectors).pair
    own = cosine_similarity(vectors.array[pair.first], vectors.array[pair.second])
    assert pair.similarity == pytest.approx(float(own), abs=1e-6)


def test_vectors_of_other_passages_are_refused():
    corpus, vectors = passages()
    with pytest.raises(InputError, match="make no pairs"):
        PairBrowser(corpus, vectors.take(range(59)))
    with pytest.raises(InputError, match="make no pairs"):
        PairBrowser(corpus.take([0]), vectors.take([0]))


def test_the_bill_is_n_times_d_times_the_bytes_of_a_number():
    bill = StorageCalculator()
    assert bill.total_bytes == 100_000_000 * 1024 * 4
    assert "410 GB" in bill.children[-1].value and "4.1 kB" in bill.children[-1].value
    assert "102 billion multiply-adds" in bill.children[-1].value
    bill.number_format.value = "1 bit"
    assert bill.total_bytes == 100_000_000 * 128
    assert "12.8 GB" in bill.children[-1].value
    bill.count.value, bill.dimensions.value, bill.number_format.value = 1_000, 384, "float16"
    assert bill.total_bytes == 768_000 and "768 kB" in bill.children[-1].value
    callbacks.check()


def test_every_step_of_the_calculator_can_be_shown():
    bill = StorageCalculator(1_000, 64, "int8")
    for control in (bill.count, bill.dimensions):
        for _, value in control.options:
            control.value = value
            assert f"{value:,}" in bill.children[-2].value
    assert bill.total_bytes == 10**9 * 4096
    callbacks.check()


def test_a_step_that_the_calculator_does_not_have_is_refused():
    with pytest.raises(InputError, match="step 1234"):
        StorageCalculator(1234)
    with pytest.raises(InputError, match="float8"):
        StorageCalculator(number_format="float8")
