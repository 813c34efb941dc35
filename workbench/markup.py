"""Text from anywhere into HTML: data stays text, and a writer may still stress a word."""

import html
import re

__all__ = ["emphasis", "escape", "plain", "shorten"]

_STRESSES = (
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<em>\1</em>"),
)
# Categories Cc and Cs, but for the line break and the tab: https://www.unicode.org/reports/tr44/#General_Category_Values
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TEX = re.compile(r"[$\\]")
_CODE = re.compile(r"(<code>.*?</code>)")


def plain(value: object) -> str:
    """A value as text without control characters; line breaks and tabs stay."""
    return _CONTROL.sub("", str(value))


def escape(value: object) -> str:
    r"""A value as HTML content (not for an attribute) that shows exactly that text: no tag, no entity, no TeX.

    ``$`` and a backslash are put into an element of their own: MathJax joins no delimiters across elements, so
    ``$x$`` and ``\(x\)`` stay what they are.
    """
    return _TEX.sub(r"<span>\g<0></span>", html.escape(plain(value), quote=True))


def emphasis(text: str) -> str:
    r"""Escaped HTML in which ``**strong**``, ``*stressed*``, ```code``` and blank lines mean what they look like.

    Escaping comes first, so nothing in ``text`` can become another tag.
    """
    paragraphs = []
    for block in re.split(r"\n\s*\n", text.strip()):
        pattern, replacement = _STRESSES[0]
        parts = _CODE.split(pattern.sub(replacement, escape(block)))
        for pattern, replacement in _STRESSES[1:]:
            parts = [part if part.startswith("<code>") else pattern.sub(replacement, part) for part in parts]
        paragraphs.append("<p>" + "".join(parts).replace("\n", "<br>") + "</p>")
    return "".join(paragraphs)


def shorten(value: object, length: int) -> str:
    """Text on one line, cut at a word with an ellipsis so that it has at most ``length`` characters."""
    whole = str(value)
    window = 2 * length  # of a long text only the beginning is cleaned; more of it where that was mostly blank
    while len(line := " ".join(plain(whole[:window]).split())) <= length:
        if window >= len(whole):
            return line
        window *= 2
    cut = line[: length - 1]
    spaced = cut.rsplit(" ", 1)[0]
    return (spaced if len(spaced) > length // 2 else cut).rstrip(" ,;:.") + "…"
