"""The verb search beyond a plain search: filters, hybrid, collections, judged queries."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny_encoder import TinyEncoder
from workbench import cli, embed
from workbench.corpora import read
from workbench.vectordb import Collection

Run = Callable[..., tuple[int, str, str]]
TABLE = """id,name,price,source,audience,since
p1,noise canceling headphones,199.5,audio,public,2024-01-02
p2,cheap wired earbuds for running,19,shop,staff,2024-05-02
p3,a refund for headphones,,audio,staff,2025-01-02
p4,wireless earbuds with a case,89,shop,public,2025-06-02
"""
QUERIES = "id,text\nq1,earbuds for running\nq2,refund\nq3,case\n"
QRELS = "query-id\tcorpus-id\tscore\nq1\tp2\t2\nq1\tp4\t1\nq2\tp3\t2\n"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tiny encoder in place of the model, a home of its own, and a folder with a table, queries and judgements."""
    monkeypatch.setattr(embed, "SentenceEncoder", lambda name, **_: TinyEncoder(name=f"tiny {name.split()[-1]}"))
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name, content in (("t.csv", TABLE), ("q.csv", QUERIES), ("r.tsv", QRELS)):
        Path(name).write_text(content)
    Path("odd.tsv").write_text("q1\tp2\t2\nq2\tnowhere\t1\n")
    Path("lone.tsv").write_text("q9\tp2\t2\n")


@pytest.fixture
def search(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the verb in this process: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.run(("search", *arguments))
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def collection() -> str:
    corpus, encoder = read("t.csv", text="name"), TinyEncoder(name="tiny bundled")
    Collection.from_corpus("c", corpus, embed.embed(corpus, encoder, progress=False), progress=False).close()
    return "c"


FILE = ("t.csv", "--text", "name")


def found(outcome: tuple[int, str, str]) -> dict:
    assert outcome[0] == 0, outcome[2]
    return json.loads(outcome[1])


@pytest.mark.parametrize("where", ["source=audio", "price<100", "since>=2025-01-01", "audience!=staff"])
def test_a_file_and_its_collection_are_filtered_alike(search: Run, collection: str, where: str) -> None:
    passing = {
        "source=audio": {"p1", "p3"},
        "price<100": {"p2", "p4"},
        "since>=2025-01-01": {"p3", "p4"},
        "audience!=staff": {"p1", "p4"},
    }[where]
    for hybrid in ([], ["--hybrid"]):
        file = found(search(*FILE, "wireless earbuds", "--where", where, "--json", *hybrid))
        assert {hit["id"] for hit in file["hits"]} == passing
        assert file["where"]
        if not where.startswith("since"):  # the collection's own type for that column is text
            stored = found(search("--collection", collection, "wireless earbuds", "--where", where, "--json", *hybrid))
            assert [hit["id"] for hit in stored["hits"]] == [hit["id"] for hit in file["hits"]]
            assert stored["hits"][0]["score"] == pytest.approx(file["hits"][0]["score"], abs=1e-5)
            assert stored["hits"][0]["text"] == file["hits"][0]["text"]
            assert stored["hits"][0]["metadata"].items() <= file["hits"][0]["metadata"].items()


def test_several_filters_must_all_hold(search: Run) -> None:
    hits = found(search(*FILE, "earbuds", "--where", "source=shop", "--where", "price<50", "--json"))["hits"]
    assert [hit["id"] for hit in hits] == ["p2"]
    assert hits[0]["metadata"] == {"price": 19, "source": "shop", "audience": "staff", "since": "2024-05-02"}


def test_a_filter_that_nothing_passes_finds_nothing(search: Run, collection: str) -> None:
    for source in (FILE, ("--collection", collection)):
        assert found(search(*source, "earbuds", "--where", "source=none", "--hybrid", "--json"))["hits"] == []
        status, out, _ = search(*source, "earbuds", "--where", "source=none")
        assert status == 0
        assert out.startswith("no passage passes the filter")


def test_search_by_words_lifts_a_shared_word(search: Run) -> None:
    hits = found(search(*FILE, "refund", "--hybrid", "--json", "--k", "2"))
    assert hits["hybrid"]
    assert hits["hits"][0]["id"] == "p3"
    assert hits["hits"][0]["score"] == pytest.approx(2 / 61)


# judged queries


@pytest.mark.parametrize("stored", [False, True])
def test_searches_are_held_against_judgements(search: Run, collection: str, stored: bool) -> None:
    source = ("--collection", collection) if stored else FILE
    result = found(search(*source, "--evaluate", "--queries", "q.csv", "--qrels", "r.tsv", "--json"))
    assert (result["queries"], result["left_out"], result["relevant_from"]) == (2, 0, 2)
    assert list(result["systems"]) == ["dense", "BM25", "hybrid"]
    assert list(result["systems"]["BM25"]) == ["recall@10", "rr", "ndcg@10", "ap"]
    assert result["systems"]["BM25"]["rr"] == {"mean": 1, "low": 1, "high": 1}
    assert len(result["comparisons"]) == 12
    first = result["comparisons"][0]
    assert (first["a"], first["b"], first["measure"]) == ("hybrid", "dense", "recall@10")
    assert 0 < first["p_value"] <= 1
    status, out, _ = search(*source, "--evaluate", "--queries", "q.csv", "--qrels", "r.tsv")
    assert status == 0
    assert "2 queries, 0 left out" in out and "hybrid less dense by ndcg@10" in out


def test_a_beir_folder_brings_its_own_judgements(search: Run) -> None:
    folder = Path("beir")
    (folder / "qrels").mkdir(parents=True)
    passages = [{"_id": f"p{n}", "text": text} for n, text in enumerate(["cats bark", "dogs bark", "rates rise"])]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, passages)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "dogs"}))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\tp1\t1\n")
    result = found(search("beir", "--evaluate", "--json", "--k", "2"))
    assert result["systems"]["BM25"]["recall@2"]["mean"] == 1
    assert result["relevant_from"] == 1
    Path("other.txt").write_text("q 0 p2 1\n")  # TREC's columns
    result = found(search("beir", "--evaluate", "--json", "--qrels", "other.txt"))
    assert result["systems"]["BM25"]["recall@10"]["mean"] == 0


