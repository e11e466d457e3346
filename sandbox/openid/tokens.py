"""ID tokens, as they should be, and as a hostile or broken provider would write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.openid.people import Account

_LIFETIME = timedelta(minutes=5)
_KEY_ID = "sandbox-1"


class Twist(StrEnum):
    """What is wrong with the next tokens."""

    EXPIRED = "expired"
    NOT_YET = "of the future"
    OTHER_NONCE = "another nonce"
    OTHER_AUDIENCE = "for another client"
    TWO_AUDIENCES = "for two clients, and handed to the other one"
    OTHER_ISSUER = "of another issuer"
    OTHER_KEY = "signed with a key that is not published"
    UNSIGNED = "not signed"
    SIGNED_WITH_THE_SECRET = "signed with what the client knows (HS256)"
    NO_EXPIRY = "for ever"
    CLAIMS_ELSEWHERE = "right, but with the address told by userinfo alone"


class Keys:
    """One key pair, made when it is first needed."""

    def __init__(self) -> None:
        self._private: ec.EllipticCurvePrivateKey | None = None

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        if self._private is None:
            self._private = ec.generate_private_key(ec.SECP256R1())
        return self._private

    def published(self) -> dict[str, Any]:
        public: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {"keys": [public | {"kid": _KEY_ID, "use": "sig", "alg": "ES256"}]}


def claims_of(account: Account) -> dict[str, Any]:
    """What the scopes profile, email and groups ask for."""
    return {
        "name": account.name,
        "email": account.email,
        "email_verified": account.is_verified,
        "groups": list(account.groups),
    }


def id_token(
    account: Account,
    keys: Keys,
    *,
    issuer: str,
    client_id: str,
    client_secret: str,
    nonce: str,
    now: datetime,
    twist: Twist | None = None,
) -> str:
    claims = {
        "iss": issuer,
        "sub": account.subject,
        "aud": client_id,
        "iat": now,
        "exp": now + _LIFETIME,
        "nonce": nonce,
        **({} if twist is Twist.CLAIMS_ELSEWHERE else claims_of(account)),
    }
    claims |= _WRONG.get(twist, {}) if twist else {}
    if twist is Twist.EXPIRED:
        claims |= {"iat": now - 2 * _LIFETIME, "exp": now - _LIFETIME}
    if twist is Twist.NOT_YET:
        claims |= {"iat": now + _LIFETIME, "nbf": now + _LIFETIME, "exp": now + 2 * _LIFETIME}
    if twist is Twist.TWO_AUDIENCES:
        claims |= {"aud": [client_id, "somebody-else"], "azp": "somebody-else"}
    if twist is Twist.NO_EXPIRY:
        del claims["exp"]
    return _signed(claims, keys, client_secret, twist)


_WRONG: dict[Twist, dict[str, Any]] = {
    Twist.OTHER_NONCE: {"nonce": "another"},
    Twist.OTHER_AUDIENCE: {"aud": "somebody-else"},
    Twist.OTHER_ISSUER: {"iss": "https://evil.example"},
}


def _signed(claims: dict[str, Any], keys: Keys, client_secret: str, twist: Twist | None) -> str:
    if twist is Twist.UNSIGNED:
        return jwt.encode(claims, "", algorithm="none", headers={"kid": _KEY_ID})
    if twist is Twist.SIGNED_WITH_THE_SECRET:
        return jwt.encode(claims, client_secret.ljust(32, "x"), algorithm="HS256", headers={"kid": _KEY_ID})
    private = ec.generate_private_key(ec.SECP256R1()) if twist is Twist.OTHER_KEY else keys.private
    return jwt.encode(claims, private, algorithm="ES256", headers={"kid": _KEY_ID})
