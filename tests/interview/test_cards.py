"""The prediction card: it asks first, never blocks, and never shows the answer unasked."""

import pytest

from workbench import callbacks, interview
from workbench.errors import InputError


def outcome(card: interview.PredictionCard) -> str:
    return str(card._outcome.value)


def folded(widget) -> str:
    return str(widget.children[0].value)


def test_run_all_spoils_nothing():
    card = interview.predict("How many?", unit="%", decimals=0)
    shown = card.reveal_with(18.0, "Because.", mistake="45.")
    assert outcome(card) == ""
    assert not card.revealed
    assert "18%" in folded(shown)
    assert "ran on without a prediction" in folded(shown)
    card.button.click()
    assert card.revealed
    assert "18%" in outcome(card)
    assert "Because." in outcome(card)
    assert "45." in outcome(card)


def test_a_prediction_made_before_is_compared_at_once():
    card = interview.predict("How many?", unit="%", decimals=0)
    card.input.value = "45"
    shown = card.reveal_with(18.0)
    assert card.prediction == 45
    assert "27 percentage points above the measured value, a factor of 2.5." in outcome(card)
    assert "27 percentage points above" in folded(shown)


@pytest.mark.parametrize(
    ("guess", "verdict"),
    [("100", "Close: off by 0.00."), ("95", "Close"), ("1,000", "900.00 above"), ("−5", "105.00 below")],
)
def test_numbers_are_compared(guess, verdict):
    card = interview.predict("?", 100.0)
    card.input.value = guess
    card.button.click()
    assert verdict in outcome(card)


def test_a_slip_of_the_pen_is_the_readers_to_mend():
    card = interview.predict("?", 1.0)
    card.input.value = "about ten"
    card.button.click()
    assert "is not a number" in outcome(card)
    assert not card.revealed
    callbacks.check()


def test_choice_and_text():
    choice = interview.predict("Which?", "b", kind="choice", options=["a", "b"])
    choice.input.value = "b"
    choice.button.click()
    assert "You were right." in outcome(choice)
    text = interview.predict("Why?", "Because of hubs.", kind="text")
    text.input.value = "no idea"
    text.button.click()
    assert "does yours name the mechanism?" in outcome(text)


def test_not_measured_yet():
    card = interview.predict("?")
    card.input.value = "3"
    card.button.click()
    assert "It has not been measured yet" in outcome(card)
    assert card.answer is None
    assert card.prediction == 3


def test_an_answer_may_be_a_function_and_its_failure_is_not_swallowed():
    card = interview.predict("?", lambda: 7.0)
    assert card.answer == 7
    broken = interview.predict("?", lambda: 1 / 0)
    broken.button.click()
    assert "division by zero" in outcome(broken)
    with pytest.raises(Exception, match=r"1 widget callback failed: reveal: ZeroDivisionError"):
        callbacks.check()


def test_text_is_data():
    card = interview.predict("<script>alert(1)</script> and $x$ **bold**", "<img onerror=x>", kind="text")
    card.button.click()
    asked = card.children[1].value
    assert "<script" not in asked
    assert "$x$" not in asked
    assert "<strong>bold</strong>" in asked
    assert "<img" not in outcome(card)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "essay"}, "no kind 'essay'"),
        ({"kind": "choice", "options": ["one"]}, "at least two options"),
        ({"kind": "choice", "options": ["a", "b"], "answer": "c"}, "the answer 'c' is not an option"),
        ({"answer": float("nan")}, "the measured value is nan"),
        ({"tolerance": -1}, "tolerance=-1"),
    ],
)
def test_cards_that_cannot_be(arguments, message):
    with pytest.raises(InputError, match=message):
        interview.predict("?", **arguments)
