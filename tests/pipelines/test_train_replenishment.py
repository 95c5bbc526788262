"""What the verbs about restocking print, write and tell to scripts."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from models.evidence import Evidence
from models.published import Version
from models.registry import Registry
from models.time_to_event.bg_nbd import BGNBD
from models.time_to_event.mean_interval import MeanInterval
from models.time_to_event.memory import bytes_needed
from models.time_to_event.replenishment import Replenishment
from pipelines import evaluate_replenishment, train_replenishment
from pipelines.__main__ import app
from pipelines.evaluate import write
from pipelines.settings import Settings
from tests.training.restock import catalogue, lines
from training.replenishment.assessment import Assessment
from training.replenishment.exam import contest, exam
from training.replenishment.gate import judge
from training.replenishment.report import carts, page, table
from training.replenishment.train import Trained, figures, snapshot

RECIPE = Replenishment(need=BGNBD(), trips=MeanInterval())


@pytest.fixture(scope="module")
def trained() -> Trained:
    judged = exam(lines(), catalogue(), RECIPE)
    timing = contest(judged, {"bg_nbd": RECIPE})
    verdict = judge(timing, "bg_nbd", None, np.random.default_rng(0))
    version = Version("replenishment", "3", "a-run", "challenger", datetime(2018, 1, 1, tzinfo=UTC))
    return Trained(version, judged, timing, verdict)


@pytest.fixture(scope="module")
def assessed(trained: Trained) -> Assessment:
    rng = np.random.default_rng(0)
    evidence = Evidence(
        parameters={},
        metrics={},
        snapshot=snapshot(lines()),
        tables={"evaluation": table(trained.timing, rng), "carts": carts(trained.timing)},
        figures=figures(trained.timing, rng),
        card=page(trained.exam, trained.timing, rng),
    )
    return Assessment(trained.exam, trained.timing, evidence, "another-run")


def printed(width: int = 100) -> Console:
    return Console(file=StringIO(), width=width, force_terminal=False)


def said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_person_reads_the_tables_the_verdict_and_what_it_is_now(trained: Trained) -> None:
    console = printed()
    train_replenishment.print_trained(trained, console)
    text = said(console)
    for name in ("bg_nbd", "BG/NBD", "Weibull", "constant", "mean interval"):
        assert name in text
    assert "the next purchase of a group" in text
    assert "the next order" in text
    assert f"{trained.timing.of('bg_nbd').mean('concordance'):.3f}" in text
    assert "Gate: refused" in text
    assert "replenishment 3 is the challenger now." in text
    assert "8+" in text


def test_it_fits_a_terminal_of_80_columns(trained: Trained) -> None:
    console = printed(80)
    train_replenishment.print_trained(trained, console)
    assert "…" not in said(console)


def test_scripts_read_the_short_form(trained: Trained) -> None:
    found = asdict(train_replenishment.report(trained))
    assert json.loads(json.dumps(found)) == {
        "version": "3",
        "run_id": "a-run",
        "passed": False,
        "words": trained.verdict.words,
    }


def test_scripts_read_every_measure_of_an_evaluation_as_json(assessed: Assessment) -> None:
    found = json.loads(json.dumps(evaluate_replenishment.report(assessed), allow_nan=False))
    mine = found["tasks"]["need"]["bg_nbd"]
    assert mine["all"]["concordance"] == assessed.timing.of("bg_nbd").mean("concordance")
    assert mine["8+"]["ece 14"] == assessed.timing.of("bg_nbd").parts["8+"].mean("ece 14")
    assert found["run_id"] == "another-run"
    assert len(found["asked"]) == 2


def test_tables_plots_and_a_page_are_written(assessed: Assessment, tmp_path: Path) -> None:
    write(assessed.evidence, tmp_path / "new")
    written = {file.name for file in (tmp_path / "new").iterdir()}
    plots = {"calibration.png", "survival.png", "coverage.png", "carts.png"}
    assert written == {"evaluation.csv", "carts.csv", "report.md"} | plots
    assert all((tmp_path / "new" / name).read_bytes().startswith(b"\x89PNG") for name in plots)
    console = printed()
    evaluate_replenishment.print_assessment(assessed, console)
    assert "MLflow keeps it with plots as run another-run." in said(console)


def test_days_of_asking_are_an_option_of_the_verb(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Mock(return_value=trained)
    monkeypatch.setattr(train_replenishment, "train_replenishment", asked)
    for words, recipe in ((["--origins", "5"], Replenishment(origins=5)), ([], None)):
        done = CliRunner().invoke(app, ["train", "replenishment", *words, "--json"], catch_exceptions=False)
        assert json.loads(done.stdout)["version"] == "3"
        assert asked.call_args.args[-1] == recipe


def test_a_refusal_for_want_of_memory_names_the_option_that_would_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_replenishment, "bought", lambda *_: (lines(), catalogue()))
    fits = bytes_needed(Replenishment(origins=6), lines(), catalogue())
    for free, words in ((fits, r"take origins=6, .* \(`--origins 6`\)$"), (1_000, "with more memory$")):
        monkeypatch.setattr(train_replenishment, "free_memory", lambda free=free: free)
        with pytest.raises(ValueError, match=words):
            train_replenishment.train_replenishment(Settings(), Mock(Registry), None, lambda *_: None)
