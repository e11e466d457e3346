"""Deliveries: what is listed for whom, what stands in a channel, and once more for what gave up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import DeliveryState
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.storage.test_records import NOON, delivery, edition

pytestmark = pytest.mark.timeout(120)

HERE = "/teams/payments/deliveries/2026-W47/email-0"
ID = "delivery:payments:2026-W47:email-0"


def dead(**changes: object) -> DeliveryRecord:
    values = {
        "channel": "email-0",
        "kind": "email",
        "state": DeliveryState.DEAD,
        "target": "team@acme.dev",
        "message_id": "<1@acme.dev>",
        "last_error": "gave up: 451 busy",
        "attempts": 11,
    }
    return delivery(**(values | changes))


async def write(house: House, *deliveries: DeliveryRecord) -> None:
    await Records(house.site.database, ArtifactStore(house.site.database)).write(deliveries=deliveries)


@pytest.fixture
async def replayable(house: House) -> AsyncIterator[House]:
    """A mail that gave up, of an edition that is on record; nothing delivers here."""
    house.change_team(channels=[{"kind": "email", "to": ["team@acme.dev"]}])
    text = ArtifactRef(digest="b" * 64, size=20, kind="rendering.text")
    await Records(house.site.database, ArtifactStore(house.site.database)).write(
        edition=edition(renderings={"text": text}), deliveries=[dead()]
    )
    yield house
    with suppress(RPCError):
        await house.site.temporal.get_workflow_handle(ID).terminate("its test is over")


async def test_each_sees_the_deliveries_of_their_teams_and_finds_them_by_what_they_are(house: House) -> None:
    await write(house, dead(), delivery(updated_at=NOON + timedelta(hours=1)))
    await write(house, dead(team="search", iso_week="2026-W46"))
    anna, ben, root = await house.visitor("anna"), await house.visitor("ben"), await house.visitor("root")

    async def found(query: str) -> list[str]:
        text = (await root.get(f"/deliveries{query}")).text
        of_payments = "payments/deliveries/2026-W47"
        paths = (f"{of_payments}/slack-payments", f"{of_payments}/email-0", "search/deliveries")
        return [path.partition("/")[0] + " " + path.rpartition("/")[2] for path in paths if path in text]

    assert "/teams/search/" not in (await anna.get("/deliveries")).text
    assert "/teams/payments/" not in (await ben.get("/deliveries?team=payments")).text
    assert await found("") == ["payments slack-payments", "payments email-0", "search deliveries"]
    assert await found("?state=dead") == ["payments email-0", "search deliveries"]
    assert await found("?team=payments&channel=slack") == ["payments slack-payments"]
    assert await found("?channel=email-0&week=2026-W46") == ["search deliveries"]
    assert await found("?team=payments&state=uncertain") == []
    assert (await root.get("/deliveries?week=soon")).status_code == 422


async def test_a_long_list_goes_on_where_it_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.pages.deliveries.LINES", 2)
    await write(house, *(delivery(iso_week=f"2026-W{10 + number}") for number in range(5)))
    anna, path, found = await house.visitor("anna"), "/deliveries", []
    for _ in range(3):
        text = (await anna.get(path)).text
        found.append([number for number in range(5) if f"/deliveries/2026-W{10 + number}/" in text])
        path = text.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert found == [[3, 4], [1, 2], [0]]
    assert path == ""


async def test_one_shows_what_stands_in_the_channel_and_why_the_rest_does_not(house: House) -> None:
    await write(
        house,
        dead(part=0, state=DeliveryState.DELIVERED, last_error=""),
        dead(part=1, target="ben@acme.dev", state=DeliveryState.UNCERTAIN, last_error="no answer", sent_at=NOON),
    )
    shown = (await (await house.visitor("cleo")).get(HERE)).text
    for text in ("team@acme.dev", "ben@acme.dev", "&lt;1@acme.dev&gt;", "no answer", "whether it arrived is not known"):
        assert text in shown
    assert "Replay" not in shown, "she may only look"
    assert (await (await house.visitor("ben")).get(HERE)).status_code == 404
    assert (await (await house.visitor("anna")).get(HERE.replace("email-0", "email-9"))).status_code == 404


async def test_a_replay_starts_the_delivery_again_in_the_persons_name(replayable: House) -> None:
    house = replayable
    anna = await house.visitor("anna")
    assert "Replay" in (await anna.get(HERE)).text
    assert f"{ID} is tried again now" in await anna.deed(f"{HERE}/replay", HERE)
    run = await house.site.temporal.get_workflow_handle(ID).describe()
    assert run.status is WorkflowExecutionStatus.RUNNING
    (entry,) = await Audit(house.site.database).latest(team="payments", limit=1)
    assert (entry.entry.actor, entry.entry.what, entry.entry.action) == ("anna", ID, "replay")
    assert entry.entry.outcome == "revision 1 asked for"
    again = await anna.deed(f"{HERE}/replay", "/deliveries")
    assert "is tried again now" in again
    assert (await house.site.temporal.get_workflow_handle(ID).describe()).run_id == run.run_id, "one writer a channel"


async def test_what_cannot_be_tried_again_is_told_with_the_cure(replayable: House) -> None:
    anna = await replayable.visitor("anna")
    for channel, week, why in (
        ("slack-nowhere", "2026-W47", 'has no channel "slack-nowhere"'),
        ("email-0", "2026-W40", "there is no edition of payments 2026-W40 on record"),
    ):
        path = f"/teams/payments/deliveries/{week}/{channel}/replay"
        answer = await anna.post(path, "/deliveries")
        assert answer.status_code == 303
        shown = (await anna.get("/deliveries")).text.replace("&#34;", '"')
        assert why in shown
    replayable.change_team(channels=[{"kind": "webhook", "url": "https://hooks.acme.dev/x", "secret_env": "X"}])
    await write(replayable, dead(channel="webhook-0", kind="webhook"))
    path = HERE.replace("email-0", "webhook-0")
    assert "was not rendered for webhook" in await anna.deed(f"{path}/replay", path)


@pytest.mark.parametrize(("name", "code"), [("cleo", 403), ("ben", 404)])
async def test_who_may_not_is_refused(replayable: House, name: str, code: int) -> None:
    visitor = await replayable.visitor(name)
    assert (await visitor.post(f"{HERE}/replay", "/deliveries")).status_code == code
    entries = await Audit(replayable.site.database).latest(team="payments", limit=10)
    assert "replay" not in {entry.entry.action for entry in entries}
