"""The console's own files: styles, scripts, the libraries under `vendor/`. Nothing is asked of another host."""

from functools import cache

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from serving.console.frame import STATIC

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

router = APIRouter(include_in_schema=False)


@router.get("/console/static/{name:path}")
def file(name: str) -> Response:
    """One file; its address holds its hash, so a browser asks once."""
    if name not in _served():
        raise HTTPException(404)
    path = STATIC / name
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers=headers)


@cache
def _served() -> frozenset[str]:
    """Exactly the files that there are, so that no name leads elsewhere."""
    return frozenset(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.suffix in _TYPES)
