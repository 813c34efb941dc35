"""What the templates of Wikipedia say in running text: ``{{convert|1300|mi|km}}`` is "1,300 miles"."""

import calendar
import re
from collections.abc import Callable

from workbench.corpora.formulas import UNREADABLE, subscript, superscript

__all__ = ["PRONUNCIATION", "template_text"]

PRONUNCIATION = "\ue003"
"""Stands for a pronunciation in phonetic signs, so that the words that introduce it can go with it."""

Arguments = dict[str, str]
_UNITS = {
    "mi": "mile", "km": "kilometer", "m": "meter", "ft": "feet", "in": "inches", "cm": "centimeter", "mm": "millimeter",
    "nmi": "nautical mile", "yd": "yard", "lb": "pound", "kg": "kilogram", "g": "gram", "oz": "ounce", "ton": "ton",
    "acre": "acre", "ha": "hectare", "sqmi": "square mile", "km2": "square kilometer", "m2": "square meter",
    "sqkm": "square kilometer", "sqft": "square feet", "m3": "cubic meter", "km3": "cubic kilometer", "l": "liter",
    "L": "liter", "USgal": "US gallon", "mph": "mph", "km/h": "km/h", "ft/s": "feet per second",
    "m/s": "meters per second", "C": "°C", "F": "°F", "°C": "°C", "°F": "°F", "K": "K", "C-change": "°C",
    "F-change": "°F", "oilbbl": "barrel", "koilbbl": "thousand barrels", "Moilbbl": "million barrels",
    "Goilbbl": "billion barrels", "oilbbl/d": "barrels per day", "koilbbl/d": "thousand barrels per day",
    "Moilbbl/d": "million barrels per day", "PD/sqmi": "people per square mile", "Tcuft": "trillion cubic feet",
    "MUSgal": "million US gallons", "AU": "AU", "carat": "carat", "LT": "long ton", "lbf": "pounds of force",
}  # fmt: skip
_PLURALS = {"feet", "inches", "mph", "km/h", "°C", "°F", "K", "AU", "square feet"}
_SINGULARS = {"feet": "foot", "inches": "inch", "square feet": "square foot"}
_JOINTS = {"to": " to ", "-": "–", "–": "–", "and": " and ", "or": " or ", "x": " by ", "by": " by ", "and(-)": " and "}
_MONTHS = calendar.month_name
_SYMBOLS = {
    "'s": "'s", "'": "'", "' \"": "'\"", '" \'': "\"'", '-"': '"', "mdashb": "—", "mdash": "—", "snd": " – ",
    "snds": " – ", "spaced ndash": " – ", "ndash": "–", "nbsp": " ", "spaces": " ", "thinsp": " ", "=": "=", "!": "|",
    "pipe": "|", "·": " ·", "eqm": "⇌", "carbon": "C", "hydrogen": "H", "extinct": "†", "\\": "/", "pi": "π",
}  # fmt: skip
_SHOWN_AS_FIRST = {
    "small", "smaller", "nowrap", "big", "large", "midsize", "linktext", "vr", "keypress", "vanchor", "tooltip", "flag",
    "flagcountry", "noitalic", "nobold", "ipa", "ipaslink", "nastaliq", "nq", "native phrase", "nts",
    "longitem", "center", "mvar", "math", "var", "em", "strong", "abbr", "as written", "not a typo",
}  # fmt: skip
_SHOWN_AS_LAST = {"lang", "transl", "transliteration", "script", "script/arabic", "resize", "rtl-lang", "native name"}
_UNKNOWABLE = {"coord", "inflation", "currentyear", "age", "pop density", "dentalformula", "chem2"}


def template_text(name: str, arguments: Arguments) -> str:
    """The text that a template puts into a sentence: nothing for a notice, a citation, a pronunciation, a box.

    Parameters
    ----------
    name
        Name of the template, in any case.
    arguments
        Its arguments, already rendered; positional ones under ``"1"``, ``"2"``, ...
    """
    key = name.strip().lower().replace("_", " ")
    positional = [arguments[str(i)] for i in range(1, 30) if str(i) in arguments]
    if key in _SYMBOLS:
        return _SYMBOLS[key]
    if key.startswith("formatnum:"):
        return _grouped(key.removeprefix("formatnum:").strip())
    if key == "respell" or key.startswith(("ipac-", "ipa-")):
        return PRONUNCIATION
    if key in _UNKNOWABLE:
        return UNREADABLE
    if key in _RENDERERS:
        return _RENDERERS[key](positional, arguments)
    if not positional:
        return ""
    if key in _SHOWN_AS_FIRST or key.startswith("lang-"):
        return positional[0]
    if key in _SHOWN_AS_LAST:
        return positional[-1] if key != "native name" else positional[1]
    return ""


def _grouped(number: str) -> str:
    """``3003`` as ``3,003``."""
    match = re.fullmatch(r"([-−]?)(\d{4,})(\.\d+)?", number.strip())
    return f"{match[1]}{int(match[2]):,}{match[3] or ''}" if match else number.strip()


