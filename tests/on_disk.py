"""Files below a folder as they lie on the disk, to look for what must not stand in them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def bytes_in(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file. A service may be writing there: what goes while one looks is not there any more."""
    for path in sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names):
        with suppress(FileNotFoundError):
            if path.is_file():
                yield path, path.read_bytes()
