"""Reading a PDF: characters, lines and columns, tables by cell, figures, equations, references, hidden text."""
