"""The demo team's work, written by hand: what the payments team of Acme changes in a few weeks.

A stranger's first edition is made of these lines, so they read like a real team's. The generator chooses when each
lands, who wrote it and which key and number it gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

API = "acme/payments-api"
WEB = "acme/payments-web"
LEDGER = "acme/ledger"
INFRA = "acme/payments-infra"
REPOSITORIES = (API, WEB, LEDGER, INFRA)
PROJECTS = {"PAY": "Payments", "LED": "Ledger"}
SPRINT_GOALS = {"PAY": "Merchants can refund a part of a payment"}


class Landing(StrEnum):
    """How a change reaches the default branch."""

    SQUASH = "squash"
    MERGE = "merge"
    REBASE = "rebase"
    COMMIT = "commit"
    """Pushed without a pull request."""


@dataclass(frozen=True, slots=True)
class Story:
    """One change. `issue` is (project, type, summary) of the JIRA issue that it resolves."""

    repository: str
    title: str
    body: str = ""
    issue: tuple[str, str, str] | None = None
    labels: tuple[str, ...] = ()
    landing: Landing = Landing.SQUASH
    steps: tuple[str, ...] = ()
    """Subjects of the branch's commits, oldest first; empty: one commit with the title."""
    footer: str = ""


STORIES = (
    Story(
        API,
        "feat(refunds): allow partial refunds of SEPA direct debits",
        "Merchants could only refund the whole amount. A refund now takes an amount up to what is left, and several "
        "refunds of one payment add up.",
        ("PAY", "Story", "Refund part of a SEPA direct debit"),
        ("enhancement",),
        Landing.MERGE,
        (
            "feat(refunds): keep the refundable amount on the payment",
            "feat(refunds): accept an amount for SEPA refunds",
            "test(refunds): two refunds that race for the same cent",
        ),
    ),
    Story(
        API,
        "fix(webhooks): retry deliveries that end in a TLS handshake error",
        "A handshake error was treated as a permanent failure. It is a network error like any other.",
        ("PAY", "Bug", "Webhook deliveries are given up after a TLS error"),
        ("bug",),
    ),
    Story(
        API,
        "perf(search): use a covering index for payment look-ups by reference",
        "p99 of GET /payments?reference= drops from 840 ms to 35 ms on a copy of production.",
        ("PAY", "Improvement", "Searching payments by reference is slow"),
    ),
    Story(
        API,
        "fix(3ds): accept challenge results that arrive after the payment page was closed",
        "The issuer's callback may come minutes later. The session now outlives the page by 30 minutes.",
        ("PAY", "Bug", "Payments stay pending when the customer closes the 3-D Secure page"),
        ("bug",),
    ),
    Story(API, "refactor(psp): move the Adyen and Stripe adapters behind one interface", "No change in behaviour."),
    Story(
        API,
        "feat(payouts): schedule payouts per merchant instead of per country",
        "",
        ("PAY", "Story", "Merchants choose their payout day"),
        ("enhancement",),
        Landing.MERGE,
        ("feat(payouts): add payout_schedule to merchants", "feat(payouts): read the schedule in the nightly job"),
    ),
    Story(
        API,
        "Validate IBAN check digits before a mandate is created",
        "We found out from the bank three days later.",
        ("PAY", "Bug", "Mandates with mistyped IBANs are accepted"),
    ),
    Story(API, "docs(api): describe idempotency keys with an example for each language"),
    Story(
        API,
        "fix(import): read bank statements as UTF-8 and fall back to Latin-1",
        "CAMT files of two banks are UTF-8 although their header says ISO-8859-1.",
        ("PAY", "Bug", "Umlauts are broken in imported bank statements"),
    ),
    Story(
        API,
        "security: sign webhook payloads with SHA-256 only",
        "SHA-1 signatures were still sent beside the new ones. Nobody has verified them since June (see the access "
        "log query in the ticket).",
        ("PAY", "Task", "Stop sending SHA-1 webhook signatures"),
        ("security",),
    ),
    Story(API, "test(refunds): cover refunds across a daylight saving change"),
    Story(
        API,
        "feat(limits): let risk raise a merchant's daily limit for a day",
        "",
        ("PAY", "Story", "Temporary limit increase for seasonal merchants"),
        ("enhancement",),
    ),
    Story(API, "chore: delete the feature flag new-checkout-session", "On for everybody since September."),
    Story(
        API,
        "fix(currency): round Japanese yen to whole units in receipts",
        "",
        ("PAY", "Bug", "Receipts show fractions of a yen"),
        ("bug",),
        Landing.REBASE,
    ),
    Story(
        API,
        "Log the PSP's decline code instead of our own mapping",
        "Support could not tell an expired card from a blocked one.",
    ),
    Story(API, "ci: run the contract tests against the PSP sandboxes nightly"),
    Story(
        WEB,
        "feat(disputes): show the evidence deadline on the dispute page",
        "With a countdown in the last 72 hours.",
        ("PAY", "Story", "Merchants miss evidence deadlines"),
        ("enhancement",),
    ),
    Story(
        WEB,
        "fix(checkout): keep the entered card number when the postcode is refused",
        "",
        ("PAY", "Bug", "Checkout form is emptied after an address error"),
        ("bug",),
    ),
    Story(
        WEB,
        "a11y: announce validation errors in the payment form to screen readers",
        "Found in the audit of October. Uses an aria-live region; tested with NVDA and VoiceOver.",
        ("PAY", "Improvement", "Audit finding 14: errors are not announced"),
    ),
    Story(WEB, "feat(dashboard): filter payments by payout", landing=Landing.REBASE),
    Story(
        WEB,
        "perf(dashboard): load the payments table in pages of 50",
        "The first view needs 180 kB instead of 2.4 MB.",
        ("PAY", "Improvement", "Payments overview takes 9 s for large merchants"),
    ),
    Story(WEB, "Replace moment.js by date-fns", "Removes 230 kB from the bundle."),
    Story(
        WEB,
        "fix(i18n): show amounts with the merchant's decimal separator",
        "",
        ("PAY", "Bug", "German merchants see 1,234.56 instead of 1.234,56"),
    ),
    Story(WEB, "style: apply the new spacing tokens to all dialogs"),
    Story(WEB, "test(checkout): make the Apple Pay journey independent of the clock"),
    Story(
        WEB,
        "Let merchants download a payout as CSV",
        "Same columns as the monthly statement, so that their import keeps working.",
        ("PAY", "Story", "Payout details as CSV"),
        ("enhancement",),
        Landing.MERGE,
        ("Add the CSV endpoint to the API client", "Let merchants download a payout as CSV"),
    ),
    Story(
        LEDGER,
        "fix(posting): refuse a journal entry whose lines do not balance",
        "The check ran after the first line was written.",
        ("LED", "Bug", "Unbalanced entry after a time-out"),
        ("bug",),
    ),
    Story(
        LEDGER,
        "feat(reconciliation): match bank lines by end-to-end id first",
        "Raises the automatic match rate from 91 % to 97 % on last month's data.",
        ("LED", "Story", "Match bank statements by end-to-end id"),
        ("enhancement",),
        Landing.MERGE,
        (
            "refactor(reconciliation): make the order of matchers explicit",
            "feat(reconciliation): match bank lines by end-to-end id first",
        ),
    ),
    Story(LEDGER, "refactor(accounts): replace the account type strings by an enumeration"),
    Story(
        LEDGER,
        "perf(balance): keep running balances instead of summing the journal",
        "Closing a month takes 40 s instead of 11 min.",
        ("LED", "Improvement", "Month-end close is slow"),
    ),
    Story(
        LEDGER,
        "fix(export): write DATEV exports in the tax adviser's time zone",
        "",
        ("LED", "Bug", "Entries of the 31st appear in the next month's export"),
    ),
    Story(LEDGER, "docs: how to correct a wrong posting (never delete, always reverse)"),
    Story(
        LEDGER,
        "feat(fees): book PSP fees per payment",
        "They were booked once a day per PSP, which made margins per merchant a guess.",
        ("LED", "Story", "PSP fees per payment"),
        ("enhancement",),
    ),
    Story(LEDGER, "build: compile with Java 25", "", None, (), Landing.REBASE),
    Story(
        LEDGER,
        "Serialise month-end close per legal entity",
        "Two closes of the same entity could interleave when the job was started by hand.",
        ("LED", "Bug", "Close of ACME BV ran twice"),
        ("bug",),
    ),
    Story(
        INFRA,
        "feat(dr): replicate the ledger database to eu-central-2",
        "Recovery point: 5 s. The runbook has the fail-over steps; rehearsal on Thursday.",
        ("PAY", "Task", "Second region for the ledger"),
    ),
    Story(INFRA, "chore: rotate the deploy keys of the staging cluster", landing=Landing.COMMIT),
    Story(INFRA, "Raise the connection limit of the payments database to 400"),
    Story(
        INFRA,
        "fix(alerts): page only when the error budget burns for 15 minutes",
        "We were paged 11 times last month for spikes of a minute.",
        ("PAY", "Improvement", "Too many pages for short error spikes"),
    ),
    Story(INFRA, "ci(terraform): plan pull requests against a copy of the state", landing=Landing.REBASE),
    Story(INFRA, "Move the job runners to spot instances", "Saves about 1,100 € a month."),
    Story(INFRA, "docs(runbook): what to do when a PSP certificate expires", landing=Landing.COMMIT),
)