def _convert(values: list[str], named: Arguments) -> str:
    values = [value.strip() for value in values if value.strip()]
    text, at = _grouped(values[0]), 1
    while at + 1 < len(values) and values[at] in _JOINTS:
        text += _JOINTS[values[at]] + _grouped(values[at + 1])
        at += 2
    if at >= len(values):
        return text
    unit, scale = values[at], ""
    if millions := re.match(r"e(3|6|9)", unit):
        scale = {"3": " thousand", "6": " million", "9": " billion"}[millions[1]]
        unit = unit[2:]
    word = _UNITS.get(unit, unit)
    if word in ("°C", "°F"):
        return f"{text}{scale} {word}"
    if named.get("adj", named.get("sing", "")).strip() == "on":
        return f"{text}{scale}-{_SINGULARS.get(word, word)}"
    plain = word in _PLURALS or " per " in word or word.endswith("s") or unit not in _UNITS
    whole = f"{text}{scale} {word if plain else word + 's'}"
    if unit == "ft" and at + 2 < len(values) and values[at + 2] == "in":
        whole += f" {values[at + 1]} inches"
    return whole if text != "1" or scale else f"1 {_SINGULARS.get(word, word)}"


def _chem(values: list[str], named: Arguments) -> str:
    parts = []
    for value in values:
        part = value.strip()
        if re.fullmatch(r"\d*[+−-]", part):
            parts.append(superscript(part))
        else:
            parts.append(part if re.match(r"[A-Z(\[]", part) else subscript(part))
    return "".join(parts)


def _fraction(values: list[str], named: Arguments) -> str:
    numbers = [value.strip() for value in values]
    if len(numbers) == 1:
        return f"1/{numbers[0]}"
    top = numbers[-2] if re.fullmatch(r"\w+", numbers[-2]) else f"({numbers[-2]})"
    return f"{numbers[0]} {top}/{numbers[-1]}" if len(numbers) == 3 else f"{top}/{numbers[-1]}"


def _value(values: list[str], named: Arguments) -> str:
    power = f"×10{superscript(named['e'].strip())}" if "e" in named else ""
    unit = f" {named.get('u', named.get('ul', '')).strip()}".rstrip()
    return (_grouped(values[0]) if values else "") + power + unit


def _as_of(values: list[str], named: Arguments) -> str:
    if "alt" in named:
        return named["alt"]
    year, *rest = [value.strip() for value in values]
    month = f"{_MONTHS[int(rest[0])]} " if rest and rest[0].isdigit() and 1 <= int(rest[0]) <= 12 else ""
    return f"{'as' if named.get('lc') else 'As'} of {month}{year}"


def _nihongo(values: list[str], named: Arguments) -> str:
    english, romaji = values[0], values[2] if len(values) > 2 else ""
    plain = re.sub(r"\W", "", english).casefold() == re.sub(r"\W", "", romaji).casefold()
    return english if plain or not romaji.strip() else f"{english} ({romaji})" if english.strip() else romaji


def _quotation(values: list[str], named: Arguments) -> str:
    text = named.get("text", named.get("quote", values[0] if values else "")).strip()
    bare = text.startswith(('"', "“", "'", "‘")) or not text
    return f"\n{text}\n" if bare else f"\n“{text}”\n"


def _nuclide(values: list[str], named: Arguments) -> str:
    return f"{values[0]}-{values[1]}"


_RENDERERS: dict[str, Callable[[list[str], Arguments], str]] = {
    "convert": _convert, "cvt": _convert, "chem": _chem, "frac": _fraction, "sfrac": _fraction, "fraction": _fraction,
    "val": _value, "as of": _as_of, "nihongo": _nihongo, "quote": _quotation, "bquote": _quotation,
    "cquote": _quotation, "quotation": _quotation, "blockquote": _quotation, "quote box": lambda v, n: "",
    "nuclide2": _nuclide, "simplenuclide2": _nuclide, "simplenuclide": _nuclide,
    "e": lambda v, n: f"×10{superscript(v[0].strip())}",
    "sup": lambda v, n: superscript(v[0]), "sub": lambda v, n: subscript(v[0]), "sc": lambda v, n: v[0].upper(),
    "angbr": lambda v, n: f"⟨{v[0]}⟩", "circa": lambda v, n: f"c. {v[0]}" if v else "c.",
    "uss": lambda v, n: f"USS {v[0]}", "hms": lambda v, n: f"HMS {v[0]}", "mv": lambda v, n: f"MV {v[0]}",
    "us$": lambda v, n: f"US${v[0]}", "us patent": lambda v, n: f"U.S. Patent {_grouped(v[0])}",
    "ill": lambda v, n: v[1], "bibleref": lambda v, n: f"{v[0]} {v[1]}" if len(v) > 1 else v[0],
    "music": lambda v, n: {"flat": "♭", "sharp": "♯", "natural": "♮"}.get(v[0], ""),
    "format price": lambda v, n: UNREADABLE if UNREADABLE in v[0] else _grouped(v[0]),
    "railgauge": lambda v, n: v[0].replace("mm", " mm"), "vol.": lambda v, n: f"vol. {v[0]}",
    "oldstyledate": lambda v, n: f"{v[0]}, {v[1]}" if len(v) > 1 else v[0],
    "marriage": lambda v, n: v[0],
}  # fmt: skip
