"""Filter and search, and the budget of a prompt, under a person's hands; hostile text stays text."""

import json

import pytest

from tests.browser.lab import write_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = """
import tempfile
import pandas as pd
from workbench import corpora, embed, tasks, vectordb, view
help_center, encoder = corpora.benchmark("help-center").corpus.take(range(60)), embed.SentenceEncoder()
vectors = embed.embed(help_center, encoder, progress=False)
folder = tempfile.TemporaryDirectory()
collection = vectordb.Collection.from_corpus(f"{folder.name}/c", help_center, vectors, progress=False)
"""
SEARCH = (
    'bench = view.SearchBench(collection, encoder, fields=("source", "audience"), query="reset my password")\nbench'
)
RAG = """
texts = ["Where do I sign in again?", "<img src=x onerror='window.hacked = 1'> $x^2$?"]
questions = corpora.load("help-center").take([0, 1])
questions = type(questions)(("a", "b"), texts, pd.DataFrame({"evidence": [one[:60] for one in questions.texts]}))
rag = view.RagBench(questions, tasks.SemanticIndex(help_center, vectors, encoder), encoder, budget=64)
rag
"""
HOSTILE = "<img src=x onerror=\"window.hacked = 'query'\"> $x$ refund"


def python(notebook, expression: str):
    """Value of a Python expression in the notebook's kernel."""
    return json.loads(notebook.run_cell(f"import json; print(json.dumps({expression}))"))


def test_a_person_filters_and_searches_and_moves_the_budget(lab, tmp_path) -> None:
    notebook = lab.open(write_notebook(tmp_path / "rag.ipynb", [SETUP, SEARCH, RAG]))
    notebook.run_all()
    page = notebook.page
    lists, status = page.locator("ol.wb-search"), page.locator("[role=status]").first
    lists.first.wait_for(state="visible", timeout=30_000)
    notebook.wait_until(lambda: lists.count() == 3, "a list of each way to search")
    assert "No filter" in status.inner_text() and "60 passages pass" in status.inner_text()

    page.locator(".widget-dropdown select").first.focus()
    for key in ("ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    notebook.wait_until(lambda: "Filter: source is" in status.inner_text(), "the filter's read-out")
    source = python(notebook, "bench.where['source']")
    shown = lists.first.locator("li").all_inner_texts()
    assert shown and all(source in line for line in shown)
    assert python(notebook, "collection.count(bench.where)") < 60

    field = page.locator(".widget-text input").first
    field.fill("update the card that I pay with")
    field.press("Enter")
    ids = "[[hit.id for hit in some] for some in bench.hits.values()]"
    notebook.wait_until(lambda: python(notebook, "bench.query.value").startswith("update"), "the query in Python")
    assert all(hit in python(notebook, "list(help_center.ids)") for some in python(notebook, ids) for hit in some)
    titles = python(notebook, "[hit.metadata['title'] for hit in bench.hits['dense']]")
    notebook.wait_until(lambda: titles[0][:40] in lists.first.inner_text(), "the new list")
    notebook.shot("search-bench")
    field.fill(HOSTILE)
    field.press("Enter")
    notebook.wait_until(lambda: python(notebook, "bench.query.value").startswith("<img"), "the hostile query")

    handle = page.locator(".widget-hslider .noUi-handle").first
    before = python(notebook, "len(rag.context.used)")
    handle.scroll_into_view_if_needed()
    handle.focus()  # after the kernel was asked, which takes the focus
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    notebook.wait_until(lambda: "of 512 tokens" in page.locator("[role=status]").last.inner_text(), "the new budget")
    assert python(notebook, "len(rag.context.used)") > before
    assert python(notebook, "rag.context.tokens") <= 512
    page.locator(".widget-dropdown select").last.select_option(index=1)
    prompt = page.locator(".wb-prompt")
    notebook.wait_until(lambda: "Question: <img src=x onerror=" in prompt.inner_text(), "the hostile question as text")
    page.wait_for_timeout(500)
    notebook.shot("rag-bench")
    assert page.evaluate("() => window.hacked") is None
    assert page.locator(".jp-OutputArea img, mjx-container, .MathJax").count() == 0
    assert notebook.run_cell("view.check()") == ""
    notebook.check()
