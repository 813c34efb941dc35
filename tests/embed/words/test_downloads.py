import gzip
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.embed.words import download, read
from workbench.errors import InputError, ModelError

KNOWN = {
    "models": ["glove-twitter-25", "glove-wiki-gigaword-50", "glove-wiki-gigaword-100", "__testing_glove"],
    "corpora": ["text8"],
}


@pytest.fixture
def downloader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A stand-in for gensim's: it has one file, and says what it was asked for."""
    import gensim.downloader

    path = tmp_path / "glove-twitter-25.gz"
    path.write_bytes(gzip.compress(b"3 2\nthe 1 2\nking 3 4\nqueen 5 6\n"))
    seen: dict[str, Any] = {"path": path, "asked": []}

    def load(name: str, return_path: bool = False) -> str:
        assert return_path, "without it gensim runs the code that it fetched"
        seen["asked"].append(name)
        sys.stdout.write("[====] 100%")
        logging.getLogger("gensim.downloader").error("noise")
        if "error" in seen:
            raise seen["error"]
        return str(path)

    monkeypatch.setattr(gensim.downloader, "info", lambda name_only: KNOWN)
    monkeypatch.setattr(gensim.downloader, "load", load)
    return seen


def test_what_was_fetched_is_read(downloader: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    words = download("glove-twitter-25", limit=2)
    assert downloader["asked"] == ["glove-twitter-25"]
    assert words.words == ("the", "king")
    assert words.model is not None
    assert words.model.name == "glove-twitter-25"
    assert words.model.revision == read(downloader["path"], limit=2).model.revision  # type: ignore[union-attr]
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "[====] 100%"


def test_an_unknown_name_is_told_the_nearest(downloader: dict[str, Any]) -> None:
    message = r"'glove-wiki-100' is not known to gensim\. Known .* first: 'glove-wiki-gigaword-100', 'glove-wiki-gig"
    with pytest.raises(InputError, match=message) as raised:
        download("glove-wiki-100")
    assert "__testing" not in str(raised.value)
    with pytest.raises(InputError, match="'text8' is a corpus and not a set of vectors"):
        download("text8")
    with pytest.raises(InputError, match="a limit of 0 words"):
        download("glove-twitter-25", limit=0)
    assert downloader["asked"] == []


@pytest.mark.parametrize("error", [Exception("Checksum comparison failed, try again"), OSError("no route")])
def test_a_download_that_fails_says_what_to_do(error: Exception, downloader: dict[str, Any]) -> None:
    downloader["error"] = error
    with pytest.raises(
        ModelError, match=rf"could not be fetched \({error}\)\. Where there is a network, run `python -m"
    ):
        download("glove-twitter-25")


def test_without_a_network_it_says_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """gensim's own downloader, at an address on this machine where nothing listens."""
    import gensim.downloader

    monkeypatch.setattr(gensim.downloader, "BASE_DIR", str(tmp_path / "gensim-data"))
    monkeypatch.setattr(gensim.downloader._load_info, "__defaults__", ("http://127.0.0.1:9/list.json", "utf-8"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ModelError, match=r"'glove-wiki-gigaword-100' are not on this machine and could not be fetched"):
        download("glove-wiki-gigaword-100")
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")
