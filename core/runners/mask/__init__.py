"""VOID's mask stage: what goes and what its going affects, as a quadmask."""
