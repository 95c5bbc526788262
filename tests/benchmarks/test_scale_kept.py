"""Reporting one step anew leaves what was measured of the others as it was, byte for byte."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import claim, scale
from benchmarks.claim import ROOT
from benchmarks.scale import MILLION, STEPS
from benchmarks.scale_kept import in_order, kept, step_of
from benchmarks.scale_report import Cell, claims, growths, text

SIZES = (MILLION, MILLION, MILLION, 3 * MILLION, 10 * MILLION)


def measured(step: str, seed: int) -> list[Cell]:
    """Three seeds of the smallest size and one of two others, with noise, on a machine that is not this one."""
    rng = np.random.default_rng(seed)
    return [
        Cell(
            step, size, place % 3, "abc", 2.123456 * size / MILLION * rng.lognormal(0, 0.05), 0.61, machine="elsewhere"
        )
        for place, size in enumerate(SIZES)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The pages and rows as they stand, to be written over."""
    root = tmp_path / "benchmarks"
    (root / "results").mkdir(parents=True)
    shutil.copy(ROOT / "README.md", root)
    shutil.copy(ROOT / "results" / "scale.json", root / "results")
    monkeypatch.setattr(claim, "ROOT", root)
    monkeypatch.setattr(scale, "ROOT", root)
    return root


def told(folder: Path) -> dict[str, list[str]]:
    """Rows and lines of the table by step, in their order."""
    found: dict[str, list[str]] = {}
    for row in json.loads((folder / "results" / "scale.json").read_text()):
        found.setdefault(step_of(row["measure"]), []).append(json.dumps(row))
    section = (folder / "README.md").read_text().split("<!-- scale -->")[1].split("<!-- end of scale -->")[0]
    for line in section.splitlines():
        if (step := line.partition("|")[2].partition("|")[0].strip()) in STEPS:
            found.setdefault(step, []).append(line)
    return found


def test_reporting_one_step_anew_leaves_the_rest_byte_for_byte(folder: Path) -> None:
    scale.report([*measured("all features", 0), *measured("join", 1), *measured("history", 2)])
    before = told(folder)
    scale.report([*measured("hazard", 3), Cell("als", MILLION, 0, "abc", failed="no memory")])
    after = told(folder)
    assert {step for step in before if before[step] != after[step]} == {"hazard"}
    assert [step for step in after if step != "hazard"] == [step for step in before if step != "hazard"]
    assert sum(row.count("exponent of growth") for row in after["hazard"]) == 1
    assert "als, 1 M, seed 0: no memory." in (folder / "README.md").read_text()


def test_what_ray_costs_stays_too(folder: Path) -> None:
    scale.report([Cell("ray", MILLION, 0, "abc", 2.0, 1.0, {"overhead": 0.02})])
    (before,) = (line for line in told(folder)["ray"] if "% of CPU" in line)
    scale.report(measured("hazard", 3))
    assert before in told(folder)["ray"]


def test_growth_comes_back_as_it_was_fitted() -> None:
    cells = [*measured("als", 0), *measured("hazard", 1)]
    rows = [json.loads(json.dumps(vars(one))) for one in claims(cells)]
    found, fitted = kept(rows, {"hazard"}), growths(cells)["als"]
    assert list(found.growths) == ["als"]
    assert found.growths["als"].exponent == pytest.approx(fitted.exponent, abs=2e-6)
    assert found.growths["als"].interval == fitted.interval
    assert found.growths["als"].seconds(100 * MILLION) == pytest.approx(fitted.seconds(100 * MILLION), rel=1e-4)
    assert text(found.cells, found.growths).splitlines()[2] == text(measured("als", 0)).splitlines()[2]


def test_every_row_is_of_a_step_and_in_its_place() -> None:
    rows = json.loads((ROOT / "results" / "scale.json").read_text())
    assert {step_of(row["measure"]) for row in rows} <= set(STEPS)
    stands = kept(rows, ())
    assert in_order(stands.claims, list(STEPS)) == list(stands.claims)
    ray = claims([Cell("ray", MILLION, 0, "abc", 2.0, 1.0, {"overhead": 0.02}), *measured("als", 0)])
    assert [step_of(one.measure) for one in in_order(ray, list(STEPS))[:2]] == ["ray", "als"]
    with pytest.raises(KeyError, match="no step"):
        step_of("CPU-seconds of nothing")
