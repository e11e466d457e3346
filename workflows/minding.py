"""What people say to the monitor: the messages, which the workflow inherits."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from devsync.contracts.monitor import AcknowledgeAlert, MonitorAnswer, MuteAlerts, UnmuteAlerts
    from devsync.domain.health import alerts
    from devsync.domain.health.alerts import Refused
    from devsync.domain.health.book import AlertBook, Mute, Round
    from devsync.domain.model import Model
    from workflows.alert_records import AlertRecords, mute_entry
    from workflows.messages import REFUSED, RefusedMessages, decision

Said = AcknowledgeAlert | MuteAlerts | UnmuteAlerts


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
        answer = self._tell(said, now)
        self._told_by_people(after)
        return MonitorAnswer(text=answer)

    def _tried(self, raw: RawValue, kind: type[Model]) -> tuple[Said, Round]:
        """What would come of it. Raises ApplicationError, type Refused."""
        said = decision(raw, kind)
        now = workflow.now()
        try:
            match said:
                case AcknowledgeAlert():
                    return said, alerts.acknowledge(self._book, said.alert, said.by, now)
                case MuteAlerts():
                    return said, alerts.mute(self._book, _mute(said, now), now)
                case UnmuteAlerts():
                    return said, alerts.unmute(self._book, said.pattern)
        except Refused as error:
            raise ApplicationError(str(error), type=REFUSED, non_retryable=True) from None
        raise TypeError(f"{kind.__name__} is no message of the monitor")

    def _tell(self, said: Said, now: datetime) -> str:
        """What the audit and the sender hear."""
        match said:
            case AcknowledgeAlert():
                return f"{said.alert} is acknowledged by {said.by}"
            case MuteAlerts():
                mute = _mute(said, now)
                until = f"{mute.until:%Y-%m-%d %H:%M} UTC"
                begins = "" if mute.since <= now else f" from {mute.since:%Y-%m-%d %H:%M} UTC"
                self._records.tell(mute_entry("muted", said.pattern, said.by, now, until=until, reason=said.reason))
                return f"{said.pattern} is muted{begins} until {until}"
            case UnmuteAlerts():
                self._records.tell(mute_entry("unmuted", said.pattern, said.by, now))
                return f"{said.pattern} is not muted any more; what fires is told at the next look"

    def _refuse(self, name: str, why: str) -> None:
        self._refused.add(name, why)
        self._told_by_people(Round(self._book))


def _mute(said: MuteAlerts, now: datetime) -> Mute:
    since = said.since or now
    until = since + timedelta(minutes=said.minutes)
    return Mute(pattern=said.pattern, since=since, until=until, by=said.by, reason=said.reason)
