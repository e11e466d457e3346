"""Buttons as Slack takes them: held against slack-sdk's models, at the limits, and with text from outside."""

import json
from typing import Any

import pytest

from devsync.contracts.notifications import Notice, NoticeLink
from devsync.domain.answers import Answer, Deed, Offer
from devsync.domain.changelog.edition import Gap
from devsync.domain.changelog.telling import Telling
from devsync.rendering.buttons import buttons, without_buttons
from devsync.rendering.escape import SafeUrl, safe_url
from devsync.rendering.notice import slack_notice
from devsync.rendering.slack import render_slack
from devsync.rendering.slack_blocks import MAX_MESSAGE
from sandbox.slack.blocks import problems
from tests.contracts.slack import objections_to_blocks
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES

PAGE = "019ac7a1-3f9e-7c4b-9d67-0a1b2c3d4e5f"


def offer(label: str, deed: Deed, argument: str = "", about: str = "escalation:service:github", **more: Any) -> Offer:
    return Offer(label=label, answer=Answer(deed=deed, argument=argument, workflow_id=about, run_id=PAGE), **more)


def offers(about: str = "escalation:service:github") -> list[Offer]:
    return [
        offer("Acknowledge", Deed.ACKNOWLEDGE, about=about),
        offer("Retry", Deed.RESOLVE, "retry", about),
        offer("Abort", Deed.RESOLVE, "abort", about, style="danger", confirm="end the edition; nothing is posted"),
        offer("15 minutes", Deed.SNOOZE, "15", about, menu="Snooze"),
        offer("1 day", Deed.SNOOZE, "1440", about, menu="Snooze"),
    ]


def link() -> SafeUrl:
    url = safe_url("https://changelog.acme.dev/escalations/x?a=1&b=2")
    assert url is not None
    return url


def elements(given: list[Offer]) -> list[dict[str, Any]]:
    (block,) = buttons(given)
    found: list[dict[str, Any]] = block["elements"]
    return found


def test_each_answer_is_a_button_and_those_of_a_menu_are_one() -> None:
    shown = elements(offers())
    assert [one["type"] for one in shown] == ["button", "button", "button", "static_select"]
    assert shown[1]["value"] == f"resolve:retry|{PAGE}|escalation:service:github"
    assert "confirm" not in shown[1]
    assert shown[2]["style"] == "danger"
    assert shown[2]["confirm"]["text"]["text"] == "End the edition; nothing is posted."
    assert [one["value"].partition("|")[0] for one in shown[3]["options"]] == ["snooze:15", "snooze:1440"]


def test_slack_takes_them() -> None:
    blocks = list(buttons(offers(), [("Open in the dashboard", link())]))
    assert problems(blocks) == []
    assert list(objections_to_blocks(blocks)) == []


@pytest.mark.parametrize(
    ("length", "types"), [(102, ["button", "static_select"]), (120, ["button"]), (1_900, ["button"])]
)
def test_an_id_too_long_for_a_menu_leaves_the_menu_out(length: int, types: list[str]) -> None:
    shown = elements(offers("i" * length))
    assert sorted({one["type"] for one in shown}) == types
    assert problems([{"type": "actions", "elements": shown}]) == []


def test_with_nothing_to_press_there_is_no_block() -> None:
    assert list(buttons([])) == []
    assert list(buttons(offers("i" * 2_100))) == []


def test_labels_from_outside_are_inert_and_short() -> None:
    shown = elements([offer("<!channel> *loud* " + "x" * 100, Deed.RESOLVE, "skip", confirm="<@U1> " + "&" * 400)])
    assert "<" not in shown[0]["text"]["text"]
    assert problems([{"type": "actions", "elements": shown}]) == []


def test_without_somebody_who_hears_them_a_notice_has_none_and_its_links_stay() -> None:
    notice = Notice(
        title="Decision needed", body="b", offers=tuple(offers()), links=(NoticeLink(label="Runbook", url=link()),)
    )  # fmt: skip
    with_buttons, without = slack_notice(notice, has_buttons=True).blocks, slack_notice(notice).blocks
    assert [block["type"] for block in with_buttons] == ["header", "section", "actions"]
    assert [block["type"] for block in without] == ["header", "section", "context"]
    assert with_buttons[-1]["elements"][-1]["url"] == str(link())
    assert without_buttons(with_buttons) == with_buttons[:-1]


@pytest.mark.parametrize("text", ["word", '"' * 600, "<" * 600])
def test_a_preview_asks_below_its_banner_and_stays_within_the_limits(text: str) -> None:
    gaps = tuple(Gap(unit=f"github:acme/{number}", service="github", reason=text) for number in range(200))
    edition = samples.with_text(samples.large(3_000), text).model_copy(update={"gaps": gaps})
    about = "changelog:" + "t" * 200 + ":2026-W47"
    telling = Telling(
        banner="Preview 1, not posted yet: " + "x" * 300,
        offers=(
            offer("Approve", Deed.APPROVE, "1", about, style="primary"),
            offer("Reject", Deed.REJECT, "", about, style="danger", confirm="Nothing is posted then. " * 12),
        ),
    )
    blocks = render_slack(edition, TEMPLATES, telling=telling).messages[0].blocks
    assert [block["type"] for block in blocks[:3]] == ["context", "actions", "header"]
    assert list(objections_to_blocks(blocks)) == []
    assert len(json.dumps(blocks, ensure_ascii=False)) <= MAX_MESSAGE
