"""A file of bounded size for records that the database cannot take right now: on disk all the same, and replayed later.

The whole file is allocated when it is opened, so that it still takes records when the disk is full. Each process has
its own, locked as long as it lives; what a killed process left behind is adopted by whoever lives.
"""

import fcntl
import os
import struct
import threading
import uuid
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from features.log import Record

_HEAD = struct.Struct("<II")
_SUFFIX = ".journal"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Record)


class JournalFull(Exception):
    """There is no room left; the caller must find another way to keep its word, or not give it."""


class Journal:
    """Records in the order in which they were kept, in a file of `capacity` bytes below `folder`.

    Raises OSError when the file cannot be allocated.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.capacity = capacity
        self.path = folder / f"{uuid.uuid4().hex}{_SUFFIX}"
        making = self.path.with_suffix(".making")
        self._file = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._lock = threading.Lock()
        self._end = 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            os.posix_fallocate(self._file, 0, capacity)
            os.fsync(self._file)
            making.rename(self.path)  # only now anybody can see it, and it is locked
            _sync_folder(folder)
        except OSError:
            making.unlink(missing_ok=True)
            os.close(self._file)
            raise

    @property
    def size(self) -> int:
        """Bytes that wait to be replayed."""
        return self._end

    def append(self, records: Sequence[Record]) -> None:
        """Keep all of `records` or none; they are on disk when this returns. Raises `JournalFull`, or OSError."""
        entries = b"".join(map(_entry, records))
        with self._lock:
            if self._end + len(entries) > self.capacity:
                raise JournalFull(f"{self.path} has {self.capacity - self._end} bytes left, {len(entries)} are needed")
            _write(self._file, entries, self._end)
            os.fdatasync(self._file)
            self._end += len(entries)

    def read(self, start: int, most: int) -> tuple[list[Record], int]:
        """At most so many records from the byte `start` on, and the byte behind them."""
        with self._lock:
            return _read(self._file, start, self._end, most)

    def empty(self, end: int) -> bool:
        """Forget everything, if nothing was kept behind `end`; tells whether that is so.

        What was kept is overwritten, as it holds what people did.
        """
        with self._lock:
            if self._end != end:
                return False
            _clear(self._file, end)
            self._end = 0
            return True

    def close(self) -> None:
        """Give the file up: an empty one goes, any other waits for who adopts it. Used later it raises OSError."""
        with self._lock:
            if not self._end:
                self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = -1  # the system gives the number to the next file that is opened, which is not ours to clear


@contextmanager
def orphan(folder: Path) -> Iterator[list[Record] | None]:
    """What one process left behind below `folder` when it was killed; None when none did.

    The file goes when the block ends without an exception: write the records somewhere else in it.
    """
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        try:
            if not _free(file):
                continue
            size = os.fstat(file).st_size
            records, end = _read(file, 0, size, size)
            yield records
            _clear(file, end)
            path.unlink(missing_ok=True)
        finally:
            os.close(file)
        return
    yield None


def _free(file: int) -> bool:
    """Whether the process that made a file is gone; if so it is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _entry(record: Record) -> bytes:
    body = _ENCODER.encode(record)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _read(file: int, start: int, end: int, most: int) -> tuple[list[Record], int]:
    """Whole entries alone: what was cut off by a crash was promised to nobody."""
    records: list[Record] = []
    while len(records) < most and start + _HEAD.size <= end:
        length, checksum = _HEAD.unpack(os.pread(file, _HEAD.size, start))
        body = os.pread(file, length, start + _HEAD.size) if length else b""
        if not length or len(body) < length or zlib.crc32(body) != checksum:
            break
        records.append(_DECODER.decode(body))
        start += _HEAD.size + length
    return records, start


def _write(file: int, content: bytes, start: int) -> None:
    left = memoryview(content)
    while left:
        written = os.pwrite(file, left, start)
        left, start = left[written:], start + written


def _clear(file: int, end: int) -> None:
    step = 1 << 20
    for start in range(0, end, step):
        _write(file, bytes(min(step, end - start)), start)
    os.fdatasync(file)


def _sync_folder(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
