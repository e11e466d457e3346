"""Makes PyGithub tell of a redirect instead of following it: it would lose the query on the way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
)

_REDIRECTS = {301, 302, 307, 308}
_building = threading.Lock()


class Moved(Exception):
    """GitHub answered with a redirect to `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"moved to {path}")
        self.path = path


def _told(response: RequestsResponse) -> RequestsResponse:
    if response.status in _REDIRECTS:
        raise Moved(urlsplit(response.headers.get("location", "")).path)
    return response


class _Http(HTTPRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _told(super().getresponse())


class _Https(HTTPSRequestsConnectionClass):
    def getresponse(self) -> RequestsResponse:
        return _told(super().getresponse())


@contextmanager
def requesters_that_tell_moves() -> Iterator[None]:
    """Requesters made inside raise Moved: PyGithub's classes are global, but a requester keeps what it began with."""
    with _building:
        Requester.injectConnectionClasses(_Http, _Https)
        try:
            yield
        finally:
            Requester.resetConnectionClasses()
