"""Segment's own library, as the page sets it up."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from features.log import Record
from tests.clients.conftest import Keys
from tests.clients.pages import run_python, snippet
from tests.serving.server import Server
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


def test_what_segments_library_sends_is_on_disk(
    keys: Keys, server: Server, tmp_path: Path, logged: Callable[[str], list[Record]]
) -> None:
    code = snippet("segment.md", "orders.py").replace("u_81", "u_segment").replace("a_3f", "a_segment")
    run = run_python(code, tmp_path, SERVICE_URL=server.url, SERVICE_KEY=keys.publishable)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    found = logged("u_segment")
    assert [record.type for record in found] == ["identified", "product_viewed", "order_completed"]
    assert "Europe/Moscow" in found[1].payload
    assert found[0].anonymous_id == "a_segment"


def test_the_dry_run_names_what_is_wrong_with_an_event(keys: Keys, server: Server) -> None:
    told = {**os.environ, "SERVICE_URL": server.url, "SERVICE_KEY": keys.publishable}
    command = ["sh", "-e", "-c", snippet("segment.md", "validate")]
    run = subprocess.run(command, env=told, capture_output=True, timeout=PATIENCE, check=True)
    (verdict,) = msgspec.json.decode(run.stdout)["events"]
    assert verdict["verdict"] == "rejected"
    assert verdict["pointer"] == "/properties/products"
