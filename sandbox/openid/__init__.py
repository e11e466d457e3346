"""An OpenID provider: a page on which anybody is whom they like, and the tokens that say so."""

from sandbox.openid.app import PROVIDER, build_app
from sandbox.openid.people import PEOPLE, Account
from sandbox.openid.tokens import Twist
from sandbox.service import Credentials
from sandbox.world import World

__all__ = ["PEOPLE", "PROVIDER", "Account", "Twist", "build_app", "variables"]


def variables(url: str, _world: World, credentials: Credentials) -> dict[str, str]:
    return {
        "OIDC_ISSUER": url,
        "OIDC_CLIENT_ID": credentials.openid_client_id,
        "OIDC_CLIENT_SECRET": credentials.openid_client_secret,
    }
