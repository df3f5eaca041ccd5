"""Studies made elsewhere: folders of AI-Scientist v1 and v2, of AI-Researcher, and lone manuscripts.

Whatever is in them is hostile until it is checked: limits come before work, code is kept and never run, and what a
framework says about its own paper is kept as its word.
"""
