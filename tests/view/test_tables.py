"""Tables show text as text."""

import pandas as pd

from workbench.view import table


def test_text_is_escaped_and_numbers_are_rounded():
    frame = pd.DataFrame(
        {
            "<b>name": ["<script>alert(1)</script>", "$x$", "שלום"],
            "score": [0.12345, float("nan"), 1],
            "n": [1, 2000, 3],
        }
    )
    html = table(frame, decimals=3)._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;name" in html
    assert "$x$" not in html, "dollars must not meet, or MathJax reads them"
    assert ">0.123<" in html
    assert ">2,000<" in html
    assert "nan" not in html
    assert 'dir="auto"' in html


def test_a_long_table_shows_how_it_begins_and_keeps_all_rows():
    long = table(pd.DataFrame({"n": range(150), "text": [f"row<{i}>" for i in range(150)]}))
    assert len(long.frame) == 150
    for shown in (long._repr_html_(), repr(long)):
        assert "99" in shown
        assert "149" not in shown
        assert "50 more rows" in shown
    assert "more rows" not in repr(table(long.frame.head(100)))


def test_missing_values_are_blank_and_plain_text_is_there():
    shown = table(pd.DataFrame({"a": ["x"]}))
    assert "x" in repr(shown)
    missing = table(pd.DataFrame({"a": ["x", None], "b": pd.array([1, None], dtype="Int64")}))._repr_html_()
    assert "None" not in missing
    assert "NA" not in missing