# what cannot be used

BAD = {
    "unknown field": ([*FILE, "x", "--where", "sorce=audio"], "there is no field 'sorce' to filter by. Did you mean"),
    "unknown field of a collection": (["--collection", "c", "x", "--where", "sorce=a"], "Did you mean 'source'?"),
    "a word for a number": ([*FILE, "x", "--where", "price<cheap"], "'price' is of type float, and 'cheap' is not"),
    "an order of words": ([*FILE, "x", "--where", "audience>3"], "'audience' is of type keyword and has no order"),
    "no comparison": ([*FILE, "x", "--where", "audience"], "the filter 'audience' compares nothing"),
    "no such folder to judge": (["nowhere", "--evaluate"], "there is no file 'nowhere'"),
    "unknown passage": (
        [*FILE, "--evaluate", "--queries", "q.csv", "--qrels", "odd.tsv"],
        "a passage that is not there, first 'nowhere'",
    ),
    "unknown passage of a collection": (
        ["--collection", "c", "--evaluate", "--queries", "q.csv", "--qrels", "odd.tsv"],
        "not in the collection, first 'nowhere'",
    ),
    "unknown query": (
        [*FILE, "--evaluate", "--queries", "q.csv", "--qrels", "lone.tsv"],
        "a query that is not there, first 'q9'",
    ),
    "no judgements": ([*FILE, "--evaluate", "--queries", "q.csv"], "'t.csv' comes without qrels. Add --qrels R."),
    "judgements that are none": (
        [*FILE, "--evaluate", "--queries", "q.csv", "--qrels", "q.csv"],
        "line 1 of 'q.csv' is not a judgement",
    ),
    "judgements unasked for": ([*FILE, "x", "--qrels", "r.tsv"], "--qrels r.tsv was given without --evaluate"),
    "a query to evaluate": ([*FILE, "x", "--evaluate"], "a query was given with --evaluate"),
    "a filter to evaluate": ([*FILE, "--evaluate", "--where", "price<1"], "--where was given with --evaluate"),
    "no collection": (["--collection", "nowhere", "x"], "nowhere"),
    "two sources": ([*FILE, "x", "--collection", "c"], "both 't.csv' and a collection were given"),
    "a server without a name": (["--url", "http://localhost:1", "x"], "Add --collection NAME"),
    "a column of a collection": (
        ["--collection", "c", "x", "--text", "name"],
        "--text name was given with",
    ),
    "another model": (["--collection", "c", "x", "--model", "other"], "the query comes from tiny other"),
    "no query": (["--collection", "c", " "], "the query is empty"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD)
def test_bad_input_is_one_line(search: Run, collection: str, arguments: tuple[list[str], str]) -> None:
    status, out, err = search(*arguments[0], "--json")
    lines = [line for line in err.splitlines() if line.startswith("workbench: ")]
    assert (status, out, len(lines)) == (2, "", 1), err
    assert arguments[1] in lines[0]
