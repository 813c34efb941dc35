"""Docstrings as prose: the summary and the description, without markup, examples and tables of parameters."""

import re

__all__ = ["docstring_prose"]

_SECTION = re.compile(
    r"^\s*(?:(?P<name>[A-Z][\w ]+)\n\s*[-=~^*]{3,}\s*$"  # numpydoc: a title, underlined
    r"|(?:Args|Arguments|Returns?|Yields?|Raises|Parameters|Examples?|Attributes|Notes?|References|See Also|Keyword"
    r" args|Warning|Todo|Shape)\s*:{1,2}\s*$"  # Google style
    r"|:(?:param|type|return|rtype|raises)\b"  # reStructuredText fields
    r"|@(?:param|return)\b)",
    re.MULTILINE,
)
_ROLE = re.compile(r":(?:[a-z]+:)?[a-z]+:`(?P<short>~?)(?P<name>[^`<>]+?)\s*(?:<[^`]*>)?`")
_DIRECTIVE = re.compile(r"^\s*\.\. .*(?:\n(?:[ \t]+\S.*|[ \t]*(?=\n[ \t]+\S)))*", re.MULTILINE)
_EXAMPLE = re.compile(r"^\s*(?:>>>|\.\.\.|In \[\d+\]:).*(?:\n[ \t]*\S.*)*", re.MULTILINE)
_MOST_WORDS = 150


def docstring_prose(docstring: str) -> str:
    """What a docstring says in words, paragraphs parted by line ends.

    Whole paragraphs and points of lists are kept up to 150 words; the first is cut to so many.

    Parameters
    ----------
    docstring
        As written, in reStructuredText, numpydoc or Google style, without its common indentation.
    """
    text = docstring.replace("\r\n", "\n")
    if section := _SECTION.search(text):
        text = text[: section.start()]
    for pattern in (_DIRECTIVE, _EXAMPLE):
        text = pattern.sub("", text)
    text = _ROLE.sub(lambda m: m["name"].rsplit(".", 1)[-1] if m["short"] else m["name"].lstrip("."), text)
    text = re.sub(r"`([^`<]+?)\s*<[^`>]*>`_{1,2}", r"\1", text)
    text = re.sub(r"\s?\[[A-Za-z0-9_]+\]_|\|(\w+)\|", "", text)
    text = re.sub(r"``?([^`]+)``?_{0,2}", r"\1", text)
    text = re.sub(r"\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])", lambda m: m[1] or m[2], text)
    text = text.replace("::", ":")
    kept: list[str] = []
    left = _MOST_WORDS
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[*-]|\d+[.)])\s)", text):  # points of a list stay on their lines
        words = re.sub(r"^[=~^*#-]{3,}$", "", paragraph.strip(), flags=re.MULTILINE).split()
        if kept and len(words) > left:
            break
        if words:
            kept.append(" ".join(words[:left]))
            left -= len(words)
    return "\n".join(kept)
