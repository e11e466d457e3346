"""Titles, bodies and names for worlds too large to write by hand: work that sounds like work, put together."""

from __future__ import annotations

from random import Random

_KINDS = (
    ("feat", 28), ("fix", 30), ("perf", 6), ("refactor", 8), ("docs", 5), ("test", 5), ("ci", 3), ("chore", 6), ("", 9),
)  # fmt: skip
_VERBS = {
    "feat": ("support", "add", "allow", "show", "export", "schedule", "let admins configure"),
    "fix": ("repair", "do not drop", "keep", "handle time-outs of", "stop losing", "no longer duplicate"),
    "perf": ("speed up", "cache", "read in batches", "index", "avoid copying"),
    "refactor": ("split", "simplify", "move", "extract", "rename"),
    "docs": ("describe", "explain", "give an example of"),
    "test": ("cover", "pin down", "add a regression test for"),
    "ci": ("run checks for", "build images for", "cache artefacts of"),
    "chore": ("clean up", "remove unused parts of", "log less about"),
    "": ("Rework", "Tidy", "Make visible", "Stop guessing", "Prepare", "Reconsider"),
}
_OBJECTS = (
    "invoice drafts", "bulk edits", "saved filters", "delivery slots", "return labels", "price lists", "stock levels",
    "supplier contracts", "e-mail digests", "audit entries", "tax rates", "gift cards", "search suggestions",
    "session refresh", "address validation", "currency rounding", "webhook deliveries", "CSV imports", "user invites",
    "retention rules", "feature flags", "order splits", "customer merges", "background jobs", "rate limits",
)  # fmt: skip
_CONTEXTS = (
    "for large accounts", "on slow networks", "in the mobile view", "when the cache is cold",
    "after a time zone change", "for guests", "across regions", "during month-end", "for archived records",
    "with many tabs open",
    "behind a proxy", "in read-only mode", "on the first visit", "for resellers", "while a deploy runs",
)  # fmt: skip
_SCOPES = ("api", "auth", "billing", "cart", "catalog", "export", "import", "jobs", "mail", "search", "ui", "webhooks")
_REASONS = (
    "Support saw this several times last month; the ticket has the details.",
    "Measured on a copy of production: half the time, the same result.",
    "This was the last place that still did it the old way.",
    "Behind a flag until the next release, so that we can turn it off quickly.",
    "Asked for by three customers independently. Screenshots are in the ticket.",
    "The old behaviour depended on the order of the rows that the database returned.",
)
_CHECKS = (
    "Tested by hand on staging and with the new unit tests.",
    "No migration needed. Safe to roll back.",
    "Needs the migration of the previous release to be complete.",
)
_DOMAINS = (
    "billing", "cart", "catalog", "checkout", "claims", "delivery", "identity", "inventory", "invoicing", "loyalty",
    "mailing", "orders", "partners", "pricing", "profile", "returns", "routing", "search", "shipping", "warehouse",
)  # fmt: skip
_PARTS = ("api", "web", "worker", "jobs", "admin", "sdk", "infra", "events", "reports", "mobile")


def title(random: Random) -> tuple[str, str]:
    """A title and its conventional type; an empty type goes with a free-form title."""
    kind = random.choices([name for name, _ in _KINDS], [weight for _, weight in _KINDS])[0]
    text = f"{random.choice(_VERBS[kind])} {random.choice(_OBJECTS)} {random.choice(_CONTEXTS)}"
    if not kind:
        return text, kind
    scope = f"({random.choice(_SCOPES)})" if random.random() < 0.6 else ""
    return f"{kind}{scope}: {text}", kind


def body(random: Random) -> str:
    """Two paragraphs, as a pull request's description has them."""
    return f"{random.choice(_REASONS)}\n\n{random.choice(_CHECKS)}"


def summary(random: Random) -> str:
    """What a JIRA issue is called."""
    return f"{random.choice(_OBJECTS).capitalize()} {random.choice(_CONTEXTS)}"


def repository_name(position: int) -> str:
    """A name for each number from 0 on; all differ."""
    domain, part = _DOMAINS[position % len(_DOMAINS)], _PARTS[position // len(_DOMAINS) % len(_PARTS)]
    generation = position // (len(_DOMAINS) * len(_PARTS))
    return f"{domain}-{part}" + (f"-{generation + 1}" if generation else "")


def project(position: int) -> tuple[str, str]:
    """A JIRA project's key and name for each number from 0 on; all differ."""
    domain = _DOMAINS[position % len(_DOMAINS)]
    generation = position // len(_DOMAINS)
    suffix = str(generation + 1) if generation else ""
    return f"{domain[:4].upper()}{suffix}", f"{domain.capitalize()} {suffix}".strip()
