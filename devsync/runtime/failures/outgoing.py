"""The failure of a call that a team file wants made into our own network."""

from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict


class AddressForbidden(Exception):
    """The host is, or resolves to, an address that is none of the public internet, and no operator has named it."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} is at {address}")
        self.host = host


FORBIDDEN = Verdict(
    category=ErrorCategory.CONFIGURATION,
    says="{service}: {host} is not on the public internet: correct the team file, or put the host into"
    " OUTGOING_PRIVATE_HOSTS",
    code="private_address",
    severity=ErrorSeverity.HIGH,
)
"""Without the address: somebody who writes team files could map our network with it."""


def forbidden(error: AddressForbidden, service: str, _now: datetime) -> Failure:
    return FORBIDDEN.failure(service, host=error.host)
