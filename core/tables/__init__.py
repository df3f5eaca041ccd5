"""The SQLAlchemy models, one file per aggregate."""
