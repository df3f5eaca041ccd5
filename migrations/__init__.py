"""Alembic migrations; they ship with the package so that an installed Greenlight can set itself up."""
