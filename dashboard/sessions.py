"""The session: a signed cookie that says who signed in and when. Nothing is kept here, so restarts sign nobody out."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from fastapi import Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import ValidationError
from starlette.responses import Response

from devsync.domain.model import Model

_SALT: Final = "devsync.dashboard.session"
_SALT_OF_WORDS: Final = "devsync.dashboard.told"
_LONGEST_WORDS: Final = 1_000
"""A browser keeps 4 KB of one cookie."""
_WORDS_LAST: Final = timedelta(minutes=1)


class Session(Model):
    """What the cookie says. What its owner may do is read from the settings at each request."""

    csrf: str
    name: str = ""
    """Empty: not signed in."""
    groups: tuple[str, ...] = ()
    """As the OpenID provider said at sign-in."""


class Told(Model):
    """What came of a form, said once on the page that comes next."""

    text: str
    is_problem: bool = False


class Sessions:
    def __init__(self, secret: str, lifetime: timedelta, *, secure: bool) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt=_SALT)
        self._signer_of_words = URLSafeTimedSerializer(secret, salt=_SALT_OF_WORDS)
        self._lifetime = lifetime
        self.is_secure = secure

    @property
    def cookie(self) -> str:
        """With the prefix a browser takes it from this host alone, over TLS alone, and for all of its paths."""
        return "__Host-devsync" if self.is_secure else "devsync"

    def read(self, request: Request) -> Session | None:
        """None where there is none, or it is too old, or nobody of us has signed it."""
        try:
            value = self._signer.loads(
                request.cookies.get(self.cookie, ""), max_age=int(self._lifetime.total_seconds())
            )
            return Session.model_validate(value)
        except (BadSignature, ValidationError):
            return None

    def write(self, session: Session, response: Response) -> None:
        self._set(response, self.cookie, self._signer.dumps(session.model_dump(mode="json")), self._lifetime)

    def tell(self, text: str, response: Response, *, is_problem: bool = False) -> None:
        """On the page that comes next. Signed: no link of somebody else's puts words there."""
        words = Told(text=text[:_LONGEST_WORDS], is_problem=is_problem)
        self._set(response, self._cookie_of_words, self._signer_of_words.dumps(words.model_dump()), _WORDS_LAST)

    def told(self, request: Request) -> Told | None:
        try:
            value = self._signer_of_words.loads(
                request.cookies.get(self._cookie_of_words, ""), max_age=int(_WORDS_LAST.total_seconds())
            )
            return Told.model_validate(value)
        except (BadSignature, ValidationError):
            return None

    def forget_what_was_told(self, response: Response) -> None:
        response.delete_cookie(self._cookie_of_words, path="/", secure=self.is_secure, httponly=True)

    @property
    def _cookie_of_words(self) -> str:
        return f"{self.cookie}-told"

    def _set(self, response: Response, cookie: str, value: str, lifetime: timedelta) -> None:
        response.set_cookie(
            cookie,
            value,
            max_age=int(lifetime.total_seconds()),
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
            path="/",
        )


def new_session() -> Session:
    return Session(csrf=secrets.token_urlsafe(32))


def session_of(request: Request) -> Session:
    """The session of this request, read once; a new one where it brings none."""
    if not hasattr(request.state, "session"):
        known = request.app.state.site.sessions.read(request)
        request.state.session, request.state.is_new_session = known or new_session(), known is None
    session: Session = request.state.session
    return session
