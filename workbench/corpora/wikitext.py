"""Wiki markup to prose that a person enjoys reading: the sections of an article as clean paragraphs."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import mwparserfromhell
from mwparserfromhell.nodes import ExternalLink, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode

from workbench.corpora.formulas import UNREADABLE, subscript, superscript, unicode_formula
from workbench.corpora.sentences import ends_sentence
from workbench.corpora.wiki_templates import PRONUNCIATION, template_text

__all__ = ["Section", "sections"]

_ITEM = "\ue001"  # a line that was an item of a list
_TERM = "\ue002"  # a line that names what the next item defines
_LEFT_OUT = re.compile(
    r"see also|references?|external links?|further reading|(foot|end)?notes?( and references)?|bibliography|sources?"
    r"|citations?|works cited|gallery|notes and references|references and notes|image gallery|publications"
    r"|reference literature|selected (works|publications|bibliography)|books|filmography|(complete )?discography",
    re.IGNORECASE,
)
_FILE_LINK = re.compile(r"\s*:?(file|image|category|media|[a-z]{2,3}(-[a-z]+)?)\s*:", re.IGNORECASE)
_DROPPED_TAGS = {
    "ref", "references", "table", "gallery", "timeline", "imagemap", "score", "source", "syntaxhighlight", "pre", "hr",
    "hiero", "graph", "templatedata", "s", "del", "strike",
}  # fmt: skip
_STRAY = r"</?(br|small|su[bp]|ref|center|div|span|nowiki|[ib])\b[^<>]*>|\[\[|\]\]|\{\{+|\}\}+|'{2,}|__[A-Z]+__"


@dataclass(frozen=True)
class Section:
    """A section of an article: its heading path (``"History > Antiquity"``) and its paragraphs, in order."""

    heading: str
    paragraphs: tuple[str, ...]


def sections(markup: str) -> list[Section]:
    """Clean sections of an article, without those that are lists of sources or links.

    Parameters
    ----------
    markup
        Wiki markup of one article.

    Returns
    -------
    list of Section
        Those with text in them. The text before the first heading is headed ``"Introduction"``. Every paragraph ends
        at a sentence end.
    """
    markup = re.sub(r"<!--.*?-->", "", markup, flags=re.DOTALL)
    markup = re.sub(r"<ref\b[^<>]*/>|<ref\b[^<>]*>.*?</ref\s*>", "", markup, flags=re.DOTALL | re.IGNORECASE)
    pieces = re.split(r"^(={2,6})\s*(.+?)\s*\1\s*$", markup, flags=re.MULTILINE)
    found = [Section("Introduction", tuple(_paragraphs(pieces[0])))]
    path: list[tuple[int, str]] = []
    for marks, heading, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        level = len(marks)
        path = [(depth, title) for depth, title in path if depth < level]
        path.append((level, _tidy(_render(mwparserfromhell.parse(heading)))))
        if not any(_LEFT_OUT.fullmatch(title) for _, title in path):
            found.append(Section(" > ".join(title for _, title in path), tuple(_paragraphs(body))))
    return [section for section in found if section.paragraphs]


def _render(code: Wikicode | None) -> str:
    """Text of parsed markup; items of lists are marked, what has no plain form is UNREADABLE."""
    return "".join(_render_node(node) for node in code.nodes) if code is not None else ""


def _render_node(node: Node) -> str:
    if isinstance(node, Text):
        return str(node.value)
    if isinstance(node, Wikilink):
        return "" if _FILE_LINK.match(str(node.title)) else _link_text(node)
    if isinstance(node, ExternalLink):
        return _render(node.title)
    if isinstance(node, HTMLEntity):
        return html.unescape(str(node)).replace("\xa0", " ")
    if isinstance(node, Template):
        arguments = {str(p.name).strip(): _render(p.value) for p in node.params}
        return template_text(_render(node.name), arguments)
    return _render_tag(node) if isinstance(node, Tag) else ""


def _link_text(link: Wikilink) -> str:
    text = _render(link.text) if link.text is not None else str(link.title).lstrip(":")
    return re.sub(r"^[^|]*\|", "", text)


def _render_tag(tag: Tag) -> str:
    name = str(tag.tag).strip().lower()
    if name in _DROPPED_TAGS:
        return "\n" if name in ("table", "gallery", "source", "syntaxhighlight", "pre", "hr") else ""
    if name in ("li", "dd", "dt") and tag.wiki_markup:
        return _TERM if name == "dt" else _ITEM
    if name == "math":
        return unicode_formula(str(tag.contents))
    if name == "br":
        return " "
    inner = _render(tag.contents)
    if name == "sub":
        return subscript(inner.strip())
    if name == "sup":
        return superscript(inner.strip())
    if name == "blockquote":
        return template_text("quote", {"1": inner})
    if name == "poem":
        return " / ".join(line.strip() for line in inner.strip().splitlines())
    return f"\n{_ITEM}{inner}\n" if name == "li" else inner


def _paragraphs(markup: str) -> list[str]:
    """Paragraphs of one section's markup, each ending at a sentence end; fragments are dropped."""
    found: list[str] = []
    items: list[str] = []
    lead = term = ""
    for kind, line in _lines(_render(mwparserfromhell.parse(markup))):
        if kind == _TERM:
            term = line.rstrip(":")
        elif kind == _ITEM:
            items.append(f"{term}: {line}" if term else line)
            term = ""
        elif lead and not items and line.startswith(("“", '"')) and ends_sentence(line):
            found.append(f"{lead} {line}")  # what someone said stays with "She wrote:"
            lead = ""
        else:
            found.extend(_joined(lead, items))
            lead, items = (line, []) if line.endswith((":", "e.g.", "i.e.")) else ("", [])
            if not lead and (ends_sentence(line) or len(line.split()) >= 9):
                found.append(line if ends_sentence(line) else line.rstrip(",;–- ") + ".")
    found.extend(_joined(lead, items))
    return [text for text in map(_readable, found) if text]


