"""In how many parts customers are answered changes no bit, and a run that failed goes on where it ended, on its day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.catalog import Catalog, Product
from features.database import open_database
from features.events import Body, Event
from features.log import DECISIONS, EVENTS, Log, Record, microseconds, to_record
from features.person import Person
from features.privacy.personal import PURPOSE
from features.privacy.secret import secret_in
from features.privacy.suppression import Suppressions
from features.results import kept
from pipelines import recommend as verb
from pipelines import recommend_part
from pipelines.engine import BucketsFailed
from pipelines.recommend import RecommendReport, recommend
from tests.pipelines.test_recommend import settings
from tests.serving.world import CUSTOMERS, NOW, copy_world

SECRET = b"of this export"
LATER = NOW + timedelta(hours=3)
RULES = "[email.rules]\nexplore = { share = 0.5, max_age_days = 3 }\nrotation = { rate = 0.9, hours = 24 }"


def explored_shop(shop: Path, folder: Path) -> Path:
    """A copy of a shop with new teas, which mails explore."""
    copy_world(shop, folder)
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    new = [Product(product_id=f"new-{number}", title="New", category="drinks/tea") for number in range(6)]
    Catalog(engine).upsert(new, NOW - timedelta(days=1))
    engine.dispose()
    (folder / "placements.toml").write_text(RULES)
    return folder


def run(folder: Path, out: Path, now: Any = NOW, limit: int = 4, **changes: Any) -> RecommendReport:
    own = settings(folder, placements=folder / "placements.toml", **changes)
    return recommend(own, "email", out, limit, "en", now, True, lambda _done, _of: None, SECRET)


def records(folder: Path) -> list[Record]:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    found = Log(engine, DECISIONS).read()
    engine.dispose()
    return found


def logged(folder: Path) -> list[tuple[str, str]]:
    return [(record.key, record.payload) for record in records(folder)]


@pytest.fixture
def folder(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(verb, "CUSTOMERS_A_PART", 7)
    return explored_shop(world, tmp_path / "shop")


def test_neither_draws_nor_ids_depend_on_the_parts(
    world: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(folder, tmp_path / "parts.parquet")
    monkeypatch.setattr(verb, "CUSTOMERS_A_PART", 10_000)
    whole = explored_shop(world, tmp_path / "whole")
    run(whole, tmp_path / "whole.parquet")
    lines = pq.read_table(tmp_path / "whole.parquet").to_pylist()
    assert pq.read_table(tmp_path / "parts.parquet").to_pylist() == lines
    assert logged(folder) == logged(whole)
    assert {line["propensity"] for line in lines if line["explored"]} - {1.0}
    assert len({line["item_id"] for line in lines if line["explored"]}) > 1, "not all customers are drawn the same"
    assert not list((folder / "features" / "unfinished").glob("*/*/")), "nothing is left behind"


def failing(monkeypatch: pytest.MonkeyPatch, broken: str | None) -> list[str]:
    """Who is answered from now on; the part of a `broken` customer fails."""
    asked: list[str] = []
    answer = recommend_part.answered

    def watched(bundle: Any, placement: Any, requests: Sequence[Any], *others: Any, **more: Any) -> Any:
        ids = [str(request.subject.user_id) for request in requests]
        if broken in ids:
            raise ArithmeticError("of all customers")
        asked.extend(ids)
        return answer(bundle, placement, requests, *others, **more)

    monkeypatch.setattr(recommend_part, "answered", watched)
    return asked


def interrupted(monkeypatch: pytest.MonkeyPatch, folder: Path, out: Path, broken: str) -> str:
    """What is told of a run whose part of a `broken` customer fails."""
    with monkeypatch.context() as patch:
        failing(patch, broken)
        with pytest.raises(BucketsFailed) as caught:
            run(folder, out)
    return str(caught.value)


def customers(folder: Path) -> list[str]:
    (path,) = (folder / "features" / "customer").glob("*.parquet")
    found: list[str] = pq.read_table(path)["customer_id"].to_pylist()
    return found


def test_a_part_that_fails_is_named_and_a_rerun_of_the_day_does_only_that(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, out = customers(folder), tmp_path / "mail.parquet"
    told = interrupted(monkeypatch, folder, out, everybody[8])
    assert "1 of 3 failed" in told
    assert f"part 1: ArithmeticError: of all customers (customers {everybody[7]} to {everybody[13]} of " in told
    assert (out.exists(), logged(folder)) == (False, []), "what is in no file was shown to nobody"
    asked = failing(monkeypatch, None)
    report = run(folder, out, LATER)
    assert asked == everybody[7:14]
    assert (report.as_of, report.customers) == (NOW, CUSTOMERS)
    assert {line["recommendation_id"] for line in pq.read_table(out).to_pylist()} == {key for key, _ in logged(folder)}


@pytest.mark.parametrize(("now", "limit"), [(NOW + timedelta(days=1), 4), (LATER, 5)])
def test_another_day_and_another_question_begin_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: datetime, limit: int
) -> None:
    everybody, out = customers(folder), tmp_path / "mail.csv"
    interrupted(monkeypatch, folder, out, everybody[-1])
    asked = failing(monkeypatch, None)
    report = run(folder, out, now, limit)
    assert (asked, report.as_of) == (everybody, now)


def test_who_is_suppressed_or_withdraws_while_others_are_answered_is_in_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody, out = customers(folder), tmp_path / "mail.parquet"
    interrupted(monkeypatch, folder, out, everybody[-1])
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    gone, withdrawn = everybody[:2]
    Suppressions(engine, secret_in(folder / "privacy.key")).add(Person(gone, (gone,), ()), NOW)
    word = Body(channel="web", purpose=PURPOSE, consent="withdrawn")
    event = Event(
        message_id="w", type="consent_changed", occurred_at=NOW, received_at=NOW, user_id=withdrawn, body=word
    )
    Log(engine, EVENTS).append([to_record(event)])
    engine.dispose()
    assert run(folder, out, LATER).customers == len(everybody) - 2
    assert set(pq.read_table(out)["customer_id"].to_pylist()) == set(everybody) - {gone, withdrawn}
    assert len(logged(folder)) == len(everybody) - 2


def test_what_is_shown_after_an_export_began_rotates_nothing_in_it(
    world: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = explored_shop(world, tmp_path / "whole")
    run(whole, tmp_path / "whole.parquet")
    everybody, lines = customers(folder), pq.read_table(tmp_path / "whole.parquet").to_pylist()
    interrupted(monkeypatch, folder, tmp_path / "mail.parquet", everybody[-1])
    at = microseconds(NOW + timedelta(hours=1))
    record = next(one for one in records(whole) if one.user_id == everybody[-1])
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    Log(engine, DECISIONS).append([replace(record, key="seen", occurred_at=at, received_at=at)])
    engine.dispose()
    run(folder, tmp_path / "mail.parquet", LATER)
    assert pq.read_table(tmp_path / "mail.parquet").to_pylist() == lines


def test_two_exports_of_a_placement_at_once_do_not_mix(folder: Path, tmp_path: Path) -> None:
    with (
        kept(folder / "features" / "unfinished" / "recommend email", "another"),
        pytest.raises(RuntimeError, match="another process is at the same work"),
    ):
        run(folder, tmp_path / "mail.parquet")


def test_a_cluster_is_not_asked_what_was_shown_in_a_file_of_sqlite(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "mail.parquet"
    with pytest.raises(ValueError, match=r"ENGINE=127\.0\.0\.1:1 cannot read a file of SQLite"):
        run(folder, out, engine="127.0.0.1:1")
    (folder / "placements.toml").write_text("[email]")
    with pytest.raises(ConnectionError):  # no part asks the database where nothing rotates
        run(folder, out, engine="127.0.0.1:1")
    assert not out.exists()
