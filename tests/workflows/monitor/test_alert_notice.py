"""What people read about an alert, and what of it makes a message another one."""

from datetime import datetime, timedelta

import pytest

from devsync.contracts.monitor import AlertStory
from devsync.domain.errors import ErrorSeverity
from devsync.domain.health.book import Alert, AlertState, Mute
from devsync.domain.health.counted import Counted
from devsync.domain.health.meaning import MEANINGS
from devsync.domain.health.naming import RuleName, key_of
from devsync.domain.insight.span import Span
from tests.domain.health.makers import HOUR, MINUTE, NOW
from workflows.monitor.alert_notice import facts_of, notice_of


def counted(until: datetime) -> Counted:
    return Counted(over=Span(start=until - HOUR, end=until), of=100)


def story(**changes: object) -> AlertStory:
    key = key_of(RuleName.ERROR_RATE, "github")
    alert = Alert(
        id=f"{key}@1",
        key=key,
        rule=RuleName.ERROR_RATE,
        level=ErrorSeverity.HIGH,
        state=AlertState.FIRING,
        summary="github: 10 % of 100 attempts failed",
        details=("10 × 503 [f1]",),
        count=10,
        counted=counted(NOW),
        opened_at=NOW,
        seen_at=NOW,
    )
    return AlertStory(id="1", alerts=(alert.model_copy(update=changes),), occasion="1")


def test_a_build_that_words_a_meaning_otherwise_changes_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor that runs would issue other commands than its history has."""
    facts, notice = facts_of(story()), notice_of(story())
    monkeypatch.setitem(MEANINGS, RuleName.ERROR_RATE, "Worded otherwise.")
    assert facts_of(story()) == facts
    assert notice_of(story()) != notice


def test_it_tells_what_was_counted_and_leads_to_the_same_numbers() -> None:
    notice = notice_of(story())
    assert notice.fields["Counted"] == "10 of 100 attempts failed, 2026-11-23 11:00 to 12:00 UTC"
    assert [(one.label, one.url) for one in notice.links] == [
        ("Errors", "/errors?service=github&from=2026-11-23T11:00:00Z&until=2026-11-23T12:00:00Z"),
        ("Open in the dashboard", "/alerts#error_rate%3Agithub"),
    ]
    assert "To look: python starter.py errors stats --window 60m --until 2026-11-23T12:00:00Z" in notice.body


def test_the_same_numbers_of_a_later_look_change_no_message() -> None:
    later = story(counted=counted(NOW + MINUTE))
    assert notice_of(later) != notice_of(story())
    assert facts_of(later) == facts_of(story())


@pytest.mark.parametrize("changes", [{"details": ("11 × 503 [f1]",)}, {"state": AlertState.RESOLVED}, {"count": 7}])
def test_what_happens_to_the_alert_does(changes: dict[str, object]) -> None:
    assert facts_of(story(**changes)) != facts_of(story())


def test_when_it_was_over_stands_in_the_message_and_makes_it_no_other() -> None:
    over = story(state=AlertState.RESOLVED, resolved_at=NOW + HOUR)
    assert notice_of(over).fields["Over"] == "2026-11-23 13:00 UTC"
    assert facts_of(over) == facts_of(story(state=AlertState.RESOLVED))
    assert "Over" not in notice_of(story()).fields


@pytest.mark.parametrize(
    ("state", "is_muted", "labels"),
    [
        (AlertState.FIRING, False, ["Acknowledge", "Mute 1 h"]),
        (AlertState.FIRING, True, ["Acknowledge"]),
        (AlertState.ACKNOWLEDGED, False, ["Mute 1 h"]),
        (AlertState.RESOLVED, False, []),
    ],
)
def test_it_offers_what_makes_sense_in_its_state(state: AlertState, is_muted: bool, labels: list[str]) -> None:
    key = key_of(RuleName.ERROR_RATE, "github")
    mute = Mute(pattern=key, since=NOW, until=NOW + timedelta(hours=1), by="anna") if is_muted else None
    notice = notice_of(story(state=state), mute)
    assert [offer.label for offer in notice.offers] == labels
    assert notice.fields.get("Muted", "").endswith("UTC, by anna") is is_muted
    assert (facts_of(story(state=state), mute) != facts_of(story(state=state))) is is_muted


def test_many_alerts_in_one_message_are_taken_together_or_on_their_page() -> None:
    (one,) = story().alerts
    taken = one.model_copy(update={"state": AlertState.ACKNOWLEDGED})
    notice = notice_of(story().model_copy(update={"alerts": (one, taken)}))
    assert [(offer.label, offer.answer.to_text()) for offer in notice.offers] == [
        ("Acknowledge all", "take_alerts|1|monitor")
    ]
    assert [link.url for link in notice.links] == ["/alerts"]
    assert notice_of(story().model_copy(update={"alerts": (taken, taken)})).offers == ()
