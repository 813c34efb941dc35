"""The built-in corpora by name, and the hub."""

import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench import corpora
from workbench.errors import InputError


def test_each_has_a_datasheet_that_says_what_a_person_must_know() -> None:
    assert corpora.builtin() == [
        "wikipedia",
        "python-api",
        "help-center",
        "word-senses",
        "support-tickets",
        "service-logs",
    ]
    for name in corpora.builtin():
        sheet = corpora.datasheet(name)
        for heading in (
            f"# Datasheet: {name}",
            "**What.**",
            "**How it was made.**",
            "**Licence.**",
            "**Known limits.**",
        ):
            assert heading in sheet, name
    assert "is no benchmark" in corpora.datasheet("help-center")


@pytest.mark.parametrize("call", [corpora.load, corpora.datasheet])
def test_an_unknown_name_lists_the_nearest_first(call: Callable[[str], object]) -> None:
    with pytest.raises(InputError, match=r"no built-in corpus 'wikipaedia'\. Take one of: wikipedia, "):
        call("wikipaedia")


def test_an_option_that_a_corpus_does_not_have() -> None:
    with pytest.raises(InputError, match=r"'help-center' has no such option.*Its options: none"):
        corpora.load("help-center", packages=["numpy"])


def test_the_help_center_is_one_of_them() -> None:
    assert corpora.load("help-center").fingerprint == corpora.benchmark("help-center").corpus.fingerprint


class Rows(list[dict[str, Any]]):
    """What ``datasets.load_dataset`` hands back, as far as it is used."""

    column_names = ("text", "label")


def stand_in(monkeypatch: pytest.MonkeyPatch, load_dataset: Callable[..., Any]) -> None:
    module = types.ModuleType("datasets")
    module.load_dataset = load_dataset  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_data_set_of_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def load_dataset(name: str, **options: Any) -> Rows:
        asked.update(options, name=name)
        return Rows({"text": f"t{n}", "label": n} for n in range(5))

    stand_in(monkeypatch, load_dataset)
    corpus = corpora.from_hub("ag_news", "text", split="test", limit=3)
    assert asked == {"name": "ag_news", "split": "test", "streaming": True}
    assert (corpus.texts, corpus.metadata["label"].tolist()) == (("t0", "t1", "t2"), [0, 1, 2])
    with pytest.raises(InputError, match=r"no column 'txt'\. It has, nearest name first: 'text', 'label'"):
        corpora.from_hub("ag_news", "txt")
    assert asked["streaming"] is False


def test_the_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, **options: Any) -> Rows:
        raise ConnectionError("Couldn't reach the Hub\nlong trace")

    stand_in(monkeypatch, load_dataset)
    with pytest.raises(InputError, match=r"'ag_news' .* cannot be read from the hub \(Couldn't reach the Hub\)"):
        corpora.from_hub("ag_news", "text")


@pytest.mark.parametrize(("error", "detail"), [(EOFError("broke off"), "broke off"), (TimeoutError(), "TimeoutError")])
def test_the_hub_breaks_off(monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str) -> None:
    def stream() -> Iterator[dict[str, str]]:
        yield {"text": "first"}
        raise error

    stand_in(monkeypatch, lambda name, **options: stream())
    with pytest.raises(InputError, match=rf"'ag_news' .* cannot be read from the hub \({detail}\)"):
        corpora.from_hub("ag_news", "text", limit=2)
    assert corpora.from_hub("ag_news", "text", limit=1).texts == ("first",)
