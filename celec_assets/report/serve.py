"""The process that shows the report: what `storage.reports` put under its prefix, read-only, and nothing else.

/report/                     the newest report; beside it latest.csv, latest.json and schema.json
/report/stations/<id>.html   a station's page, where a report has many
/report/by_date/             the list of earlier reports, and under each day the same files
/health                      200 as long as the process lives, whether or not the lake can be read
"""

import hashlib
import logging
import re
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from celec_assets.report.page import render_message
from celec_assets.storage.reports import FILES, PREFIX
from celec_assets.storage.store import LakeUnavailable, ObjectMissing, ObjectStore

LOG: Final = logging.getLogger(__name__)
DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
PUBLISHED: Final = re.compile(
    rf"(by_date/{DAY}/)?({'|'.join(map(re.escape, FILES))}|stations/[a-z0-9-]+\.html)|by_date/index\.html"
)
"""All that can be asked for: what does not look like this is not looked up."""
FOLDER: Final = re.compile(rf"(by_date/({DAY}/)?)?")
MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
SECURITY: Final = {
    # Pages carry a stricter policy of their own, with the digests of their style and script; both apply. An earlier
    # report has other digests than today's, so that they cannot stand here.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(store: ObjectStore) -> Starlette:
    """The web application that reads the reports from this store."""

    def report(request: Request) -> Response:
        path: str = request.path_params["path"]
        if FOLDER.fullmatch(path):
            path += "index.html"
        if not PUBLISHED.fullmatch(path):
            raise HTTPException(404)
        try:
            content = store.get(f"{PREFIX}/{path}")
        except ObjectMissing:
            raise HTTPException(404) from None
        return published(request, path.rpartition("/")[2], content)

    return Starlette(
        routes=[
            Route("/", lambda _: RedirectResponse("/report/", headers=SECURITY)),
            Route("/report", lambda _: RedirectResponse("/report/", headers=SECURITY)),
            Route("/report/{path:path}", report),
            Route("/health", health),
        ],
        middleware=[Middleware(GZipMiddleware)],
        exception_handlers={404: missing, 405: not_allowed, LakeUnavailable: unreadable, OSError: unreadable},
    )


def published(request: Request, name: str, content: bytes) -> Response:
    """A published object, or 304 where the reader has it; asked for each time, since the next has the same address."""
    # Weak, because what is sent may be compressed.
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**SECURITY, "ETag": tag, "Cache-Control": "no-cache"}
    if name.endswith(".csv"):
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if tag in re.split(r"\s*,\s*", request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


def health(_: Request) -> Response:
    """That the process lives, for load balancers, and which version it is."""
    return JSONResponse({"status": "ok", "version": version("celec-assets")}, headers={"Cache-Control": "no-store"})


def missing(_: Request, _error: Exception) -> Response:
    """404, with what there is instead."""
    return message("missing", 404)


def not_allowed(_: Request, _error: Exception) -> Response:
    """405: whoever writes is told so."""
    return Response("read only\n", 405, {**SECURITY, "Allow": "GET, HEAD"}, "text/plain")


def unreadable(request: Request, error: Exception) -> Response:
    """503 in plain words; the reason, which may name buckets and addresses, stands in the log only."""
    LOG.error("%s cannot be read from the lake: %s", request.url.path, error)
    return message("unreadable", 503)


def message(name: str, status: int) -> Response:
    """A page that says in both languages what is the matter."""
    return HTMLResponse(render_message(name), status, {**SECURITY, "Cache-Control": "no-store"})
