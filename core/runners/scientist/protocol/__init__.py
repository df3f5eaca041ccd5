"""A pre-specified study, run without a language model: protocol, data, leakage checks, analysis and manuscript."""
