"""The first page: keys, and the client in Python, blocking and async."""

from pathlib import Path

import pytest

from tests.clients.conftest import Keys
from tests.clients.pages import run_python, snippet
from tests.serving.server import Server

pytestmark = pytest.mark.slow


def test_the_keys_are_what_the_page_says(keys: Keys, server: Server) -> None:
    assert snippet("README.md", "keys").count("keys create") == 2
    assert keys.secret.startswith("sk_")
    assert keys.publishable.startswith("pk_")


def test_a_back_end_tells_asks_decides_and_is_told_what_was_wrong(keys: Keys, server: Server, tmp_path: Path) -> None:
    code = snippet("README.md", "shop.py")
    run = run_python(code, tmp_path, SERVICE_URL=server.url, SERVICE_KEY=keys.secret)
    assert run.returncode == 0, run.stderr
    *shown, decided, refused = run.stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["1", "2", "3"]
    assert all("tea-1 " not in line for line in shown)
    assert decided.startswith("True None 20")
    assert refused.startswith("validation_error")
    assert "prize" in refused


def test_a_newsletter_that_runs_again_says_the_same(keys: Keys, server: Server, tmp_path: Path) -> None:
    code = snippet("README.md", "newsletter.py")
    first, again = (run_python(code, tmp_path, SERVICE_URL=server.url, SERVICE_KEY=keys.secret) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.splitlines()) == 2
    assert first.stdout == again.stdout
