"""What LaTeX commands print: symbols as characters, and how many arguments the others take and drop."""

from __future__ import annotations

import unicodedata

_GREEK = """
alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ
nu ν xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi
Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω textmu µ
"""
_MATHS = r"""
pm ± mp ∓ times × div ÷ cdot · ast * star ⋆ circ ° bullet • approx ≈ sim ∼ simeq ≃ cong ≅ equiv ≡ leq ≤ le ≤ geq ≥ ge
≥ leqslant ≤ geqslant ≥ lesssim ≲ gtrsim ≳ ll ≪ gg ≫ neq ≠ ne ≠ propto ∝ infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫
in ∈ notin ∉ subset ⊂ subseteq ⊆ cup ∪ cap ∩ emptyset ∅ forall ∀ exists ∃ neg ¬ land ∧ lor ∨ wedge ∧ vee ∨ oplus ⊕
otimes ⊗ odot ⊙ to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ mapsto ↦ uparrow ↑ downarrow ↓
Uparrow ⇑ Downarrow ⇓ nearrow ↗ searrow ↘ longrightarrow → mid | vert | Vert ‖ lvert | rvert | lVert ‖ rVert ‖ | ‖
langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ ell ℓ hbar ℏ prime ′ dagger † ddagger ‡ dag † ddag ‡ checkmark ✓
cmark ✓ xmark ✗ ding ✓ triangle △ square □ blacksquare ■ colon : setminus ∖ angle ∠ perp ⊥ parallel ∥ textpm ± lbrace
{ rbrace } lbrack [ rbrack ] backslash \ surd √ degree ° celsius °C percent % textdegree °
"""
_LETTERS = r"""
ae æ AE Æ oe œ OE Œ aa å AA Å o ø O Ø l ł L Ł ss ß i ı j ȷ S § P ¶ copyright © pounds £ dots … ldots … cdots … vdots …
textellipsis … textbar | textless < textgreater > textbackslash \ textasciitilde ~ textunderscore _ textendash –
textemdash — textquotedblleft “ textquotedblright ” textquoteleft ‘ textquoteright ’ textbullet • texttimes ×
textregistered ® texttrademark ™ textcopyright © euro € texteuro € textuparrow ↑ textdownarrow ↓ textrightarrow → log
log ln ln exp exp sin sin cos cos tan tan max max min min arg arg lim lim sup sup inf inf det det dim dim Pr Pr LaTeX
LaTeX TeX TeX BibTeX BibTeX % % & & _ _ # # $ $ { { } }
lq ‘ rq ’
"""
_BLANKS = "; : quad qquad enspace \\ newline linebreak space tabularnewline par item hfill break"
_NOTHING = ", ! / - thinspace xspace"
_ACCENTS = "' 0301 ` 0300 ^ 0302 \" 0308 ~ 0303 = 0304 . 0307 c 0327 v 030c u 0306 H 030b r 030a k 0328 d 0323 b 0331"


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SYMBOLS = {
    **_pairs(_GREEK + _MATHS + _LETTERS),
    **dict.fromkeys(_BLANKS.split(), " "),
    **dict.fromkeys(_NOTHING.split(), ""),
    " ": " ",
    "\n": " ",
    "and": ", ",
    "AND": ", ",
}
"""Command to what it prints."""

ACCENTS = {command: chr(int(code, 16)) for command, code in _pairs(_ACCENTS).items()}
"""Command to the combining character."""

_ONE = """
label vspace hspace vskip hskip cellcolor rowcolor columncolor bibliographystyle thispagestyle pagestyle index
marginpar captionsetup hypersetup usepackage RequirePackage documentclass graphicspath input include nocite cline
cmidrule pagenumbering setlist thanks tag fontfamily fontseries fontshape includepdf bibliography addbibresource
lstset todo citestyle setcitestyle bibpunct phantom PassOptionsToPackage vphantom hphantom pdfbookmark ccsdesc
renewcommand newtheorem includegraphics animategraphics linespread pagecolor noalign special pdfliteral directlua
write openout theoremstyle hyphenation minipage stepcounter refstepcounter value usetikzlibrary tikzset pgfplotsset
SetWatermarkText SetWatermarkScale SetWatermarkAngle SetWatermarkColor SetWatermarkHorCenter SetWatermarkVerCenter
scalebox rotatebox parbox raisebox adjustbox href textcolor color colorbox hyperlink hypertarget newcounter
tnote sisetup rowfont
"""
_TWO = """
setlength addtolength setcounter addtocounter newenvironment resizebox colorlet pdfinfo rule fontsize fcolorbox
multicolumn multirow
"""
_THREE = """
definecolor crefname rowcolors addcontentsline specialrule
"""
_NONE = "footnotemark makebox framebox"
_GIVEN = {_NONE: 0, _ONE: 1, _TWO: 2, _THREE: 3}

DROPPED = {name: count for names, count in _GIVEN.items() for name in names.split()}
"""Commands whose options and first arguments print nothing; what follows these arguments is printed."""

_UNITS = """
milli m micro µ kilo k nano n mega M giga G tera T pico p centi c deci d hecto h second s gram g metre m meter m litre L
liter L hertz Hz hour h minute min day d byte B bit bit watt W volt V ampere A mole mol kelvin K percent % celsius °C
degreeCelsius °C degree ° per / mmHg mmHg decibel dB pascal Pa newton N joule J gray Gy sievert Sv becquerel Bq
electronvolt eV tesla T ohm Ω squared ² cubed ³ um µm us µs uL µL uA µA
"""
POWERS = {"square": "²", "cubic": "³"}
"""Powers that siunitx writes in front of their unit."""
UNITS = _pairs(_UNITS)
"""Units of siunitx."""


def accented(mark: str, letter: str) -> str:
    """The letter with its accent as one character where there is one."""
    letter = {"ı": "i", "ȷ": "j"}.get(letter, letter)
    return unicodedata.normalize("NFC", letter[:1] + ACCENTS[mark] + letter[1:])
