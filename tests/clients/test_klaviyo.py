"""The script that tells Klaviyo what is due, with a Klaviyo that keeps it; and the webhooks of its flows, as sent."""

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from features.log import Record
from tests.clients.conftest import Keys
from tests.clients.pages import SHOWN, run_python, snippet
from tests.serving.server import Server
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow
_LOOKUP = re.compile(r"\{\{ (\w+)\|lookup:'(\w+)' \}\}")


class Klaviyo(ThreadingHTTPServer):
    """Takes events as Klaviyo's API does, and keeps them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Api)


class _Api(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
        fine = self.path == "/api/events" and self.headers["Authorization"] == "Klaviyo-API-Key pk_klaviyo"
        if fine and re.fullmatch(r"\d{4}-\d\d-\d\d", self.headers["revision"]):
            self.server.events.append(body["data"])  # type: ignore[attr-defined]
        self.send_response(202 if fine else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def klaviyo() -> Iterator[Klaviyo]:
    with Klaviyo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def rendered(body: str, **known: dict[str, Any]) -> str:
    """A webhook's body as Klaviyo fills it in: `lookup` is its filter for a property by name."""
    return _LOOKUP.sub(lambda found: str(known[found[1]][found[2]]), body)


def test_a_flow_starts_when_kairos_says_so_and_tells_what_became_of_it(
    server: Server,
    keys: Keys,
    klaviyo: Klaviyo,
    tmp_path: Path,
    left_behind: Callable[[str], None],
    logged: Callable[[str], list[Record]],
) -> None:
    due = snippet("klaviyo.md", "due.py")
    assert "timeout=10," in due, "the script waits no longer; a test does"

    def run() -> list[dict[str, Any]]:
        known = len(klaviyo.events)
        found = run_python(
            due.replace("timeout=10,", f"timeout={PATIENCE},"),
            tmp_path,
            SERVICE_URL=server.url,
            SERVICE_KEY=keys.secret,
            KLAVIYO_URL=f"http://127.0.0.1:{klaviyo.server_port}",
            KLAVIYO_KEY="pk_klaviyo",
        )
        assert found.returncode == 0, found.stderr
        told = [event["attributes"] for event in klaviyo.events[known:]]
        return [one for one in told if one["profile"]["data"]["attributes"]["external_id"] == "u_klaviyo"]

    def webhook(path: str, body: str) -> Any:
        assert f"`{SHOWN}{path}`" in (Path(__file__).parents[2] / "docs/clients/klaviyo.md").read_text()
        lines = snippet("klaviyo.md", "headers").replace("sk_…", keys.secret).splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        answer = httpx.post(server.url + path, content=body, headers=headers, timeout=PATIENCE)
        assert answer.status_code == 202, answer.text
        return answer.json()

    left_behind("u_klaviyo")
    (event,), (again,) = run(), run()
    assert event == again
    activation = rendered(snippet("klaviyo.md", "activation"), event=event["properties"])
    assert webhook("/v1/activations", activation)["new"]
    assert not webhook("/v1/activations", activation)["new"]
    assert run() == []
    person = event["profile"]["data"]["attributes"]["properties"]
    assert webhook("/v1/consents", rendered(snippet("klaviyo.md", "consent"), person=person))["new"]
    assert [record.type for record in logged("u_klaviyo")] == ["product_added", "message_sent", "consent_changed"]
