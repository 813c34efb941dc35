"""The bench of word analogies: what it lists, draws and says equals what the rooms behind it give."""

import html
import json

import numpy as np
import pytest

from workbench import callbacks
from workbench.embed.words import StaticVectors
from workbench.errors import InputError
from workbench.geometry import analogies, directions
from workbench.view import AnalogyBench

HOSTILE = "<img src=x onerror=y> $x$"


def planted(extra=()):
    """Men and women, commoners and royals on two axes, a noise axis each, and words that have nothing to do with it."""
    names = ["man", "woman", "king", "queen", "boy", "girl", *extra, *(f"w{i}" for i in range(30))]
    array = np.random.default_rng(0).normal(size=(len(names), 40)) * 0.15
    array[: 6 + len(extra), 0] += 1
    array[[1, 3, 5], 1] += 0.9
    array[[2, 3], 2] += 1.1
    array[[4, 5], 3] += 1.1
    return StaticVectors(tuple(names), array.astype(np.float32))


def status(bench):
    return bench.children[-1].value


def listed(bench):
    return [item["word"] for item in bench._table.content["items"]]


@pytest.mark.parametrize("method", analogies.METHODS)
@pytest.mark.parametrize("exclude", [True, False])
def test_the_table_lists_what_the_room_solves(method, exclude):
    vectors = planted()
    bench = AnalogyBench(vectors, method=method, exclude=exclude, k=6)
    expected = analogies.solve(vectors, "king", "man", "woman", method=method, exclude=exclude, k=6)
    items = bench._table.content["items"]
    assert listed(bench) == list(expected["word"])
    assert [item["score"] for item in items] == [f"{score:.3f}" for score in expected["score"]]
    assert [bool(item["note"]) for item in items] == list(expected["input"])
    assert [item["chosen"] for item in items] == [True] + [False] * 5
    assert f"<b>{expected['word'][0]}</b> comes first" in status(bench)
    callbacks.check()


def test_excluding_the_questions_words_is_said_both_ways():
    bench = AnalogyBench(planted())
    assert bench.chosen == "queen"
    allowed = analogies.solve(planted(), "king", "man", "woman", exclude=False)["word"][0]
    assert "left out. Allowed, " in status(bench)
    assert ("it would too" if allowed == "queen" else f"<b>{allowed}</b> would") in status(bench)
    bench.method.value = "only-a-star"
    bench.exclude.value = False
    assert bench.chosen == "king"
    assert bench._table.content["items"][0]["note"] == "in the question"
    assert "one of the question's own words" in status(bench)
    callbacks.check()


def drawn(bench, name):
    """The points of a trace, by its name in the legend."""
    trace = next(trace for trace in bench.figure.data if trace.name == name)
    return np.stack([trace.x, trace.y], axis=1)


def test_the_plane_is_the_parallelogram_of_the_chosen_answer():
    vectors = planted()
    bench = AnalogyBench(vectors)
    for word in ("queen", bench.answers["word"][3]):
        bench.choose(word)
        points = directions.parallelogram(vectors, "man", "king", "woman", word).points.set_index("role")
        given = drawn(bench, "the question's words")
        for at, role in enumerate(("a", "a*", "b")):
            assert given[at] == pytest.approx(points.loc[role, ["x", "y"]].to_numpy(float))
        foot = points.loc["answer", ["x", "y"]].to_numpy(float)
        assert drawn(bench, "the answer, at its foot")[0] == pytest.approx(foot)
        assert f"{points.loc['answer', 'off']:.2f} off the plane" in status(bench)
        assert bench.figure.layout.title.text.endswith(f", and {word}")
        assert [item["chosen"] for item in bench._table.content["items"]] == [name == word for name in listed(bench)]
    assert bench.figure.layout.yaxis.scaleanchor == "x" and bench.figure.layout.yaxis.scaleratio == 1
    span = [np.ptp(bench.figure.layout[axis].range) for axis in ("xaxis", "yaxis")]
    room = 690 - 90, 450 - 148
    assert span[0] / room[0] == pytest.approx(span[1] / room[1], rel=1e-6)


def test_what_is_drawn_equals_a_fresh_bench():
    bench = AnalogyBench(planted())
    bench.a_star.value = "girl"
    bench.method.value = "3cosmul"
    bench.exclude.value = False
    bench.choose(listed(bench)[2])
    again = AnalogyBench(planted(), "girl", method="3cosmul", exclude=False)
    again.choose(listed(again)[2])
    assert bench.figure.to_json() == again.figure.to_json()
    assert status(bench) == status(again)
    assert bench._table.content == again._table.content
    callbacks.check()


def test_an_unknown_word_is_answered_with_spellings_and_nothing_is_raised():
    bench = AnalogyBench(planted())
    bench.b.value = f"womman {HOSTILE}"
    assert "there is no word" in status(bench) and 'role="alert"' in status(bench)
    assert "&lt;img" in status(bench) and "<img" not in status(bench)
    assert bench.answers is None and bench.plane is None and bench.chosen is None and listed(bench) == []
    assert all(not len(trace.x) for trace in bench.figure.data)
    bench.b.value = "womann"
    assert "&#x27;woman&#x27;" in status(bench)
    bench.b.value = " "
    assert "a field is empty" in status(bench)
    bench.b.value = "WOMAN"
    assert bench.chosen == "queen"
    callbacks.check()


def test_words_without_a_plane_still_have_answers():
    bench = AnalogyBench(planted(), "man", "man", "woman")
    assert listed(bench) and bench.plane is None
    assert "No plane: 'man' and 'man' have one direction" in html.unescape(status(bench))
    assert "one direction" in bench.figure.layout.title.text
    bench.method.value = "pairdirection"
    assert "no direction between them" in status(bench)
    assert AnalogyBench(planted(), "gone").answers is None
    callbacks.check()


def test_words_are_text_wherever_they_stand():
    vectors = planted(extra=(HOSTILE,))
    bench = AnalogyBench(vectors, HOSTILE, exclude=False, method="only-a-star")
    assert bench.chosen == HOSTILE
    written = json.dumps(json.loads(bench.figure.to_json()))
    assert "<img" not in written and "$" not in written and "&lt;img" in written
    assert "<img" not in status(bench)
    assert bench._table.content["items"][0]["word"] == HOSTILE  # set as textContent in the browser


def test_an_error_is_shown_and_recorded(monkeypatch):
    bench = AnalogyBench(planted())

    def broken(*args, **options):
        raise ValueError("<i>out of order</i>")

    monkeypatch.setattr(analogies, "solve", broken)
    bench.b.value = "girl"
    assert "&lt;i&gt;out of order" in status(bench)
    with pytest.raises(Exception, match="out of order"):
        callbacks.check()


def test_what_there_is_not_is_refused():
    with pytest.raises(InputError, match="no method '4cosadd'"):
        AnalogyBench(planted(), method="4cosadd")
    with pytest.raises(InputError, match="k=0"):
        AnalogyBench(planted(), k=0)
    with pytest.raises(InputError, match="'nothing' is not among the answers"):
        AnalogyBench(planted()).choose("nothing")


def test_the_table_sends_back_the_row_that_was_pressed():
    bench = AnalogyBench(planted())
    bench._table._received(None, {"open": 4}, None)
    assert bench.chosen == listed(bench)[4]
    bench._table._received(None, {"open": 99}, None)
    assert bench.chosen == listed(bench)[4]
    callbacks.check()
