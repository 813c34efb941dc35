"""Text from anywhere into HTML: data stays text, and a writer may still stress a word."""

import html
import re
import unicodedata

__all__ = ["emphasis", "escape", "plain", "shorten"]

_STRESSES = (
    (re.compile(r"`([^`\n]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"<em>\1</em>"),
)
_TEX = re.compile(r"[$\\]")
_CODE = re.compile(r"(<code>.*?</code>)")


def plain(value: object) -> str:
    """A value as text without control characters; line breaks and tabs stay."""
    return "".join(c for c in str(value) if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


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
    text = " ".join(plain(value).split())
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    spaced = cut.rsplit(" ", 1)[0]
    return (spaced if len(spaced) > length // 2 else cut).rstrip(" ,;:.") + "…"
