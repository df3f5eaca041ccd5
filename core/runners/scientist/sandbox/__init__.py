"""Code that nobody vouches for runs here, inside bubblewrap, and nowhere else.

`run.run_code` runs it, `values` holds its limits and what it returns, `launcher` is the first process inside. The
decision `docs/decisions/0013-sandbox.md` says what is kept out and by which means.
"""
