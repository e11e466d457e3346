"""Who has an account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    subject: str
    name: str
    email: str
    groups: tuple[str, ...] = ()
    is_verified: bool = True
    """Whether the provider has seen that the address is theirs."""


PEOPLE = {
    account.subject: account
    for account in (
        Account("anna", "Anna Berg", "anna@acme.example", ("staff", "payments-leads")),
        Account("ben", "Ben Li", "ben@acme.example", ("staff",)),
        Account("mallory", "Mallory", "anna@acme.example", is_verified=False),
    )
}