OPEN_STORIES = (
    Story(API, "feat(instant): SEPA instant credit transfers", "First of three; behind a flag.",
          ("PAY", "Story", "Pay out by SEPA instant")),
    Story(WEB, "WIP: redesign of the refund dialog", "", ("PAY", "Story", "Refund dialog on small screens")),
    Story(LEDGER, "feat(multi-currency): hold balances in more than one currency", "",
          ("LED", "Epic", "Multi-currency accounts")),
)  # fmt: skip
"""Pull requests that nobody has merged yet."""

CLOSED_STORIES = (
    Story(API, "Cache PSP responses in memory", "Closing: invalidation across replicas makes this worse than it was."),
    Story(WEB, "Try Bun instead of Node for the build", "Not worth it until the SVG plugin supports it."),
)
"""Pull requests that were closed without being merged."""

BREAKING_STORY = Story(
    API,
    "feat(charges)!: remove the v1 charges endpoint",
    "Deprecated since March; the last three merchants moved over in October.",
    ("PAY", "Task", "Switch off /v1/charges"),
    ("enhancement",),
    footer="BREAKING CHANGE: POST /v1/charges answers 410 Gone. Use POST /v2/payments.",
)
QUIET_BREAKING_STORY = Story(
    LEDGER,
    "refactor(events): rename PostingCreated to EntryPosted",
    "Consumers were told in #engineering.",
    labels=("skip-changelog",),
    footer="BREAKING CHANGE: the topic ledger.postings carries EntryPosted events.",
)
"""Says "skip-changelog", but a breaking change is never left out."""

