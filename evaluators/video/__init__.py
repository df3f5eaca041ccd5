"""Measures of object-removal video."""
