"""The shops that are broken here are those of the tests of serving."""

from tests.serving.conftest import folder

__all__ = ["folder"]
