"""Which Kairos this is; the same as in `pyproject.toml`, held to it by a test."""

VERSION = "0.1.0"
