"""The study as a graph: language models propose, plan, write code and text; rules of our own decide what counts.

`runner` is the entrance. `build` wires the nodes, `asking` is the one way to a model, `clinical` and `rules` are what
no model can talk around, `checkpoints` and `ledger` keep what was done and paid for.
"""
