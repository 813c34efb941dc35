"""Chunks lie where they say, a context never passes its budget, and an endpoint that fails is one clear line."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_encoder import TinyEncoder
from workbench import tasks
from workbench.errors import InputError, ModelError
from workbench.records import Corpus


class Counting(TinyEncoder):
    """A token is a word."""

    def count_tokens(self, texts):
        return [len(text.split()) for text in texts]


WORDS = Counting()
TEXT = (
    "# Bears\n\nBears eat fish. They sleep in winter, Dr. Brown says.  Then they wake.\n\n## Wolves\n\n"
    + "Wolves run far and " * 9
    + "end."
)
PIECE = st.sampled_from(
    ["One two three. ", "Dr. Who came! ", "\n\n", "word ", "\n", "## Head\n\n", "é ü 😀. ", "- a\n"]
)


def documents(*texts):
    return Corpus(tuple(f"d{i}" for i in range(len(texts))), texts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(PIECE, max_size=30).map("".join),
    st.integers(1, 12),
    st.integers(0, 11),
    st.sampled_from(["sentences", "structure"]),
)
def test_a_chunk_is_where_it_says_and_no_word_is_lost(text, tokens, overlap, by):
    cut = tasks.chunk_by_sentences if by == "sentences" else tasks.chunk_by_structure
    chunks = cut(documents(text), WORDS, tokens=tokens, overlap=min(overlap, tokens - 1))
    covered = set()
    for chunk, row in zip(chunks.texts, chunks.metadata.itertuples(), strict=True):
        assert text[row.start : row.end] == chunk and row.document == "d0"
        assert 0 < row.tokens == len(chunk.split()) <= tokens
        covered |= set(range(row.start, row.end))
    assert all(at in covered or letter.isspace() for at, letter in enumerate(text))


def test_sentences_stay_whole_and_overlap_is_whole_sentences():
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    chunks = tasks.chunk_by_sentences(documents(text), WORDS, tokens=6, overlap=3)
    assert list(chunks.texts) == [
        "One two three. Four five six.", "Four five six. Seven eight nine.", "Seven eight nine. Ten eleven twelve.",
    ]  # fmt: skip
    assert tasks.chunk_by_sentences(documents(text), WORDS, tokens=6).texts == (
        "One two three. Four five six.", "Seven eight nine. Ten eleven twelve.",
    )  # fmt: skip


def test_structure_ends_chunks_at_headings():
    chunks = tasks.chunk_by_structure(documents(TEXT), WORDS, tokens=45)
    assert [text.split("\n")[0] for text in chunks.texts] == ["# Bears", "## Wolves"]


def test_blank_documents_make_no_chunks_and_every_column():
    chunks = tasks.chunk_by_sentences(documents(" \n\n "), WORDS)
    assert len(chunks) == 0 and {"document", "start", "end", "tokens"} <= set(chunks.metadata.columns)


def test_joined_passages_are_in_the_document_in_order():
    table = pd.DataFrame({"title": ["A", "B", "A"], "position": [1, 0, 0], "section": ["s", "", "t"]})
    joined = tasks.join_passages(Corpus(("x", "y", "z"), ("second", "other", "first"), table))
    assert joined.ids == ("A", "B") and joined.texts == ("## t\n\nfirst\n\n## s\n\nsecond", "other")
    with pytest.raises(InputError, match="no column 'title'"):
        tasks.join_passages(documents("x"))


def test_bad_sizes_and_columns_are_refused():
    for tokens, overlap in ((0, 0), (5, 5), (5, -1)):
        with pytest.raises(InputError, match="tokens"):
            tasks.chunk_by_sentences(documents("a"), WORDS, tokens=tokens, overlap=overlap)
    with pytest.raises(InputError, match="column 'start'"):
        tasks.chunk_by_sentences(Corpus(("a",), ("b",), pd.DataFrame({"start": [1]})), WORDS)


def hits(*texts):
    return [tasks.Hit(str(at), 1 / (at + 1), text, {}) for at, text in enumerate(texts)]


@given(st.lists(st.integers(1, 20), max_size=12), st.integers(1, 40))
def test_a_context_never_passes_its_budget(lengths, budget):
    context = tasks.assemble(hits(*("w " * n for n in lengths)), budget, WORDS)
    assert context.tokens == len(context.text.split()) <= budget
    assert len(context.used) + len(context.dropped) == len(lengths)
    assert all(f"[{n}] {hit.text}" in context.text for n, hit in enumerate(context.used, 1))


def test_grounding_counts_the_words_that_are_there():
    evidence = "Bears sleep through the winter and wake in spring."
    whole = tasks.assemble(hits("Nothing here.", f"So it is:\n{evidence.replace(' the ', '  the ')}"), 99, WORDS)
    assert tasks.grounded(whole, evidence) == tasks.Grounding(True, 1.0, (2,))
    cut = tasks.assemble(hits("and wake in spring.", "Bears sleep through the winter"), 99, WORDS)
    assert tasks.grounded(cut, evidence) == tasks.Grounding(True, 1.0, (1, 2))
    half = tasks.grounded(tasks.assemble(hits("Bears sleep through the winter"), 99, WORDS), evidence)
    assert not half.covered and half.share == pytest.approx(5 / 9)
    assert tasks.grounded(tasks.assemble(hits("in the and"), 99, WORDS), evidence).share == 0
    assert not tasks.grounded(tasks.assemble(hits("It weighs 15 kg."), 99, WORDS), "5").covered
    with pytest.raises(InputError, match="no words"):
        tasks.grounded(whole, " ")


class Endpoint(BaseHTTPRequestHandler):
    """Answers by the name of the model that is asked for."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["model"] == "slow":
            time.sleep(0.6)
        status = {"broken": 500}.get(asked["model"], 200)
        if self.headers.get("Authorization") != "Bearer right":
            status = 401
        said = {"choices": [{"message": {"content": f"{self.path} {asked['messages'][0]['content']} [1]"}}]}
        body = (
            (b"<html>" if asked["model"] == "page" else json.dumps(said).encode()) if status == 200 else b"out of order"
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_an_endpoint_answers(endpoint):
    context = tasks.assemble(hits("Bears sleep."), 99, WORDS)
    asked = tasks.prompt("What do bears do?", context)
    assert "[1] Bears sleep." in asked and "What do bears do?" in asked
    assert tasks.answer(asked, endpoint, "any", "right") == f"/v1/chat/completions {asked} [1]"


@pytest.mark.parametrize(
    ("model", "key", "said"),
    [
        ("any", "wrong", "refuses the key"),
        ("broken", "right", "HTTP 500: out of order"),
        ("page", "right", "no chat completion"),
        ("slow", "right", "did not answer within 0.2 s"),
    ],
)
def test_an_endpoint_that_fails_is_one_line(endpoint, model, key, said):
    with pytest.raises(ModelError, match=said) as caught:
        tasks.answer("x", endpoint, model, key, timeout_s=0.2 if model == "slow" else 5)
    assert "\n" not in str(caught.value) and key not in str(caught.value).replace("refuses the key", "")


def test_an_endpoint_that_is_down_is_one_line():
    with pytest.raises(ModelError, match="nothing answers at"):
        tasks.answer("x", "http://127.0.0.1:9", "m")
    with pytest.raises(InputError, match="no HTTP address"):
        tasks.answer("x", "localhost", "m")


def test_sizes_are_compared_at_one_budget():
    texts = [" ".join(f"Animal{i} likes food{i}{j} very much." for j in range(12)) for i in range(6)]
    table = pd.DataFrame({"evidence": [f"Animal{i} likes food{i}7 very much." for i in range(6)]})
    questions = Corpus(tuple("abcdef"), tuple(f"animal{i} food{i}7" for i in range(6)), table)
    trial = tasks.chunk_sizes(questions, documents(*texts), WORDS, (5, 60), budget=61, k=1, cache=False, progress=False)
    small, large = trial.table.to_dict("records")
    assert small["chunks"] == 72 and large["chunks"] == 6 and large["used"] == 1 and small["used"] > 5
    assert small["in_context"] == small["at_k"] == large["in_context"] == small["whole"] == 1
    assert len(trial.outcomes) == 12
    with pytest.raises(InputError, match="no column 'evidence'"):
        tasks.chunk_sizes(documents("x"), documents("y"), WORDS)
