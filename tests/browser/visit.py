"""One person with a real browser at the console of a real service; whatever the browser complains about is kept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request

from tests.serving.server import Server
from tests.waiting import PATIENCE

VENDOR = Path(__file__).parent / "vendor"
SCREENSHOTS = Path(__file__).parents[2] / "var/screenshots"
_SERIOUS = ("serious", "critical")


def context_of(browser: Browser, **told: Any) -> BrowserContext:
    """A window of its own, as patient as all tests are; Playwright itself gives up after half a minute."""
    context = browser.new_context(**told)
    context.set_default_timeout(1000 * PATIENCE)
    return context


@dataclass
class Visit:
    """A signed-in page. `complaints` are errors of its console, `elsewhere` requests to another host."""

    server: Server
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Begin to listen."""
        self.page.on("console", lambda told: self._hear(told.type, told.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", self._requested)

    def open(self, path: str) -> Page:
        """Go there and wait until it is drawn."""
        answer = self.page.goto(self.server.url + path)
        assert answer is not None
        assert answer.status == 200, (path, answer.status)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def json(self, path: str, **params: Any) -> Any:
        """What the API says, to compare with the page."""
        return self.server.client.get(path, params=params).raise_for_status().json()

    def findings(self) -> list[str]:
        """What axe-core calls serious or critical about the page as it is."""
        self.page.evaluate((VENDOR / "axe-core/axe.min.js").read_text())
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:150] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in _SERIOUS
        ]

    def keep(self, name: str) -> None:
        """A picture of the whole page into the folder of screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True)

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.elsewhere.append(request.url)
