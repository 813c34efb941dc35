"""Short LaTeX formulas as plain Unicode text: alpha as a letter, a fraction as a/b, an index as a subscript."""

import re

__all__ = ["UNREADABLE", "subscript", "superscript", "unicode_formula"]

UNREADABLE = "\ue000"
"""Stands for a formula (or a value) that has no readable plain form; sentences that hold it are dropped."""

_SYMBOLS = {
    "ldots": "…", "dotsc": "…", "dots": "…", "dotsb": "⋯", "cdots": "⋯", "cdot": "·", "times": "×", "pm": "±",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "~", "thicksim": "~",
    "to": "→", "rightarrow": "→", "leftrightarrow": "↔", "mapsto": "↦", "neg": "¬", "in": "∈", "infty": "∞", "sum": "∑",
    "prod": "∏", "int": "∫", "rangle": "⟩", "langle": "⟨", "partial": "∂", "degree": "°", "quad": " ",
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "theta": "θ",
    "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω", "Delta": "Δ", "Sigma": "Σ", "Omega": "Ω",
    "sin": "sin", "cos": "cos", "tan": "tan", "exp": "exp", "log": "log", "ln": "ln", "arcsin": "arcsin", "max": "max",
    "min": "min", "left": "", "right": "", "rm": "", "textstyle": "", "displaystyle": "",
}  # fmt: skip
_RAISED = dict(zip("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWERED = dict(zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_BRACED = r"\{([^{}\\]*)\}"


def superscript(text: str) -> str:
    """``text`` raised, in Unicode superscripts where all of it has them, else after a caret."""
    return _shift(text, _RAISED, "^")


def subscript(text: str) -> str:
    """``text`` lowered, in Unicode subscripts where all of it has them, else after an underscore."""
    return _shift(text, _LOWERED, "_")


def unicode_formula(latex: str) -> str:
    """A LaTeX formula as plain text, or UNREADABLE where it is too rich for one line.

    Parameters
    ----------
    latex
        What stands between ``<math>`` and ``</math>``.
    """
    text = re.sub(r"\\[,;!: ]|~", " ", latex)
    text = re.sub(r"\\([{}|])", lambda m: {"{": "❴", "}": "❵", "|": "|"}[m[1]], text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: _SYMBOLS.get(m[1], m[0]), text)
    for _ in range(6):  # innermost braces first; real formulas nest less deeply
        before = text
        text = re.sub(r"\\(?:text|mbox|mathrm|mathbf)\s*" + _BRACED, r"\1", text)
        text = re.sub(r"\\bar\s*" + _BRACED, lambda m: m[1] + "̄" if len(m[1]) == 1 else m[0], text)
        text = re.sub(r"\\[td]?frac\s*" + _BRACED * 2, lambda m: f"{_term(m[1])}/{_term(m[2])}", text)
        text = re.sub(r"\^" + _BRACED, lambda m: superscript(m[1].strip()), text)
        text = re.sub(r"_" + _BRACED, lambda m: subscript(m[1].strip()), text)
        text = re.sub(r"(?<![A-Za-z_^])" + _BRACED, r"\1", text)
        if text == before:
            break
    text = re.sub(r"\^([0-9A-Za-z+−-])", lambda m: superscript(m[1]), text)
    text = re.sub(r"_([0-9A-Za-z])", lambda m: subscript(m[1]), text)
    if re.search(r"[\\{}]", text):
        return UNREADABLE
    return re.sub(r"\s+", " ", text.replace("❴", "{").replace("❵", "}")).strip()


def _shift(text: str, letters: dict[str, str], mark: str) -> str:
    if all(letter in letters for letter in text):
        return "".join(letters[letter] for letter in text)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"


def _term(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(r"[\w.|]+|\([^()]*\)", text) else f"({text})"
