"""Files that come in and go out, by path or by the URL of an object store; what works keep for themselves is by path.

S3 is spoken by the client inside of pyarrow, which reads the usual variables: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3 before AWS_ENDPOINT_URL. Any other scheme is left to fsspec and the
library that it names.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import fs

from features.results import naming, written

_S3 = ("s3", "s3a")
_HINTS = {
    "NO_SUCH_BUCKET": "there is no such bucket; make it, or name another",
    "ACCESS_DENIED": "the keys may not; look at AWS_ACCESS_KEY_ID and at what the bucket allows them",
    "HTTP status 403": "the keys may not; look at AWS_ACCESS_KEY_ID and at what the bucket allows them",
    "INVALID_ACCESS_KEY_ID": "the keys are wrong; look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "SIGNATURE_DOES_NOT_MATCH": "the keys are wrong; look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "NETWORK_CONNECTION": "nothing answers; look at AWS_ENDPOINT_URL and at the network",
}


class Url(str):
    """The address of a file elsewhere, with those parts of a name that a path has."""

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """What stands before `://`."""
        return self.partition("://")[0]

    @property
    def writable(self) -> bool:
        """Whether a file can be brought there; web servers are read from alone."""
        return not self._of_web

    @property
    def name(self) -> str:
        """The last part, without what is asked of a web server; object stores have names with `?` and `#`.

        >>> Url("https://shop.example/feed.csv.gz?key=1").name, Url("s3://shop/orders#1?.csv").name
        ('feed.csv.gz', 'orders#1?.csv')
        """
        return PurePosixPath(urlsplit(self).path if self._of_web else self.partition("://")[2]).name

    @property
    def suffix(self) -> str:
        """The ending of the name."""
        return PurePosixPath(self.name).suffix

    def with_name(self, name: str) -> "Url":
        """Another file in the same place."""
        return Url(f"{self.rpartition('/')[0]}/{name}")

    @property
    def _of_web(self) -> bool:
        return self.scheme in ("http", "https")


File = Path | Url


def file_at(text: str) -> File:
    """What a person wrote: a URL, or else a path.

    >>> file_at("s3://bucket/orders.csv"), file_at("file:///data/orders.csv").as_posix()
    ('s3://bucket/orders.csv', '/data/orders.csv')
    """
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    return Url(text) if "://" in text else Path(text)


def check_target(file: File) -> None:
    """Look, before a work of hours, whether its file has a place to go.

    Raises OSError without the folder or the bucket, ValueError for a URL of a kind that cannot be reached.
    """
    if isinstance(file, Path):
        if not file.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {file.parent} for {file.name}; make it, or name another")
        return
    if not file.writable:
        raise ValueError(
            f"{file} cannot be written, as web servers are read from alone; name an object store or a path"
        )
    with _told(file, "written"):
        store, path = _store(file)
        if isinstance(store, _Arrow) and not store.has_bucket(path):
            raise OSError("NO_SUCH_BUCKET")


@contextmanager
def here(file: File) -> Iterator[Path]:
    """The file as one on this machine: of a URL a copy, which goes when the block ends. Errors name what was asked for.

    Raises OSError where it cannot be read, ValueError for a URL of a kind that cannot be reached.
    """
    if isinstance(file, Path):
        yield file
        return
    with TemporaryDirectory(prefix="kairos-") as folder:
        copy = Path(folder, file.name)
        with _told(file, "read"):
            store, path = _store(file)
            store.get_file(path, str(copy))
        try:
            yield copy
        except (OSError, ValueError) as error:
            if str(copy) not in str(error):
                raise
            told = OSError if isinstance(error, OSError) else ValueError
            raise told(str(error).replace(str(copy), file)) from error


def delivered(file: File, write: Callable[[Path], None]) -> None:
    """Bring what `write` makes to where it belongs, whole or not at all: object stores show an object when it is there.

    Raises OSError where it cannot be written, ValueError for a URL of a kind that cannot be reached.
    """
    if isinstance(file, Path):
        written(file, write)
        return
    check_target(file)
    with TemporaryDirectory(prefix="kairos-") as folder:
        made = Path(folder, file.name)
        with naming(made):
            write(made)
        with _told(file, "written"):
            store, path = _store(file)
            store.put_file(str(made), path)


class _Arrow(ArrowFSWrapper):  # type: ignore[misc]
    """An object store by pyarrow. To put a file is one call, so Ctrl-C in the middle completes no half of an object."""

    def put_file(self, lpath: str, rpath: str, *_: Any, **__: Any) -> None:
        """Nor is a folder made before, which would be an empty object."""
        fs.copy_files(lpath, rpath, source_filesystem=fs.LocalFileSystem(), destination_filesystem=self.fs)

    def has_bucket(self, path: str) -> bool:
        """Whether the store says that there is none; who may only write is not told."""
        try:
            return bool(self.fs.get_file_info(path.partition("/")[0]).type != fs.FileType.NotFound)
        except OSError as error:
            if "ACCESS_DENIED" in str(error) or "HTTP status 403" in str(error):
                return True
            raise


def _store(url: Url) -> tuple[Any, str]:
    """The store of a URL, and the path in it."""
    if url.scheme not in _S3:
        known: tuple[Any, str] = fsspec.url_to_fs(str(url))
        return known
    path = url.partition("://")[2]
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise ValueError("it takes a bucket and a name in it, as s3://bucket/folder/orders.csv")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return _Arrow(fs.S3FileSystem.from_uri(f"s3://{bucket}")[0]), path
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return _Arrow(fs.S3FileSystem(endpoint_override=endpoint, region=region)), path


@contextmanager
def _told(file: Url, done: str) -> Iterator[None]:
    """Errors of whatever library as ours, which name the file and what to change."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{file} cannot be {done}: it, or its bucket, is not there") from error
    except (ImportError, ValueError) as error:
        raise ValueError(f"{file} cannot be {done}: {error}") from error
    except Exception as error:  # of the library behind a scheme; a verb that stops here is told in words
        text = " ".join(str(error).split())
        hint = next((hint for sign, hint in _HINTS.items() if sign in text), None)
        raise OSError(f"{file} cannot be {done}: {f'{hint} ({text})' if hint else text}") from error
