"""A manuscript in, its parts and what is wrong with them out: reading, integrity checks, rubrics and reviews."""
