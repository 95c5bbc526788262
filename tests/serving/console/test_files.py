"""The console's own files: exactly those that there are, unchanged since they were taken over, with their licences."""

import hashlib
import re
from pathlib import Path

import pytest

from serving.console.frame import STATIC
from tests.serving.world import Shop

CONSOLE, AXE = STATIC / "vendor", Path(__file__).parents[2] / "browser/vendor/axe-core"
VENDOR = {
    CONSOLE / "echarts/echarts.min.js": "b66b25aeb4df84e33199dc21694014d336d222cbd9deb0e5a7c14bd6aa0d0fd0",
    CONSOLE / "htmx/htmx.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    AXE / "axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
}


@pytest.mark.parametrize(("path", "digest"), list(VENDOR.items()), ids=lambda told: Path(told).name)
def test_a_library_is_what_its_authors_published(path: Path, digest: str) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    assert path.with_name("LICENSE").read_text().strip()


def test_only_files_of_the_console_are_given_out(shared: Shop) -> None:
    get = shared.client.get
    for name in ("console.css", "console.js", "mark.svg", "vendor/htmx/htmx.min.js"):
        answer = get(f"/console/static/{name}")
        assert answer.status_code == 200
        assert answer.content == (STATIC / name).read_bytes()
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    for name in (
        "..%2fframe.py",
        "%2e%2e/frame.py",
        "/etc/passwd",
        "vendor/htmx/LICENSE",
        "",
        "vendor",
        "console.css/",
    ):
        assert get(f"/console/static/{name}").status_code == 404, name


def test_the_style_sheet_and_the_script_ask_no_other_host() -> None:
    for name in ("console.css", "console.js"):
        text = (STATIC / name).read_text()
        assert not re.search(r"https?://|//[a-z]+\.", text.replace("// ", "")), name
    assert "eval(" not in (STATIC / "console.js").read_text()
