"""Evidence that the measures measure: simulated scenes, graded corruptions, the study."""
