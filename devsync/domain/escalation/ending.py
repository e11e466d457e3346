"""Who ended an escalation, or what a recovery asked people, and how: the same words wherever it is told."""

from devsync.domain.recovery.decision import BY_ITSELF

POLICY = "policy"
"""Who decides where nobody answers, and who wakes what is due."""
HEALED = "healed"
"""Who ends an escalation whose cause is over, in the place of a person."""
_NOBODY = {HEALED: "itself", POLICY: "the policy"}


def ending(decision: str | None, by: str, note: str = "") -> str:
    """One clause: `retry, decided by anna (GitHub is back)`, `skip, decided by the policy (nobody answered)`, `nobody
    had to decide, it healed by itself`. `by` is what is on record: a person, `policy`, that with why behind a colon,
    or that it healed."""
    if by in (HEALED, BY_ITSELF):
        return f"nobody had to decide, it healed by itself{_aside(note)}"
    who, _, why = by.partition(": ") if by.startswith(f"{POLICY}: ") else (by, "", "")
    aside = _aside("; ".join(part for part in (why, note) if part))
    if decision:
        return f"{decision.replace('_', ' ')}, decided by {whom(who)}{aside}"
    if who == POLICY:
        return f"ended without a decision{aside}"
    return f"closed by {who} without a decision{aside}"


def whom(actor: str) -> str:
    """Who did something, as it follows `by`."""
    return _NOBODY.get(actor, actor)


def _aside(note: str) -> str:
    return f" ({note})" if note else ""
