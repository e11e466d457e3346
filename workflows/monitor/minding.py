"""What people say to the monitor: the messages, which the workflow inherits."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from devsync.contracts.monitor import AcknowledgeAlert, AcknowledgeAlerts, MonitorAnswer, MuteAlerts, UnmuteAlerts
from devsync.domain.health import alerts
from devsync.domain.health.book import Alert, AlertBook, Mute, Round
from devsync.domain.instants import in_utc
from devsync.domain.model import Model
from devsync.domain.refusal import Refused
from workflows.monitor.alert_records import AlertRecords, mute_entry
from workflows.shared.messages import RefusedMessages, decision, refused_by

Said = AcknowledgeAlert | AcknowledgeAlerts | MuteAlerts | UnmuteAlerts


class Minding:
    """Takes them as signals (typed in the Web UI) and as updates, which tell their sender why they are refused."""

    def __init__(
        self, book: AlertBook, records: AlertRecords, refused: RefusedMessages, changed: Callable[[Round], None]
    ) -> None:
        """`changed` hears of each round that somebody brought about."""
        self._book = book
        self._records = records
        self._refused = refused
        self._told_by_people = changed

    # One JSON object each.

    @workflow.signal(description='I have taken it: {"by": "anna", "alert": "error_rate:github"}')
    def acknowledge(self, raw: RawValue) -> None:
        self._take("acknowledge", raw, AcknowledgeAlert)

    @workflow.signal(
        description='Silence: {"by": "anna", "pattern": "*:github", "minutes": 60, "since": "2026-11-30T18:00:00Z", '
        '"reason": "…"}; `*` is everything, without `since` it begins now'
    )
    def mute(self, raw: RawValue) -> None:
        self._take("mute", raw, MuteAlerts)

    @workflow.signal(description='No more silence: {"by": "anna", "pattern": "*:github"}')
    def unmute(self, raw: RawValue) -> None:
        self._take("unmute", raw, UnmuteAlerts)

    @workflow.signal(dynamic=True, description="Any other signal is recorded as refused; the monitor goes on unharmed")
    def refuse_signal(self, name: str, _args: Sequence[RawValue]) -> None:
        self._refuse(name, "not a message of the monitor, or not with so many arguments")

    # The same as updates.

    @workflow.update(name="acknowledge", description="As the signal, with an answer")
    def acknowledge_now(self, raw: RawValue) -> MonitorAnswer:
        return self._answered(raw, AcknowledgeAlert)

    @workflow.update(description='I have taken those of them that fire: {"by": "anna", "alerts": [their ids]}')
    def acknowledge_all(self, raw: RawValue) -> MonitorAnswer:
        return self._answered(raw, AcknowledgeAlerts)

    @workflow.update(name="mute", description="As the signal, with an answer")
    def mute_now(self, raw: RawValue) -> MonitorAnswer:
        return self._answered(raw, MuteAlerts)

    @workflow.update(name="unmute", description="As the signal, with an answer")
    def unmute_now(self, raw: RawValue) -> MonitorAnswer:
        return self._answered(raw, UnmuteAlerts)

    # Each update has a validator: a refused one leaves no trace in the history.

    @acknowledge_now.validator
    def _may_acknowledge(self, raw: RawValue) -> None:
        self._tried(raw, AcknowledgeAlert)

    @acknowledge_all.validator
    def _may_acknowledge_all(self, raw: RawValue) -> None:
        self._tried(raw, AcknowledgeAlerts)

    @mute_now.validator
    def _may_mute(self, raw: RawValue) -> None:
        self._tried(raw, MuteAlerts)

    @unmute_now.validator
    def _may_unmute(self, raw: RawValue) -> None:
        self._tried(raw, UnmuteAlerts)

    # How they are taken.

    def _take(self, name: str, raw: RawValue, kind: type[Model]) -> None:
        try:
            self._answered(raw, kind)
        except ApplicationError as error:
            self._refuse(name, error.message)

    def _answered(self, raw: RawValue, kind: type[Model]) -> MonitorAnswer:
        said, after = self._tried(raw, kind)
        now = workflow.now()
        self._book = after.book
        self._records.add(after.changed, now, said.by)
        answer = self._tell(said, after, now)
        self._told_by_people(after)
        return MonitorAnswer(text=answer)

    def _tried(self, raw: RawValue, kind: type[Model]) -> tuple[Said, Round]:
        """What would come of it. Raises ApplicationError, type Refused or NotThere."""
        said = decision(raw, kind)
        now = workflow.now()
        try:
            match said:
                case AcknowledgeAlert():
                    return said, alerts.acknowledge(self._book, said.alert, said.by, now)
                case AcknowledgeAlerts():
                    return said, alerts.acknowledge_all(self._book, said.alerts, said.by, now)
                case MuteAlerts():
                    asked = _mute(said, now)
                    if said.beside:
                        return said, alerts.mute_beside(self._book, said.beside, asked, now)
                    return said, alerts.mute(self._book, asked, now)
                case UnmuteAlerts():
                    return said, alerts.unmute(self._book, said.pattern)
        except Refused as error:
            raise refused_by(error) from None
        raise TypeError(f"{kind.__name__} is no message of the monitor")

    def _tell(self, said: Said, after: Round, now: datetime) -> str:
        """What the audit and the sender hear."""
        match said:
            case AcknowledgeAlert() | AcknowledgeAlerts():
                return f"{_named(after.changed)} acknowledged by {said.by}"
            case MuteAlerts():
                mute = _mute(said, now)
                until = in_utc(mute.until)
                begins = "" if mute.since <= now else f" from {in_utc(mute.since)}"
                self._records.tell(mute_entry("muted", said.pattern, said.by, now, until=until, reason=said.reason))
                return f"{said.pattern} is muted{begins} until {until}"
            case UnmuteAlerts():
                self._records.tell(mute_entry("unmuted", said.pattern, said.by, now))
                return f"{said.pattern} is not muted any more; what fires is told at the next look"

    def _refuse(self, name: str, why: str) -> None:
        self._refused.add(name, why)
        self._told_by_people(Round(self._book))


def _named(taken: Sequence[Alert]) -> str:
    return f"{taken[0].key} is" if len(taken) == 1 else f"{len(taken)} alerts are"


def _mute(said: MuteAlerts, now: datetime) -> Mute:
    since = (said.since or now).astimezone(UTC)
    until = since + timedelta(minutes=said.minutes)
    return Mute(pattern=said.pattern, since=since, until=until, by=said.by, reason=said.reason)
