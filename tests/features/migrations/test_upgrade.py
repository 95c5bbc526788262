"""From every state that was ever released to the newest revision, on both databases; nothing by halves."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Column, Connection, Engine, Index, MetaData, text

from features.database import connect_to, metadata, migrate, open_database
from features.events import Event
from features.log import EVENTS, Log, moment, to_record
from features.migrations.upgrade import VERSION_TABLE, VERSIONS, Standing, is_ready, newest, standing
from tests.features.migrations.databases import contents, made_of
from tests.waiting import BEGINS, until

ROOT = Path(__file__).parents[3]
RELEASED = sorted((Path(__file__).parent / "released").glob("*.sql"))
GROWS = """
op.add_column("event", sa.Column("shop", sa.Text))
op.create_index("event_of_shop", "event", ["shop"])
op.create_table("shop", sa.Column("name", sa.Text, primary_key=True))
"""

WRONG = ('op.add_column("nowhere", sa.Column("x", sa.Text))', 'raise OSError("the disk is full")')


def tables_of_the_code() -> MetaData:
    """Everything that any module adds to the tables, whether or not it is imported yet."""
    own = re.compile(r"^from features\.database import .*\bmetadata\b", re.MULTILINE)
    for floor in ("features", "models", "serving", "training", "pipelines"):
        for path in (ROOT / floor).rglob("*.py"):
            if own.search(path.read_text()):
                importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return metadata


def difference(connection: Connection, tables: MetaData) -> str:
    """What a revision would have to do to make of this database one with these tables; empty when it is one."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "target_metadata": tables})
    changes = produce_migrations(context, tables).upgrade_ops
    return render_python_code(changes) if changes is not None and changes.ops else ""


def versions(folder: Path, *steps: str, works_from: str = "0001") -> Path:
    """The revisions of the code, and more of them behind: each a body of `upgrade`."""
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    last = newest()
    for number, body in enumerate(steps, start=9001):
        head = f"""
            import sqlalchemy as sa
            from alembic import op
            revision, down_revision, works_from = "{number}", "{last}", "{works_from}"

            def upgrade():
        """
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        (folder / f"r{number}_more.py").write_text(dedent(head).rstrip() + "\n" + lines)
        last = str(number)
    return folder


def test_a_new_database_has_the_tables_of_the_code(empty_url: str) -> None:
    engine = open_database(empty_url)
    tables = tables_of_the_code()
    assert len(tables.tables) >= 21
    with engine.connect() as connection:
        wanted = difference(connection, tables)
        assert not wanted, f"tables have changed; write this into a new file of features/migrations/versions:\n{wanted}"
    engine.dispose()


def test_a_change_of_a_table_is_noticed(empty_url: str) -> None:
    engine = open_database(empty_url)
    changed = MetaData()
    for table in tables_of_the_code().tables.values():
        table.to_metadata(changed)
    with engine.connect() as connection:
        assert not difference(connection, changed)
        changed.tables["event"].append_column(Column("shop", BigInteger))
        Index("event_of_shop", changed.tables["event"].c.shop)
        told = difference(connection, changed)
    assert "add_column('event'" in told
    assert "create_index('event_of_shop'" in told
    engine.dispose()


def test_revisions_are_one_line_and_never_call_back_code_that_one_of_them_shut_out() -> None:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(VERSIONS, version_locations=[VERSIONS])
    assert len(scripts.get_heads()) == 1
    names = [script.revision for script in scripts.walk_revisions()][::-1]
    since = [names.index(scripts.get_revision(name).module.works_from) for name in names]
    assert since == sorted(since)
    assert all(oldest <= place for place, oldest in enumerate(since))


@pytest.mark.parametrize("script", RELEASED, ids=lambda path: path.stem)
def test_every_released_state_comes_forward_with_its_rows(empty_url: str, script: Path) -> None:
    old = made_of(empty_url, script.read_text())
    before = contents(old)
    old.dispose()
    engine = open_database(empty_url)
    after = contents(engine)
    with engine.connect() as connection:
        assert not difference(connection, tables_of_the_code())
        assert standing(connection).revision == newest()
    assert sum(len(rows) for *_, rows in before.values()) >= 5
    with engine.connect() as connection:
        for table, (columns, _, _, rows) in before.items():
            kept = ", ".join(f'"{name}"' for name, *_ in columns)
            again = connection.execute(text(f'SELECT {kept} FROM "{table}"')).mappings()
            assert sorted(map(repr, again)) == rows, table
    assert len(after["event"][3]) == 2
    new = Event(message_id="m3", type="product_viewed", occurred_at=moment(1), received_at=moment(2), user_id="u1")
    log = Log(engine, EVENTS)
    assert log.append([to_record(new)]) == [True]
    assert log.last_position() == 3
    engine.dispose()


def test_whoever_opens_it_again_changes_nothing_and_waits_for_nobody(empty_url: str) -> None:
    first = open_database(empty_url)
    before = contents(first)
    with first.begin() as connection:
        if first.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        second = open_database(empty_url)
    assert contents(second) == before
    assert migrate(second) == []
    first.dispose()
    second.dispose()


def test_steps_are_applied_once_and_in_order(empty_url: str, tmp_path: Path) -> None:
    open_database(empty_url).dispose()
    engine = connect_to(empty_url)
    more = versions(tmp_path / "more", GROWS, 'op.add_column("shop", sa.Column("town", sa.Text))')
    assert migrate(engine, more) == ["9001", "9002"]
    assert migrate(engine, more) == []
    found = contents(engine)
    assert [name for name, *_ in found["shop"][0]] == ["name", "town"]
    engine.dispose()


