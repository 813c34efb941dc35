"""Where English sentences end: abbreviations, initials, decimals, brackets and quotations do not end one."""

import re

__all__ = ["ends_sentence", "split_sentences"]

_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)")
_CLOSED = re.compile(r"[.!?…][\"'”’)\]]*$")
_OPENER = re.compile(r"[\"'“‘(\[¿¡]*[A-Z0-9À-ÖØ-ÞΑ-ΩА-Я]")


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_NEVER = _words(
    """
    mr mrs ms dr prof gen col lt capt sgt maj adm rev hon gov sen rep st ste mt ft messrs fr e.g i.e viz cf vs v ca
    c fl approx fig figs eq ed eds vol vols pp p ch chap sec no nos op r b d trans al esp spp sp subsp var gk lat
    lit nr pron est dept univ
    """
)
_MAYBE = _words(
    """
    etc jr sr inc ltd co corp bros u.s u.k u.n u.s.a u.s.s.r d.c b.c a.d b.c.e c.e a.m p.m e.u l.a n.y ph.d m.d b.a
    m.a b.sc m.sc jan feb mar apr jun jul aug sept sep oct nov dec ave blvd rd
    """
)
_STARTERS = _words(
    """
    a about according after all also although among an and another are as at because before between both but by
    despite due during each early even every few finally first following for four from further furthermore given he
    her here his how however i if in indeed instead is it its later like many more moreover most much nearly
    nevertheless new no not of on once one only other others our over perhaps prior recently she similarly since so
    some soon such than that the their then there therefore these they this those though three through throughout
    thus to today two under unlike until upon using was we were what when where whether which while who why with
    within without you
    """
)
_LONGEST = 120  # words: beyond it, brackets and quotations no longer hold a sentence together


def ends_sentence(text: str) -> bool:
    """True where ``text`` ends with a full stop, an exclamation or question mark, and what closes it."""
    return bool(_CLOSED.search(text))


def split_sentences(paragraph: str) -> list[str]:
    """Sentences of a paragraph, in order; joined by single spaces they give the paragraph back.

    A period ends a sentence when a capital or a digit follows, unless it closes an initial ("J. S. Bach") or an
    abbreviation. After one that may end a sentence too ("U.S.", "etc."), the next word decides: it does where that is
    a common opening of English sentences. Nothing ends inside brackets or quotation marks, unless the whole would
    pass 120 words. The approach is that of Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary Detection"
    (2006), with fixed word lists.

    Parameters
    ----------
    paragraph
        Plain text; white space is taken as single spaces.
    """
    text = " ".join(paragraph.split())
    return [piece for whole in _split(text, guarded=True) for piece in _shortened(whole)]


def _shortened(sentence: str) -> list[str]:
    return _split(sentence, guarded=False) if len(sentence.split()) > _LONGEST else [sentence]


def _split(text: str, *, guarded: bool) -> list[str]:
    sentences, start = [], 0
    for end in _END.finditer(text):
        if _is_end(text, start, end) and not (guarded and _is_open(text[start : end.end()])):
            sentences.append(text[start : end.end()])
            start = end.end() + 1
    if start < len(text):
        sentences.append(text[start:])
    return sentences


def _is_end(text: str, start: int, end: re.Match[str]) -> bool:
    """Whether the punctuation at ``end`` closes the sentence that began at ``start``."""
    after = text[end.end() + 1 :]
    if not _OPENER.match(after):
        return False
    if end[0][0] != "." or len(end[0]) > 1:
        return True  # "!", "?", or a period inside closing quotes or brackets
    raw = text[start : end.start()].rsplit(" ", 1)[-1].lstrip("\"'“‘([")
    word = raw.casefold()
    following = re.match(r"[\"'“‘(\[]*([\w']+)", after)
    starts = following is not None and following[1].casefold() in _STARTERS and after[following.end() :][:1] != "."
    if word in _MAYBE or re.fullmatch(r"(\w\.)+\w", word) or (re.fullmatch(r"[^\W\d_]", raw) and raw.isupper()):
        return starts  # a single capital is an initial, unless a usual opening follows ("vitamin C. The ...")
    if word in _NEVER:
        return word == "no" and not re.match(r"\d", after)
    return True


def _is_open(sentence: str) -> bool:
    """Whether brackets or quotation marks are still open at the end of ``sentence``."""
    return (
        sentence.count("(") > sentence.count(")")
        or sentence.count("[") > sentence.count("]")
        or sentence.count("“") > sentence.count("”")
        or sentence.count('"') % 2 == 1
    )