SKIPPED_STORY = Story(WEB, "chore: fix a typo in a code comment", labels=("skip-changelog",))
REVERTED_STORY = Story(
    API,
    "feat(retries): retry declined cards after one hour",
    "Soft declines only.",
    labels=("enhancement",),
)
"""Lands and is reverted within the week."""

OLD_REVERTED_STORY = Story(WEB, "Preload the checkout bundle on the cart page")
"""Landed before the week and is reverted in it."""

HOSTILE_STORIES = (
    Story(API, "fix(notifications): stop <!channel> and <@U024BE7LH> in a payout memo from paging people",
          "A merchant's memo said `<!here> pay today!`.", ("PAY", "Bug", "Payout memo can mention a Slack channel")),
    Story(WEB, "fix(receipts): escape <script>alert('paid')</script> & friends in merchant names",
          "<img src=x onerror=alert(1)>", ("PAY", "Bug", "Merchant names are rendered as HTML")),
    Story(WEB, "docs(templates): explain {{ merchant.name }}, {% raw %} and ${amount} in receipts"),
    Story(WEB, "fix(i18n): strip \u202eoverrides\u202c and zero\u200bwidth characters from merchant names"),
    Story(LEDGER, "Allow *, _, ~ and `ticks` in booking texts [see](https://example.com/_a_*b*)"),
)  # fmt: skip
"""Titles that must change nothing in Slack, HTML or a template."""

