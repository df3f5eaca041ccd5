"""Reading a LaTeX source: tokens, macros, running text, tables and BibTeX, with the line of everything."""