@pytest.mark.parametrize("script", [None, *RELEASED], ids=lambda path: path.stem if path else "empty")
def test_one_that_fails_half_way_leaves_everything_as_it_was(
    empty_url: str, tmp_path: Path, script: Path | None
) -> None:
    old = made_of(empty_url, script.read_text() if script else "")
    before = contents(old)
    old.dispose()
    grows = GROWS + "\nop.execute(\"UPDATE event SET shop = 'north'\")\n"
    for number, wrong in enumerate(WRONG):
        folder = versions(tmp_path / f"wrong{number}", GROWS.replace("shop", "other"), grows + wrong)
        with pytest.raises((RuntimeError, OSError), match=r"nowhere|the disk is full"):
            open_database(empty_url, folder)
    engine = connect_to(empty_url)
    assert contents(engine) == before
    engine.dispose()
    open_database(empty_url, versions(tmp_path / "right", GROWS)).dispose()


def test_code_of_before_goes_on_with_a_database_that_only_grew(empty_url: str, tmp_path: Path) -> None:
    running = open_database(empty_url)
    log = Log(running, EVENTS)
    first, second, third = (
        to_record(
            Event(message_id=id_, type="product_viewed", occurred_at=moment(1), received_at=moment(1), user_id="u")
        )
        for id_ in ("m1", "m2", "m3")
    )
    for _ in range(8):  # until the driver has prepared its statements
        log.append([first])
    assert log.read() == log.of_person(["u"], [])
    open_database(empty_url, versions(tmp_path / "grown", GROWS)).dispose()
    assert log.append([second]) == [True]
    restarted = open_database(empty_url)
    assert Log(restarted, EVENTS).append([third]) == [True]
    assert [record.key for record in log.read()] == ["m1", "m2", "m3"]
    assert [record.key for record in log.of_person(["u"], [])] == ["m1", "m2", "m3"]
    with restarted.connect() as connection:
        assert standing(connection) == Standing("9001", "0001")
    running.dispose()
    restarted.dispose()


def test_a_database_that_was_cut_is_refused_and_stays_as_it_is(empty_url: str, tmp_path: Path) -> None:
    newer = open_database(empty_url, versions(tmp_path / "cut", 'op.drop_table("lease")', works_from="9001"))
    before = contents(newer)
    with pytest.raises(RuntimeError, match=rf"at revision 9001.*needs code from revision 9001.*ends at {newest()}"):
        open_database(empty_url)
    assert contents(newer) == before
    newer.dispose()


def test_a_revision_that_nobody_knows_is_not_ready() -> None:
    assert is_ready(Standing(newest(), "0001"))
    assert not is_ready(Standing())
    with pytest.raises(RuntimeError, match="restore the backup"):
        is_ready(Standing("9001", None))


def test_the_revision_of_another_product_in_the_same_database_is_left_alone(empty_url: str) -> None:
    script = (
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);\nINSERT INTO alembic_version VALUES ('f5a4');"
    )
    made_of(empty_url, script).dispose()
    engine = open_database(empty_url)
    assert contents(engine)["alembic_version"][3] == ["{'version_num': 'f5a4'}"]
    engine.dispose()


@pytest.mark.parametrize("script", [None, RELEASED[0]], ids=lambda path: path.stem if path else "empty")
def test_of_two_processes_one_migrates_and_the_other_waits(empty_url: str, tmp_path: Path, script: Path | None) -> None:
    if script:
        made_of(empty_url, script.read_text()).dispose()
    slow = versions(tmp_path / "slow", GROWS + "\nimport time\ntime.sleep(0.5)")
    program = """
        import sys, time
        from pathlib import Path
        from tests.features.patient import be_patient
        be_patient()
        from features.database import connect_to, migrate
        url, versions, here, go = sys.argv[1], *map(Path, sys.argv[2:])
        engine = connect_to(url)
        here.touch()
        while not go.exists():
            time.sleep(0.005)
        print(*migrate(engine, versions))
    """
    go, here = tmp_path / "go", [tmp_path / "one", tmp_path / "other"]
    line = [sys.executable, "-c", dedent(program), empty_url, str(slow)]
    started = [
        subprocess.Popen(
            [*line, str(mine), str(go)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for mine in here
    ]
    until(
        lambda: all(mine.exists() or one.poll() is not None for mine, one in zip(here, started, strict=True)),
        "both began",
        BEGINS,
    )
    go.touch()
    try:
        said = [one.communicate(timeout=BEGINS) for one in started]
    finally:
        for one in started:
            one.kill()
    assert [one.returncode for one in started] == [0, 0], said
    did = sorted(out.split() for out, _ in said)
    assert did[0] == []
    assert did[1][-1] == "9001"


def test_who_waited_too_long_is_told_of_whom(tmp_path: Path) -> None:
    from sqlalchemy import event

    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    busy, waiting = connect_to(url), connect_to(url)
    event.listen(waiting, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=20"))
    with busy.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        with pytest.raises(RuntimeError, match="another process has been writing"):
            migrate(waiting)
    assert migrate(waiting)
    busy.dispose()
    waiting.dispose()


def test_an_engine_that_is_not_handed_out_is_closed(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Engine] = []
    really = Engine.dispose

    def dispose(engine: Engine) -> None:
        closed.append(engine)
        really(engine)

    monkeypatch.setattr(Engine, "dispose", dispose)
    with pytest.raises(OSError, match="no"):
        open_database(empty_url, versions(tmp_path / "wrong", 'raise OSError("no")'))
    assert len(closed) == 1
