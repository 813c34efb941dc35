"""Wiki markup becomes prose: what a person reads stays, what only a page shows goes."""

import pytest

from workbench.corpora.formulas import UNREADABLE, unicode_formula
from workbench.corpora.wikitext import Section, sections


def prose(markup: str) -> str:
    """All paragraphs of all sections, parted by line ends."""
    return "\n".join(paragraph for section in sections(markup) for paragraph in section.paragraphs)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("'''Bold''' and ''italic'' [[cat]]s like [[Fish (food)|fish]].", "Bold and italic cats like fish."),
        ("A fact.<ref name=x>{{cite web|url=http://a.b/c}}</ref> More<ref name=x/> of it.", "A fact. More of it."),
        ("Seen<!-- not\nthis --> twice &amp; often&nbsp;enough.", "Seen twice & often enough."),
        ("[[File:Cat.jpg|thumb|A [[cat]].]]Text goes on.\n[[Category:Cats]]\n[[fr:Chat]]", "Text goes on."),
        ("{{Infobox cat|name=Tom|legs=4}}\nTom is a cat.", "Tom is a cat."),
        ("Before it.\n{| class=wikitable\n|-\n| a cell || another\n|}\nAfter it.", "Before it.\nAfter it."),
        ("Before.\n<gallery>\nFile:A.jpg|Caption.\n</gallery>\nAfter.", "Before.\nAfter."),
        ("A [http://a.b link] and a bare one [http://a.b].", "A link and a bare one."),
        ("At {{convert|1300|mi|km}}, or {{convert|5|to|7|km|mi|abbr=on}}.", "At 1,300 miles, or 5 to 7 kilometers."),
        ("A {{convert|12|ft|m|adj=on}} wall at {{convert|-5|C|F}}.", "A 12-foot wall at -5 °C."),
        ("One {{convert|1|mi|km}} of {{convert|2.5|e6acre|km2}}.", "One 1 mile of 2.5 million acres."),
        ("Water is H<sub>2</sub>O and x<sup>2</sup> or {{chem|CO|3|2-}}.", "Water is H₂O and x² or CO₃²⁻."),
        ("'''Albedo''' ({{IPAc-en|æ|l}}) is light.", "Albedo is light."),
        ("'''Asphalt''' (occasionally {{IPA-en|x}}) is black.", "Asphalt is black."),
        ("'''Tom''' (pronounced {{IPA-fr|x|lang}}; born 1947) sings.", "Tom (born 1947) sings."),
        ("'''X''' ({{lang-az|Azərbaycan}} {{IPA-tu|x}}) is a land.", "X (Azərbaycan) is a land."),
        ("Built ({{coord|1|N|2|E}}) in 1900.", "Built in 1900."),
        ("From {{lang|grc|ἀναρχία}}, meaning rule.", "From ἀναρχία, meaning rule."),
        ("{{as of|2014|lc=y}}, and {{As of|2010|5}} it held.", "as of 2014, and As of May 2010 it held."),
        ("He won.{{citation needed|date=May 2015}} Then lost.", "He won. Then lost."),
        ("If <math>x_1 \\le \\alpha^2</math> holds, stop.", "If x₁ ≤ α² holds, stop."),
        ("Keep this. Drop <math>\\matrix{a & b}</math> this. And keep.", "Keep this. And keep."),
        ("A short line\n\nThis line is long enough to be kept as one sentence", None),
        ("This line is\nwrapped by hand.", "This line is wrapped by hand."),
        ("They are:\n* one\n* two\n* three", "They are: one; two; three."),
        (
            "They are:\n* One is a sentence here.\n* Two is one too.",
            "They are: One is a sentence here.\nTwo is one too.",
        ),
        ("; Term\n: what it means", "Term: what it means."),
        ("The formula is:\n\n{| \n| x\n|}\nIt is good.", "It is good."),
        ("He wrote:\n{{quote|I am. I was.}}\nThen he left.", "He wrote: “I am. I was.”\nThen he left."),
        ("Perry O. Hooper, [[Sr.]].", "Perry O. Hooper, Sr."),
        ("Code <code>a &lt; b</code> and <nowiki>[[x]]</nowiki> stay.", "Code a < b and x stay."),
        ("", ""),
    ],
    ids=lambda v: None if v is None else v[:28],
)
def test_markup_as_prose(markup: str, expected: str | None) -> None:
    if expected is None:
        expected = "This line is long enough to be kept as one sentence."
    assert prose(markup) == expected


def test_headings_become_paths_and_sources_are_left_out() -> None:
    markup = (
        "Lead text.\n== History ==\nOld text.\n=== [[Antiquity]] ===\nOlder text.\n== See also ==\n* [[Dogs]] bark.\n"
        "=== More ===\nHidden text.\n== Empty ==\n{{x}}\n== Uses ==\nNew text.\n== References ==\n{{reflist}}\nNo text."
    )
    assert sections(markup) == [
        Section("Introduction", ("Lead text.",)),
        Section("History", ("Old text.",)),
        Section("History > Antiquity", ("Older text.",)),
        Section("Uses", ("New text.",)),
    ]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"a_1,\ldots,a_n", "a₁,…,aₙ"),
        (r"\frac{1}{2}", "1/2"),
        (r"\frac{(3+5)}{2} = 4", "(3+5)/2 = 4"),
        (r"\frac{x+1}{\beta}", "(x+1)/β"),
        (r"E = mc^2", "E = mc²"),
        (r"~|\alpha\rangle~", "|α⟩"),
        (r"x_{n-1} + e^{i}", "xₙ₋₁ + eⁱ"),
        (r"T_{mnk}", "Tₘₙₖ"),
        (r"b \in \{1,2\}", "b ∈ {1,2}"),
        (r"\sqrt{2\pi}", UNREADABLE),
        (r"\begin{matrix} a \end{matrix}", UNREADABLE),
    ],
)
def test_formulas(latex: str, expected: str) -> None:
    assert unicode_formula(latex) == expected
