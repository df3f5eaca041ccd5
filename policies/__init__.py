"""Pure judgement: facts and a pack in, verdicts out."""
