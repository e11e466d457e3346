"""What `alerts` and `health` say without a server, and to what makes no sense."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.alerts.shown import document, lines
from commands.health import EXITS
from devsync.contracts.escalation import ToldState, ToldTarget
from devsync.contracts.monitor import MonitorView
from devsync.domain.escalation.policy import Target
from devsync.domain.health.bands import Band
from devsync.domain.health.book import Mute
from tests.command_line import invoked
from tests.configuration import shipped_settings
from tests.storage.test_alerts import alert

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def nowhere(tmp_path: Path) -> Mapping[str, str]:
    """Neither a database nor a Temporal."""
    return {
        "CONFIG_DIR": str(shipped_settings(tmp_path / "config")),
        "DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:9/devsync",
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
        "COLUMNS": "200",
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["mute", "*", "--for", "0s"], '--for: "0s" is no time at all'),
        (["mute", "*", "--for", "an hour"], '--for: "an hour" is not a duration'),
        (["mute", "*", "--for", "90d"], '--for: "90d" is too long; write 30d or less'),
        (["mute", "*", "--for", "1h", "--from", "tonight"], '--from: "tonight" is no time'),
        (["mute", " ", "--for", "1h"], 'PATTERN: " " is empty; write something'),
        (
            ["mute", "github", "--for", "1h"],
            "PATTERN: no alert is called so; write a rule and a subject, like *:",
        ),
        (["mute", "eror_rate:*", "--for", "1h"], "no alert is called so"),
        (["ack", " "], 'ALERT: " " is empty; write something'),
        (["mute", "*", "--for", "1h", "--reason", "x" * 1001], "is too long; write 1000 characters or less"),
        (["list", "--window", "soon"], '--window: "soon" is not a duration'),
        (["list", "--window", "-3d"], '--window: "-3d" is negative; write "3d"'),
        (["list", "--until", "2099-01-01"], "--until: the window lies in the future"),
        (["list", "--until", "2099-01-01", "--window", "40000d"], "--window: the window is longer than 1830 days"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anybody_is_asked(
    nowhere: Mapping[str, str], arguments: list[str], problem: str
) -> None:
    code, output, errors = invoked(nowhere, "alerts", *arguments)
    assert (code, output) == (2, "")
    assert problem in errors


def test_health_without_any_answer_cannot_tell(nowhere: Mapping[str, str]) -> None:
    code, output, errors = invoked(nowhere, "health", "--json")
    health = json.loads(output)
    assert (code, health["band"]) == (13, "unknown")
    assert health["reasons"][0] == "there is no connection to Temporal"
    assert "127.0.0.1:9" in errors
    assert "secret" not in output + errors


def test_every_band_has_its_exit_code() -> None:
    assert {band.value: int(code) for band, code in EXITS.items()} == {
        "healthy": 0, "degraded": 10, "unhealthy": 11, "critical": 12, "unknown": 13,
    }  # fmt: skip
    assert set(EXITS) == set(Band)


VIEW = MonitorView(
    looked_at=NOON,
    alerts=(alert(),),
    mutes=(Mute(pattern="*:jira", since=NOON, until=NOON + timedelta(hours=1), by="anna", reason="it moves"),),
    told=(
        ToldTarget(
            target=Target(kind="slack", target="#alerts"),
            level="alerts",
            state=ToldState.UNREACHED,
            error="channel_not_found",
        ),
    ),
    notes=("HEARTBEAT_URL answered 404",),
    refused=("mute: not an object",),
)


def test_below_the_alerts_stands_what_to_type_and_what_is_muted_not_reached_noted_and_refused() -> None:
    assert list(lines(VIEW, VIEW.alerts)) == [
        "to look at error_rate:github: python starter.py errors stats --window 60m --until 2026-11-23T12:00:00Z",
        "muted *:jira from 2026-11-23 12:00 until 2026-11-23 13:00 UTC by anna: it moves",
        "not reached: #alerts (unreached): channel_not_found",
        "note: HEARTBEAT_URL answered 404",
        "refused: mute: not an object",
        "looked at 2026-11-23 12:00:00 UTC",
    ]
    assert list(lines(MonitorView(is_on=False), ())) == [
        "no alert is open",
        "the monitor is switched off by config/monitoring.yaml",
    ]


def test_the_document_has_an_alert_as_it_is_on_record() -> None:
    shown = document(VIEW, VIEW.alerts)
    (one,) = shown["alerts"]
    assert (one["key"], one["count"], one["counted"]["of"]) == ("error_rate:github", 10, 100)
    assert one["counted"]["over"] == {"start": "2026-11-23T11:00:00Z", "end": "2026-11-23T12:00:00Z"}
    assert one["command"].startswith("python starter.py errors stats ")
    assert shown["not_reached"] == [
        {"kind": "slack", "target": "#alerts", "state": "unreached", "error": "channel_not_found"}
    ]
