"""Mail: each recipient is a part, the refused one is named, nobody is written to twice without need."""

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from devsync.contracts.delivery import DeliveryState, PartState, Recalled
from tests.workflows.other_channels import ANNA, BEN, CARL, LATER, NOBODY, SHIPPED, Answers, deliver, mail
from tests.workflows.slack_channel import NO_ANSWER


async def test_one_transaction_brings_it_to_all(skipping_time: WorkflowEnvironment) -> None:
    answers = Answers()
    outcome = await deliver(skipping_time, answers, mail(ANNA, BEN, stands_in_for="#payments"))
    assert outcome.state is DeliveryState.DELIVERED
    assert [(part.target, part.message_id) for part in outcome.parts] == [
        (ANNA, "<r1@acme.dev>"),
        (BEN, "<r1@acme.dev>"),
    ]
    (sent,) = answers.sent_mails
    assert (sent.to, sent.stands_in_for, outcome.api_calls) == ((ANNA, BEN), "#payments", 1)
    assert answers.channel.records[-1].outcome == outcome


async def test_who_could_not_be_reached_yet_is_tried_again_alone_and_who_is_unknown_is_named(
    skipping_time: WorkflowEnvironment,
) -> None:
    answers = Answers(mails=[{BEN: LATER, CARL: NOBODY}])
    outcome = await deliver(skipping_time, answers, mail(ANNA, BEN, CARL))
    assert [sent.to for sent in answers.sent_mails] == [(ANNA, BEN, CARL), (BEN,)]
    assert (outcome.state, outcome.reason) == (
        DeliveryState.DELIVERED,
        "carl@acme.dev did not get it: no such recipient (550)",
    )
    first, second = answers.sent_mails
    assert first.model_copy(update={"to": second.to}) == second  # so that the mail is the same to the byte


async def test_where_all_are_refused_it_failed(skipping_time: WorkflowEnvironment) -> None:
    answers = Answers(mails=[{ANNA: NOBODY, BEN: NOBODY}])
    outcome = await deliver(skipping_time, answers, mail(ANNA, BEN))
    assert outcome.state is DeliveryState.FAILED
    assert "anna@acme.dev did not get it" in outcome.reason
    assert len(answers.sent_mails) == 1


async def test_a_mail_without_an_answer_is_sent_again_without_asking(skipping_time: WorkflowEnvironment) -> None:
    answers = Answers(mails=[NO_ANSWER])
    outcome = await deliver(skipping_time, answers, mail(ANNA))
    assert outcome.state is DeliveryState.DELIVERED
    assert answers.sent_mails[0] == answers.sent_mails[1]
    assert answers.channel.finds == []


async def test_after_its_schedule_it_is_dead_and_says_whom_it_did_not_reach(
    skipping_time: WorkflowEnvironment,
) -> None:
    tries = len(SHIPPED.email.retry_schedule) + 1
    answers = Answers(mails=[{BEN: LATER}] + [{BEN: LATER}] * tries)
    outcome = await deliver(skipping_time, answers, mail(ANNA, BEN))
    assert outcome.state is DeliveryState.DEAD
    assert outcome.reason == f"gave up: {LATER.message}; not reached: {BEN}"
    assert len(answers.sent_mails) == tries
    assert [part.state for part in outcome.parts] == [PartState.DELIVERED, PartState.PENDING]
    assert answers.waits[-1] >= timedelta(hours=24)


async def test_a_replay_reaches_only_those_who_lack_it_wherever_they_stand_in_the_list_now(
    skipping_time: WorkflowEnvironment,
) -> None:
    before = await deliver(skipping_time, Answers(mails=[{BEN: NOBODY}]), mail(ANNA, BEN))
    answers = Answers()
    answers.channel.recalled = Recalled(outcome=before)
    outcome = await deliver(skipping_time, answers, mail(CARL, BEN, ANNA))
    assert [sent.to for sent in answers.sent_mails] == [(CARL, BEN)]
    assert (outcome.state, outcome.reason) == (DeliveryState.DELIVERED, "")
    assert [part.target for part in outcome.parts] == [CARL, BEN, ANNA]


async def test_a_newer_revision_goes_to_all_and_an_unchanged_one_to_nobody(skipping_time: WorkflowEnvironment) -> None:
    before = await deliver(skipping_time, Answers(), mail(ANNA, BEN))
    for revision, expected in ((1, []), (2, [(ANNA, BEN)])):
        answers = Answers()
        answers.channel.recalled = Recalled(outcome=before)
        await deliver(skipping_time, answers, mail(ANNA, BEN, revision=revision))
        assert [sent.to for sent in answers.sent_mails] == expected