BUMPS = (
    (API, "chore(deps): bump cryptography from 46.0.1 to 46.0.3"),
    (API, "chore(deps): bump jackson-databind to 2.19.4 to fix CVE-2026-1234"),
    (WEB, "chore(deps-dev): bump vite from 7.1.9 to 7.2.2"),
    (WEB, "chore(deps): update dependency react-router to v7.9.6"),
    (LEDGER, "chore(deps): update postgresql driver to v42.7.8"),
    (INFRA, "chore(deps): update terraform aws to ~> 6.21"),
    (INFRA, "chore(deps): bump actions/checkout from 5 to 6"),
)

ISSUES_WITHOUT_CODE = (
    ("PAY", "Task", "Agree on SCA exemptions with the risk team"),
    ("PAY", "Incident", "Card payments declined for 14 minutes on Tuesday"),
    ("LED", "Task", "Hand over the annual accounts to the auditors"),
    ("PAY", "Task", "Rotate the API credentials of the Dutch PSP"),
)
UPCOMING_ISSUES = (
    ("PAY", "Story", "Show the FX rate before a cross-border payment"),
    ("PAY", "Bug", "Apple Pay button flickers on slow connections"),
    ("LED", "Story", "Monthly statement per cost centre"),
    ("PAY", "Improvement", "Explain decline codes in the dashboard"),
)

RELEASES = (
    (API, "v2026.11.2", "Payments API 2026.11.2", "Partial SEPA refunds; /v1/charges is gone.", False),
    (WEB, "v4.18.0", "Dashboard 4.18", "CSV payouts, evidence deadlines, accessible errors.", False),
    (LEDGER, "v7.4.0-rc.1", "Ledger 7.4.0-rc.1", "Running balances.", True),
)

EDGE_STORIES = (
    Story(API, "fix(cutoff): begin the payout day at midnight of the merchant's time zone", "Rolled out at midnight."),
    Story(API, "chore(cutoff): write the last payout file of the week", "Merged one second before midnight."),
    Story(WEB, "feat(status): show planned maintenance on Sunday night", "Live one second before the week ends."),
    Story(WEB, "chore(status): take the maintenance notice down", "Midnight sharp: the next week has begun."),
)
"""Land at the first instant of the week, one second before it, one second before its end, and at its end."""

EDGE_COMMITS = (
    Story(INFRA, "Scale the checkout cluster down for the night", landing=Landing.COMMIT),
    Story(INFRA, "Scale the checkout cluster up for Monday", landing=Landing.COMMIT),
)
"""Committed at the first instant of the week and at its end."""

EDGE_ISSUES = (
    ("PAY", "Task", "Watch the first payout run after the cut-off change"),
    ("LED", "Task", "Check the weekend's bookings by hand"),
)
"""Resolved at the first instant of the week and at its end."""

REVERTED_COMMIT_STORY = Story(INFRA, "Pin the metrics agent to 7.71", landing=Landing.COMMIT)
"""Pushed and reverted within the week, both without a pull request."""
