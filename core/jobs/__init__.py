"""The queue and the worker that empties it."""
