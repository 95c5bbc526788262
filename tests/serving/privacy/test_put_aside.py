"""What no database took and was put aside is forgotten with its person; other people's records stay."""

import json
from dataclasses import asdict
from pathlib import Path

from features.log import Record
from features.person import Person
from serving.privacy.put_aside import PutAsideRecords
from serving.replay import REJECTED


def aside(user_id: str | None, anonymous_id: str | None) -> str:
    return json.dumps(asdict(Record("k", "product_viewed", 1, 1, user_id, anonymous_id, "{}")))


def test_records_about_a_person_are_forgotten_and_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "of a database" / "event" / REJECTED
    file.parent.mkdir(parents=True)
    others = [aside("u2", None), aside(None, "a2")]
    file.write_text("".join(f"{line}\n" for line in [aside("u1", "a2"), *others, aside(None, "a1")]), encoding="utf-8")
    store, person = PutAsideRecords(tmp_path), Person("u1", ("u1",), ("a1",))
    assert [row["user_id"] for row in store.held(person)] == ["u1", None]
    store.erase(person)
    assert list(store.held(person)) == []
    assert file.read_text(encoding="utf-8").splitlines() == others
    assert [path.name for path in file.parent.iterdir()] == [REJECTED]
