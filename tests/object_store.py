"""An S3 server over a socket, in this process, and a bucket in it: what shops put files into and fetch them from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

import pytest


@dataclass(frozen=True)
class Bucket:
    """The bucket `shop`; `client` is boto3's, which shares no code with what is tested."""

    client: Any
    address: str

    def put(self, key: str, content: bytes) -> str:
        """Write an object; its URL."""
        self.client.put_object(Bucket="shop", Key=key, Body=content)
        return f"s3://shop/{key}"

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        content: bytes = self.client.get_object(Bucket="shop", Key=key)["Body"].read()
        return content

    def keys(self) -> list[str]:
        """The names of all objects."""
        return [one["Key"] for one in self.client.list_objects_v2(Bucket="shop").get("Contents", [])]

    @contextmanager
    def closed(self) -> Iterator[None]:
        """For a while it lets nobody in whose keys it does not know, and it knows none."""
        self._let_in(0)
        try:
            yield
        finally:
            self._let_in(1_000_000)

    def _let_in(self, requests: int) -> None:
        text = {"Content-Type": "text/plain"}
        with urlopen(Request(f"{self.address}/moto-api/reset-auth", str(requests).encode(), text)):
            pass


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The usual variables name the server, and keys that it lets in."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    names = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    for name, value in {**names, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    made = Bucket(boto3.client("s3"), address)
    made.client.create_bucket(Bucket="shop")
    yield made
    with urlopen(f"{address}/moto-api/reset", b""):  # it keeps its objects with the process, not with the server
        pass
    made.client.close()
    server.stop()