def _lines(rendered: str) -> Iterator[tuple[str, str]]:
    """Kind (``_ITEM``, ``_TERM`` or nothing) and tidy text of each paragraph, item or term.

    Lines that are not parted by an empty one are one paragraph, as in wiki markup, where the first is unfinished.
    """
    open_line = ""
    for raw in rendered.splitlines():
        marks = raw.lstrip()[:3]
        kind = _TERM if _TERM in marks else _ITEM if _ITEM in marks else ""
        line = _tidy(raw.replace(_ITEM, "").replace(_TERM, ""))
        if open_line and (kind or not line or line.startswith(("“", "|"))):
            yield "", open_line
            open_line = ""
        if not line or line.startswith(("|", "{|", "!")):
            continue
        if kind:
            yield kind, line
            continue
        open_line = f"{open_line} {line}".strip()
        if ends_sentence(open_line) or open_line.endswith(":"):
            yield "", open_line
            open_line = ""
    if open_line:
        yield "", open_line


def _joined(lead: str, items: list[str]) -> list[str]:
    """A lead-in and its items as paragraphs: sentences stay sentences, fragments are joined by semicolons."""
    if not items:
        cut = max((lead.rfind(end) for end in (". ", "! ", "? ", '." ')), default=-1)
        return [lead[: cut + 1]] if cut > 0 else []
    paragraphs: list[str] = []
    run = lead
    for item in items:
        if ends_sentence(item) and len(item.split()) > 3:
            if run:
                paragraphs.append(run + ("" if run.endswith(":") else "."))
            paragraphs.append(item)
            run = ""
        else:
            item = item.rstrip(":,;. ")
            glue = "" if not run else " " if run.endswith(":") else "; "
            run += glue + item
            if len(run.split()) > 50:
                paragraphs.append(run + ".")
                run = ""
    if run:
        paragraphs.append(run.rstrip(":;, ") + ".")
    if lead and paragraphs[0] == lead and len(paragraphs) > 1:  # a lead-in stays with the first thing it leads to
        paragraphs[:2] = [f"{lead} {paragraphs[1]}"]
    return paragraphs


def _tidy(line: str) -> str:
    """One line without leftovers: stray markup, pronunciations, empty brackets, space before punctuation."""
    line = re.sub(_STRAY, "", html.unescape(line), flags=re.IGNORECASE)
    line = re.sub("[\u200b\u200e\u200f\ufeff]", "", line.replace("\xa0", " "))
    line = re.sub(rf"\([^()]*{UNREADABLE}[^()]*\)", "", line)
    line = re.sub(rf"\(([^()]*{PRONUNCIATION}[^()]*)\)", _without_pronunciation, line)
    line = re.sub(rf"(?:\bpronounced\s+)?{PRONUNCIATION}", "", line)
    for _ in range(3):
        line = re.sub(r"([(\[])\s*(?:[,;:/·]|\bor\b|\band\b|[–-](?=\s))+\s*", r"\1", line)
        line = re.sub(r"\s*[,;:/·]+\s*([)\]])", r"\1", line)
        line = re.sub(r"([,;])(\s*[,;])+", r"\1", line)
        line = re.sub(r"\(\s*\)|\[\s*\]|\"\s*\"", "", line)
    line = re.sub(r"\s+([,;:.!?)\]])(?=\s|$|[)\"”'])", r"\1", line)
    line = re.sub(r"([(\[])\s+", r"\1", line)
    line = re.sub(r",(?=\.)", "", line)
    line = re.sub(r"(?<=\w)\.\.(?=\s|$)", ".", line)
    return re.sub(r"\s+", " ", line).strip().lstrip(",;: ")


def _without_pronunciation(brackets: re.Match[str]) -> str:
    """``(UK: ..., US: ...; born 1947)`` as ``(born 1947)``: what only introduces a pronunciation goes with it."""
    parts = re.split(r"(?<=[;,])", brackets[1])
    introduces = re.compile(rf"[a-zA-Z:/. {PRONUNCIATION}]*[;,]?")
    kept = [part for part in parts if PRONUNCIATION not in part or not introduces.fullmatch(part.strip())]
    return f"({''.join(kept).replace(PRONUNCIATION, '').strip(' ,;')})"


def _readable(paragraph: str) -> str:
    """The paragraph without sentences that hold something unreadable, or nothing where no letters are left."""
    if UNREADABLE in paragraph:
        kept = [s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"“(])", paragraph) if UNREADABLE not in s]
        paragraph = " ".join(kept)
    return paragraph if re.search(r"[A-Za-z]{2}", paragraph) and ends_sentence(paragraph) else ""
