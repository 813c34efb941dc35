"""The page of a sweep: it needs no network, holds every point, and shows text as text."""

import json
import re

import pytest

from tests.tiny_sweep import HOSTILE, tiny_sweep
from workbench import ann
from workbench.errors import StorageError
from workbench.markup import escape
from workbench.view import write_sweep_report


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    result = tiny_sweep(folder, hostile=True)
    advice = ann.advise(result, recall=0.95)
    return result, advice, write_sweep_report(result, advice, folder / "report.html").read_text(encoding="utf-8")


def own(page):
    """The page without plotly's own script."""
    scripts = re.findall(r"<script>.*?</script>", page, flags=re.DOTALL)
    return page.replace(max(scripts, key=len), "")


def test_it_holds_the_recommendation_every_point_and_what_was_not_tested(written):
    result, advice, page = written
    body = own(page)
    assert str(advice.recommended["index"]) in body and f"{result.n:,} × {result.d}" in body
    rows = re.findall(r'<tr class="([^"]*)">(.*?)</tr>', body)
    assert len(rows) == len(result.points)
    assert sum("front" in kind for kind, _ in rows) == result.points["front"].sum()
    assert next(cells for kind, cells in rows if "best" in kind).startswith(
        f'<td dir="auto">{escape(advice.recommended["index"])}'
    )
    for reason in result.untested["reason"]:
        assert escape(reason) in body
    for name in ("cpu", "faiss", "seed", "fingerprint of the vectors"):
        assert f"<dt>{name}</dt>" in body
    assert "import faiss" in body and "had not ended" not in body


def test_it_asks_nothing_of_a_network_and_shows_text_as_text(written):
    _, _, page = written
    body = own(page)
    assert "default-src 'none'" in body and not re.search(r'(src|href)="(?!data:)', body)
    assert "<img" not in body and HOSTILE not in body and escape(HOSTILE) in body
    assert body.count("<script") == 2 and body.count("</script>") == 2


def test_a_recommended_index_of_markup_stays_text(tmp_path):
    result = tiny_sweep(tmp_path, hostile=True)
    result.points["index"] = [f"{index} {HOSTILE}" for index in result.points["index"]]
    for kept in (tmp_path / "misses").iterdir():
        kept.unlink()
    advice = ann.advise(result, recall=0.95, build_s=1.0)
    assert HOSTILE in advice.recommended["index"] and advice.relaxing["buys"].str.contains("<img", regex=False).any()
    body = own(
        write_sweep_report(result, advice, tmp_path / "a.html", code=f"x = {HOSTILE}").read_text(encoding="utf-8")
    )
    assert "<img" not in body and HOSTILE not in body and f"<pre>{escape(f'x = {HOSTILE}')}</pre>" in body
    assert body.count("<script") == 2 and body.count("</script>") == 2
    lead = re.search(r'<p class="lead"[^>]*>(.*?)</p>', body)[1]
    assert escape(HOSTILE) in lead
    bought = re.search(r"<th>buys</th>.*?</table>", body, flags=re.DOTALL)[0]
    assert escape(HOSTILE) in bought


def test_its_figures_are_drawn_from_data_that_is_json(written):
    result, _, page = written
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.DOTALL)[1])
    assert set(data["fronts"]) == {"p50_us", "p95_us", "p99_us", "qps", "distances", "memory_bytes", "build_s"}
    named = [name for trace in data["fronts"]["memory_bytes"]["data"] for name in trace.get("customdata", [])]
    assert sorted(named) == sorted(result.points["point"])


def test_what_is_missed_is_drawn_by_cause_where_it_is_known(tmp_path):
    result = tiny_sweep(tmp_path)
    advice = ann.advise(result, recall=0.95)
    path = write_sweep_report(result, advice, tmp_path / "a.html")
    page = own(path.read_text(encoding="utf-8"))
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, flags=re.DOTALL)[1])
    assert "What is missed, and why" in page and advice.knob == "nprobe"
    misses = result.front.query("recall < 1")
    assert data["causes"]["layout"]["yaxis"]["ticktext"] == misses["index"].tolist()
    for kept in (tmp_path / "misses").iterdir():
        kept.unlink()
    page = own(write_sweep_report(result, advice, tmp_path / "b.html").read_text(encoding="utf-8"))
    assert "What is missed, and why" not in page and '"causes":null' in page


def test_own_code_nothing_to_recommend_and_a_sweep_that_had_not_ended(tmp_path):
    result = tiny_sweep(tmp_path, finished=False)
    nothing = ann.advise(result, recall=0.99, memory=1000)
    assert nothing.recommended is None
    page = own(write_sweep_report(result, nothing, tmp_path / "a.html").read_text(encoding="utf-8"))
    assert "had not ended" in page and "<h2>Code</h2>" not in page and "Nothing that was timed" in page
    page = write_sweep_report(result, nothing, tmp_path / "b.html", code="x = '<b>'").read_text(encoding="utf-8")
    assert "x = &#x27;&lt;b&gt;&#x27;" in page
    with pytest.raises(StorageError):
        write_sweep_report(result, nothing, tmp_path / "nowhere" / "c.html")
