"""What operates the service: probes, the version, the pages of problems, and documentation that asks no other host."""

import re
import tomllib
from pathlib import Path

from serving.app import VERSION
from serving.problems import KINDS
from tests.serving.world import Shop

ROOT = Path(__file__).parents[2]


def test_probes(shared: Shop) -> None:
    assert shared.client.get("/livez").status_code == 200
    assert shared.client.get("/readyz").status_code == 200


def test_the_version_is_that_of_the_project(shared: Shop) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
    answer = shared.client.get("/v1/version").json()
    assert (answer["name"], answer["version"]) == ("kairos", VERSION)
    assert answer["model"]["version"] == "1"


def test_every_problem_has_its_page(shared: Shop) -> None:
    for code, kind in KINDS.items():
        page = shared.client.get(f"/v1/problems/{code}")
        assert page.status_code == 200
        assert kind.title in page.text
        assert kind.meaning in page.text


def test_the_documentation_loads_nothing_from_elsewhere(shared: Shop) -> None:
    page = shared.client.get("/v1/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 3
    for link in links:
        assert link.startswith("/v1/docs/")
        assert len(shared.client.get(link).content) > 100
    assert "://" not in page.text
    assert shared.client.get("/v1/docs/secrets.txt").status_code == 404


def test_the_description_is_openapi_31(shared: Shop) -> None:
    assert shared.client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")
