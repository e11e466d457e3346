"""A GitHub App and its key, made anew in each test run: nothing secret lies in the project."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sandbox.world import GitHubApp


@lru_cache(maxsize=2)
def _key(name: str) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_key(name: str = "the app's") -> str:
    """PEM, as GitHub hands it to the owner of an app."""
    return _key(name).private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def public_key(name: str = "the app's") -> str:
    return _key(name).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def github_app(token_lifetime: timedelta = timedelta(hours=1)) -> GitHubApp:
    """An app of `acme` whose signatures `private_key()` makes."""
    return GitHubApp(
        id=4711,
        slug="changelog",
        owner="acme",
        installation_id=815,
        public_key=public_key(),
        token_lifetime=token_lifetime,
    )
