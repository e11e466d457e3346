"""What people say to an escalation: the messages, which a workflow inherits."""

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts.escalation import Acknowledge, ChangePolicy, EscalationAnswer, Reassign, Snooze
from devsync.contracts.people import Escalate, Resolve
from devsync.domain.escalation.machine import EventKind
from devsync.domain.model import Model
from devsync.domain.refusal import Refused
from workflows.escalation.case import Case
from workflows.shared.messages import RefusedMessages, decision, refused_by


class Answering:
    """Takes answers as signals (typed in the Web UI) and as updates, which tell their sender why they are refused."""

    def __init__(self, case: Case, refused: RefusedMessages) -> None:
        self._case = case
        self._refused = refused

    # One JSON object each.

    @workflow.signal(description='I look after it: {"by": "anna"}')
    def acknowledge(self, raw: RawValue) -> None:
        self._take("acknowledge", raw, Acknowledge)

    @workflow.signal(
        description='What to do: {"by": "anna", "decision": "retry | use_fallback | skip | abort", "note": "…"}'
    )
    def resolve(self, raw: RawValue) -> None:
        self._take("resolve", raw, Resolve)

    @workflow.signal(description='Ask nobody for a while: {"by": "anna", "minutes": 30}')
    def snooze(self, raw: RawValue) -> None:
        self._take("snooze", raw, Snooze)

    @workflow.signal(description='Ask the next level, or this one: {"by": "anna", "reason": "…", "level": "executive"}')
    def escalate(self, raw: RawValue) -> None:
        self._take("escalate", raw, Escalate)

    @workflow.signal(description='Ask somebody else: {"by": "anna", "to": "#payments-leads"}')
    def reassign(self, raw: RawValue) -> None:
        self._take("reassign", raw, Reassign)

    # The same as updates.

    @workflow.update(name="acknowledge", description="As the signal, with an answer")
    def acknowledge_now(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, Acknowledge)

    @workflow.update(name="resolve", description="As the signal, with an answer")
    def resolve_now(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, Resolve)

    @workflow.update(name="snooze", description="As the signal, with an answer")
    def snooze_now(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, Snooze)

    @workflow.update(name="escalate", description="As the signal, with an answer")
    def escalate_now(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, Escalate)

    @workflow.update(name="reassign", description="As the signal, with an answer")
    def reassign_now(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, Reassign)

    @workflow.update(description='Other rules from now on: {"by": "anna", "reason": "…", "policy": {…}}')
    def change_policy(self, raw: RawValue) -> EscalationAnswer:
        return self._answered(raw, ChangePolicy)

    # Each update has a validator: a refused one leaves no trace in the history.

    @acknowledge_now.validator
    def _may_acknowledge(self, raw: RawValue) -> None:
        self._check(raw, Acknowledge)

    @resolve_now.validator
    def _may_resolve(self, raw: RawValue) -> None:
        self._check(raw, Resolve)

    @snooze_now.validator
    def _may_snooze(self, raw: RawValue) -> None:
        self._check(raw, Snooze)

    @escalate_now.validator
    def _may_escalate(self, raw: RawValue) -> None:
        self._check(raw, Escalate)

    @reassign_now.validator
    def _may_reassign(self, raw: RawValue) -> None:
        self._check(raw, Reassign)

    @change_policy.validator
    def _may_change_policy(self, raw: RawValue) -> None:
        self._check(raw, ChangePolicy)

    # How they are taken.

    def _take(self, name: str, raw: RawValue, kind: type[Model]) -> None:
        try:
            self._case.take(decision(raw, kind), workflow.now())
        except (ApplicationError, Refused) as error:
            self._refuse(name, error)

    def _answered(self, raw: RawValue, kind: type[Model]) -> EscalationAnswer:
        try:
            return self._case.take(decision(raw, kind), workflow.now())
        except Refused as error:
            raise refused_by(error) from None

    def _check(self, raw: RawValue, kind: type[Model]) -> None:
        try:
            self._case.change(decision(raw, kind), workflow.now())
        except Refused as error:
            raise refused_by(error) from None

    def _refuse(self, name: str, error: ApplicationError | Refused) -> None:
        why = error.message if isinstance(error, ApplicationError) else str(error)
        self._refused.add(name, why)
        self._case.add(EventKind.REFUSED, "", f"{name}: {why}", workflow.now())
