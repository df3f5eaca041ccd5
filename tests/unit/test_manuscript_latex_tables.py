"""Every cell and number of LaTeX tables and siunitx commands comes out as the page prints it."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.manuscript.document import Cell, Manuscript, Table
from evaluators.manuscript.latex.columns import columns_of
from evaluators.manuscript.latex.quantities import printed_number
from evaluators.manuscript.latex.reader import read_latex
from evaluators.manuscript.latex.tokens import tokenise

HEAD = r"""\documentclass{article}
\usepackage{siunitx,booktabs,multirow,makecell,tabularx,longtable}
\newcommand{\acc}[2]{#1\,$\pm$\,#2}
\newcommand\best[1]{\textbf{#1}}
\NewDocumentCommand{\later}{O{0.05} m}{#2 $\pm$ #1}
\DeclareSIUnit\px{px}
\def\ours{LUMEN}\let\mine\ours
\begin{document}
"""


def read(folder: Path, body: str, **files: str) -> Manuscript:
    for name, text in files.items():
        (folder / "parts").mkdir(exist_ok=True)
        (folder / "parts" / f"{name}.tex").write_text(text, encoding="utf-8")
    (folder / "main.tex").write_text(f"{HEAD}{body}\n\\end{{document}}\n", encoding="utf-8")
    return read_latex(folder / "main.tex")


def said(folder: Path, body: str, **files: str) -> str:
    return " ".join(s.text for section in read(folder, body, **files).sections for s in section.sentences)


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.cells]


def values(table: Table) -> list[list[object]]:
    """Below the header, each cell's only number, with its deviation where it has one; its text where it has none."""
    return [[_value(cell) for cell in row] for row in table.cells if not row[0].header]


def _value(cell: Cell) -> object:
    assert len(cell.numbers) < 2, cell.text
    if not cell.numbers:
        return cell.text
    (number,) = cell.numbers
    return (number.value, number.uncertainty.value) if number.uncertainty else number.value


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (r"\num{12 345}", "12345"),
        (r"\num{1234567.5}", "1234567.5"),
        (r"\num{0.912(13)}", "0.912 ± 0.013"),
        (r"\num{0.85 +- 0.02}", "0.85 ± 0.02"),
        (r"\num{0,85}", "0.85"),
        (r"\num{2.5(12)e3}", "2500 ± 1200"),
        (r"\num{<0.001}", "<0.001"),
        (r"\num[round-mode=places, round-precision=2]{0.12345}", "0.12"),
        (r"\num[round-mode = figures, round-precision = 3]{12.345}", "12.3"),
        (r"\SI{3.5e-4}{\second}", "3.5e-4 s"),
        (r"\SI{12.5}{\milli\second}", "12.5 ms"),
        (r"\qty{45.2}{\percent}", "45.2%"),
        (r"\qty{3}{\metre\per\second\squared}", "3 m/s²"),
        (r"\SI{12}{\px}", "12 px"),
        (r"\SIrange{10}{20}{\milli\second}", "10–20 ms"),
        (r"\qtyrange{0.1}{0.5}{\percent}", "0.1–0.5%"),
        (r"\numlist{1;2.5;3}", "1, 2.5, 3"),
        (r"\qtylist{1.5;2.5}{\kilo\gram}", "1.5 kg, 2.5 kg"),
        (r"\numproduct{3 x 4}", "3 × 4"),
        (r"$0{,}85$", "0.85"),
        (r"$12{,}5$", "12.5"),
        (r"$10{,}000$", "10,000"),
        (r"1~234", "1234"),
        (r"$1\,234{.}5$", "1234.5"),
        (r"\acc{0.91}{0.02}", "0.91±0.02"),
        (r"\later{0.61}", "0.61 ± 0.05"),
        (r"\later[0.07]{0.61}", "0.61 ± 0.07"),
        (r"\mine{}", "LUMEN"),
    ],
)
def test_numbers_are_read_as_the_page_prints_them(tmp_path: Path, written: str, printed: str) -> None:
    assert said(tmp_path, f"It was {written} there.") == f"It was {printed} there."


@given(st.decimals(0, 10**6, places=3), st.integers(1, 999))
def test_an_uncertainty_in_brackets_counts_from_the_last_place(value: Decimal, digits: int) -> None:
    shown, _, spread = printed_number(f"{value:f}({digits})", {}).partition(" ± ")
    assert (Decimal(shown), Decimal(spread)) == (value, Decimal(digits) / 1000)


@given(st.text(max_size=40))
def test_any_text_in_a_number_command_is_printed_somehow(text: str) -> None:
    printed_number(text, {"round-mode": "figures", "round-precision": "2"})


def test_files_are_put_in_their_place(tmp_path: Path) -> None:
    body = r"\section{A}\input{parts/one} \input parts/two" "\n" r"\subimport{parts/}{three}\subfile{parts/four}"
    four = r"\documentclass[../main.tex]{subfiles}\newcommand{\x}{0.4}\begin{document}Four \x.\end{document}"
    text = said(tmp_path, body, one="One 0.1.", two="Two 0.2.", three="Three 0.3.", four=four)
    assert text == "One 0.1. Two 0.2. Three 0.3. Four 0.4."


def test_a_table_with_spans_units_and_marks(tmp_path: Path) -> None:
    (table,) = read(
        tmp_path,
        r"""\begin{table}\caption{Main.}\resizebox{\textwidth}{!}{%
\begin{tabular}{@{}l*{2}{c}S[table-format=2.1]S[table-format=1.3(2)]@{}}
\toprule[1pt]
\multirow{2}{*}{Method} & \multicolumn{2}{c}{Set A} & \multicolumn{2}{c}{Set B} \\
\cmidrule(lr){2-3}\cmidrule[0.5pt](r{4pt}l){4-5}
 & AUC $\uparrow$ & \makecell{Dice\\(\%)} & {Acc (\%)} & {Recall} \\
\midrule
Base & 0.81 & 71.2 & 80.5 & 0.812(13) \\
+ Aug\tnote{a} & \acc{0.83}{0.01} & \num{72.4 +- 0.5} & 81.5 & 0.822(9) \\
\rowcolor{gray!10} \ours & \best{0.91} & \textbf{75.0\%} & \bfseries 85.5 & {\bfseries 0.901(5)} \\
\bottomrule
\end{tabular}}\end{table}""",
    ).tables
    assert texts(table)[:2] == [
        ["Method", "Set A", "Set A", "Set B", "Set B"],
        ["Method", "AUC ↑", "Dice (%)", "Acc (%)", "Recall"],
    ]
    assert values(table) == [
        ["Base", 0.81, 71.2, 80.5, (0.812, 0.013)],
        ["+ Aug", (0.83, 0.01), (72.4, 0.5), 81.5, (0.822, 0.009)],
        ["LUMEN", 0.91, 75.0, 85.5, (0.901, 0.005)],
    ]
    assert [cell.bold for cell in table.cells[4]] == [False, True, True, True, True]


def test_rounding_decimal_marks_and_cells_that_reach_up(tmp_path: Path) -> None:
    (table,) = read(
        tmp_path,
        r"""\begin{table}\sisetup{round-mode=places,round-precision=2}\caption{Rounded.}
\begin{tabular}{lS[table-format=1.2]D{,}{.}{2}}
Model & {Acc} & {Err} \\ \hline
A & 0.91234 & 1,25 \\
 & 0.92876\textsuperscript{*} & 1,30 \\
\multirow{-2}{*}{B} & 0.5 & \hspace*{2mm}1,40 \\
\specialrule{.1em}{.05em}{.05em}
C & 0.7 & \makebox[2em]{1,50} \\
\end{tabular}\end{table}""",
    ).tables
    assert values(table) == [["A", 0.91, 1.25], ["B", 0.93, 1.3], ["B", 0.5, 1.4], ["C", 0.7, 1.5]]


def test_a_table_with_decimal_commas_is_read_and_one_of_lists_is_not(tmp_path: Path) -> None:
    rows = r"\begin{{tabular*}}{{\textwidth}}{{lcc}} Model & RMSE & Loss \\ \hline {} \end{{tabular*}}"
    commas = rows.format(r"A & 1,25 & 0,98 \\ B & 1,31 & 1,125 \\ C & $1,37$ & $-0,12$ \\")
    lists = rows.format(r"A & 1,2 & 0.98 \\ B & 3,4 & 1.12 \\")
    first, second = read(tmp_path, f"{commas}\n\n{lists}").tables
    assert values(first) == [["A", 1.25, 0.98], ["B", 1.31, 1.125], ["C", 1.37, -0.12]]
    assert texts(second)[1:] == [["A", "1,2", "0.98"], ["B", "3,4", "1.12"]]


def test_tabularray_covers_cells_and_corners_have_two_names(tmp_path: Path) -> None:
    covered, corner = read(
        tmp_path,
        r"""\begin{table}\caption{Covered.}\begin{tblr}{colspec={lcc}}
Model & \SetCell[c=2]{c} Score & \\ & AUC & Dice \\ \midrule
\SetCell[r=2]{m} A & 0.81 & 0.71 \\ & 0.82 & 0.72 \\ \end{tblr}\end{table}
\begin{table}\caption{Corner.}\begin{tabular}{lcc}
\diagbox{Model}{Set} & \thead{Set\\one} & \rotatebox{90}{Set two} \\ \hline
A & 0.81\textsuperscript{a} & $0.71^{a}$ \\
B & \cellcolor[HTML]{FFEECC}0.82 & 0.74{\scriptsize$\pm$.01} \\
C & $.85_{.01}$ & 0.75$_{\pm 0.02}$ \\
D & 0.65\footnotemark[1] & \shortstack{5.50\\(0.20)} \\
\end{tabular}\end{table}""",
    ).tables
    assert texts(covered)[0] == ["Model", "Score", "Score"]
    assert values(covered) == [["A", 0.81, 0.71], ["A", 0.82, 0.72]]
    assert texts(corner)[0] == ["Model / Set", "Set one", "Set two"]
    assert values(corner) == [
        ["A", 0.81, 0.71],
        ["B", 0.82, (0.74, 0.01)],
        ["C", (0.85, 0.01), (0.75, 0.02)],
        ["D", 0.65, (5.5, 0.2)],
    ]


def test_a_long_table_keeps_one_head(tmp_path: Path) -> None:
    (table,) = read(
        tmp_path,
        r"""\begin{longtable}{lrr}\caption{Long.}\label{tab:long}\\
\toprule Site & $n$ & Rate \\ \midrule \endfirsthead
\caption[]{Long (continued).}\\ \toprule Site & $n$ & Rate \\ \midrule \endhead
\midrule \multicolumn{3}{r}{Continued} \\ \endfoot \bottomrule \endlastfoot
\multirow{2}{*}{North} & 120 & 0.45 \\ & 130 & 0.50 \\ South & 1\,250 & 0.77 \\
\end{longtable}""",
    ).tables
    assert (table.label, table.caption) == ("Table 1", "Long.")
    assert values(table) == [["North", 120, 0.45], ["North", 130, 0.5], ["South", 1250, 0.77]]


@given(st.text("lcrSDpX*{}[]@!|0123456789,.=", max_size=60))
def test_any_column_specification_gives_few_columns(specification: str) -> None:
    assert len(columns_of(tokenise(specification)[0], {})) <= 200
