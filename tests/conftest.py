"""Fixtures that more than one floor needs."""

from tests.databases import engine, postgresql_url

__all__ = ["engine", "postgresql_url"]
