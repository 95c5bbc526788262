"""Files by URL: read and written at an S3 server over a socket, whole or not at all, and errors name the way out."""

import gzip
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.s3.models import S3Backend
from typer.testing import CliRunner

from features.database import open_database
from features.log import DECISIONS, EVENTS, Log
from models.published import CHALLENGER
from models.recommenders.popularity import Popularity
from models.registry import Registry
from pipelines.__main__ import app
from pipelines.catalog import import_catalog
from pipelines.files import File, check_target, delivered, file_at, here
from pipelines.ingest import ingest
from tests.features.privacy.world import HER, PHONE, build_world
from tests.models.test_registry import FEATURES, QUERY, evidence, interactions
from tests.object_store import Bucket, bucket
from tests.pipelines import test_due_parts, test_recommend
from tests.serving.world import CUSTOMERS, copy_world

__all__ = ["bucket", "interactions"]

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVENTS_CSV = """type,occurred_at,user_id,product_id
Product Viewed,2026-11-20T10:00:00Z,u1,tea
Product Viewed,2026-11-20T10:00:00Z,,tea
"""


def written(file: File, content: bytes) -> None:
    def write(path: Path) -> None:
        path.write_bytes(content)

    delivered(file, write)


def test_events_come_in_by_url_and_what_was_wrong_lies_beside_them(bucket: Bucket, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    for name, content in {"day.csv": EVENTS_CSV.encode(), "day.csv.gz": gzip.compress(EVENTS_CSV.encode())}.items():
        url = bucket.put(f"in/{name}", content)
        report = ingest(file_at(url), engine, AT)
        assert (report.rows, report.accepted, report.reject_file) == (2, 1, f"{url}.rejects.csv")
        assert b"no customer id" in bucket.read(f"in/{name}.rejects.csv")
    rows = pa.table({"type": ["Product Viewed"], "occurred_at": ["2026-11-20"], "user_id": ["u2"], "product_id": ["a"]})
    parquet = BytesIO()
    pq.write_table(rows, parquet)
    assert ingest(file_at(bucket.put("in/day.parquet", parquet.getvalue())), engine, AT).events == 1
    assert len(Log(engine, EVENTS).read()) == 2
    engine.dispose()


def test_products_come_in_from_a_web_server_too(tmp_path: Path) -> None:
    class Feed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"product_id,title\ntea,Tea\n,Nothing\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    threading.Thread(target=server.serve_forever).start()
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    try:
        url = file_at(f"http://127.0.0.1:{server.server_port}/feed.csv?key=1")
        report = import_catalog(url, engine, AT, reject_file=tmp_path / "wrong.csv")
        assert (report.rows, report.changed) == (2, 1)
        with pytest.raises(ValueError, match="web servers are read from alone; name an object store or a path"):
            written(url, b"")
    finally:
        server.shutdown()
        server.server_close()
        engine.dispose()


def test_what_is_wrong_in_a_file_is_told_of_its_url(bucket: Bucket, tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    bad = {"a.csv": b"price\n1\n", "b.parquet": b"no parquet", "c.csv.gz": b"\x1f\x8b\x08"}
    for name, content in bad.items():
        url = bucket.put(name, content)
        with pytest.raises(ValueError, match=f"^{url} (lacks the columns|cannot be read|is not a whole gzip file)"):
            ingest(file_at(url), engine, AT)
    with pytest.raises(ValueError, match=r"orders\.xml does not tell its format"):
        ingest(file_at("s3://shop/orders.xml"), engine, AT)
    engine.dispose()


def test_a_file_of_recommendations_is_in_the_bucket_when_it_is_whole(
    bucket: Bucket, world: Path, tmp_path: Path
) -> None:
    folder = copy_world(world, tmp_path / "shop")
    out = file_at("s3://shop/out/mail.parquet")
    with bucket.closed(), pytest.raises(OSError, match="cannot be written: the keys"):
        test_recommend.run(folder, out, log=True)
    assert (bucket.keys(), logged(folder)) == ([], 0)
    report = test_recommend.run(folder, out, log=True)
    assert bucket.keys() == ["out/mail.parquet"]
    table = pq.read_table(BytesIO(bucket.read("out/mail.parquet")))
    assert report.customers == len(set(table["customer_id"].to_pylist())) == logged(folder) == CUSTOMERS


def logged(folder: Path) -> int:
    engine = open_database(f"sqlite:///{folder / 'kairos.db'}")
    found = len(Log(engine, DECISIONS).read())
    engine.dispose()
    return found


def test_who_is_due_goes_into_the_bucket(bucket: Bucket, restock_world: Path, tmp_path: Path) -> None:
    shop = copy_world(restock_world, tmp_path / "shop")
    report = test_due_parts.run(shop, file_at("s3://shop/due.csv"))
    assert len(bucket.read("due.csv").splitlines()) == report.customers + 1


def test_what_is_held_of_a_person_goes_into_the_bucket(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'kairos.db'}"
    engine = open_database(url)
    build_world(engine, tmp_path)
    engine.dispose()
    places = {"feature_data": "features", "history": "history", "privacy_key": "privacy.key"}
    for name, value in {"database_url": url, **{name: str(tmp_path / place) for name, place in places.items()}}.items():
        monkeypatch.setenv(f"KAIROS_{name.upper()}", value)
    words = ["privacy", "export", "--anonymous", PHONE, "--out", "s3://shop/her.json", "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert json.loads(done.stdout)["file"] == "s3://shop/her.json"
    assert HER in json.loads(bucket.read("her.json"))["user_ids"]


def test_a_model_is_kept_in_the_bucket_and_comes_back(
    bucket: Bucket, empty_mlflow: Path, tmp_path: Path, interactions: object
) -> None:
    (tmp_path / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", "s3://shop/models")
    recipe = Popularity(half_life=3.0)
    fitted = recipe.fit(interactions)  # type: ignore[arg-type]
    registry.publish("recommender", recipe, fitted, FEATURES, evidence())
    assert any(key.endswith("features.json") for key in bucket.keys())  # noqa: SIM118 - a method of the bucket
    version = registry.alias("recommender", CHALLENGER)
    assert version is not None
    loaded = registry.load(version)
    assert loaded.recipe == recipe
    assert loaded.model.recommend([QUERY], 3).ids.tolist() == fitted.recommend([QUERY], 3).ids.tolist()


@pytest.mark.parametrize(
    ("url", "way_out"),
    [
        ("s3://nobody/a.csv", "there is no such bucket; make it, or name another"),
        ("s3://shop", "it takes a bucket and a name in it, as s3://bucket/folder/orders.csv"),
        ("gs://shop/a.csv", "Please install gcsfs"),
        ("foo://shop/a.csv", "Protocol not known: foo"),
    ],
)
def test_a_target_that_there_is_not_is_refused_before_the_work(bucket: Bucket, url: str, way_out: str) -> None:
    with pytest.raises((OSError, ValueError), match=f"^{url} cannot be written: {way_out}"):
        check_target(file_at(url))


def test_a_folder_that_there_is_not_is_refused_before_the_work(tmp_path: Path) -> None:
    check_target(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*/b for a\.csv; make it"):
        check_target(tmp_path / "b" / "a.csv")


def test_no_verb_works_for_a_folder_that_there_is_not(
    empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, out = tmp_path / "shop", tmp_path / "none" / "out.parquet"
    monkeypatch.setenv("KAIROS_DATABASE_URL", f"sqlite:///{shop / 'kairos.db'}")
    shop.mkdir()
    (shop / "mlflow.db").write_bytes(empty_mlflow.read_bytes())
    verbs: list[Callable[[], object]] = [
        lambda: test_recommend.run(shop, out),
        lambda: test_due_parts.run(shop, out),
        lambda: CliRunner().invoke(
            app, ["privacy", "export", "--anonymous", PHONE, "--out", str(out)], catch_exceptions=False
        ),
    ]
    for verb in verbs:
        with pytest.raises(FileNotFoundError, match=r"there is no folder .*/none for out\.parquet"):
            verb()
    assert [path.name for path in shop.iterdir()] == ["mlflow.db"], "no log was opened, nothing begun"


def test_names_with_signs_of_a_web_address_come_in_and_go_out(bucket: Bucket, tmp_path: Path) -> None:
    file = file_at("s3://shop/day #1?.csv")
    written(file, EVENTS_CSV.encode())
    assert bucket.keys() == ["day #1?.csv"]
    engine = open_database(f"sqlite:///{tmp_path / 'kairos.db'}")
    assert ingest(file, engine, AT).accepted == 1
    engine.dispose()


def test_a_copy_that_cannot_be_read_is_told_by_its_url_and_other_errors_stay(bucket: Bucket) -> None:
    url = bucket.put("a.csv", b"a")
    with pytest.raises(OSError, match=f"^{url} broke"), here(file_at(url)) as copy:
        raise OSError(f"{copy} broke")
    with pytest.raises(FileNotFoundError, match="another"), here(file_at(url)):
        raise FileNotFoundError("another")


def test_a_file_that_there_is_not_and_a_server_that_does_not_answer(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("s3://shop/a.csv", "s3://nobody/a.csv"):
        with (
            pytest.raises(FileNotFoundError, match=f"^{url} cannot be read: it, or its bucket, is not there"),
            here(file_at(url)),
        ):
            pass
    with (
        bucket.closed(),
        pytest.raises(OSError, match=r"^s3://shop/a\.csv cannot be read: the keys"),
        here(file_at("s3://shop/a.csv")),
    ):
        pass
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(OSError, match="cannot be written: nothing answers; look at AWS_ENDPOINT_URL"):
        check_target(file_at("s3://shop/a.csv"))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, also where a shell started the tests in the background and had them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_failure_or_an_interrupt_leaves_what_was_there(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted while the server has a part of it in hand, for whose answer the upload waits."""
    bucket.put("a.csv", b"before")
    large = os.urandom(30_000_000)

    def fail(path: Path) -> None:
        path.write_bytes(large)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        delivered(file_at("s3://shop/a.csv"), fail)
    assert bucket.read("a.csv") == b"before"
    upload_part = S3Backend.upload_part

    def interrupted(*given: Any, **more: Any) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return upload_part(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(S3Backend, "upload_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            written(file_at("s3://shop/a.csv"), large)
    assert bucket.read("a.csv") in (b"before", large)
    written(file_at("s3://shop/a.csv"), large)
    assert bucket.read("a.csv") == large
