"""How each outside service is called: retries, time-outs, rates. The numbers stand in config/services.yaml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, PositiveFloat, PositiveInt, RootModel, model_validator

from devsync.contracts import names
from devsync.contracts.activities import DECLARED
from devsync.contracts.names import EMAIL, GITHUB, LOCAL, SLACK
from devsync.contracts.policies import Jitter, OperationPolicy, RetryDeclaration
from devsync.domain.breaker import LEASE_PATIENCE, BreakerConfig
from devsync.domain.errors import ErrorCategory
from devsync.domain.model import Model
from devsync.settings.addresses import WebAddress
from devsync.settings.breaker import BreakerSettings
from devsync.settings.durations import PositiveDuration, format_duration
from devsync.settings.problems import ConfigError, any_of, did_you_mean, problem_at
from devsync.settings.yaml_file import YamlFile, read_yaml

LONGEST_HTTP_READ: Final = timedelta(seconds=10)
"""Blocking clients run in threads, which nothing interrupts: a cancelled edition waits this long at most."""

DEFAULT_HTTP_CONNECT: Final = timedelta(seconds=5)

_CLIENT_TIMEOUTS: Final = ("http_connect", "http_read")

_WITHOUT_EFFECT: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    # PyGithub, slack-sdk and aiosmtplib take one time-out for a call: http_read.
    "github": (("timeouts", "http_connect"),),
    "slack": (("timeouts", "http_connect"),),
    "email": (("timeouts", "http_connect"),),
    "webhook": (("breaker",),),
    "calendar": (("breaker",),),
    "status": (("breaker",), ("concurrency",)),
    # git is asked by its own program, as often at once as there are slots.
    "git_mirror": (("timeouts", "http_connect"), ("timeouts", "http_read"), ("concurrency",), ("breaker",)),
    # Our own machine is asked without HTTP.
    "local": (("timeouts", "http_connect"), ("timeouts", "http_read"), ("concurrency",), ("breaker",)),
}
"""What a service's client does not read: it would be believed, and change nothing."""

_SILENT: Final = (SLACK, EMAIL, names.WEBHOOK, names.CALENDAR, names.STATUS, LOCAL)
"""Services whose activities give no signs of life."""

Factor = Annotated[float, Field(ge=1)]


class RetryPart(Model):
    """The part of a Retry that one level of the file declares."""

    initial: PositiveDuration | None = None
    """The longest wait before the second attempt; needed."""
    factor: Factor | None = None
    """The wait grows by it from attempt to attempt; needed."""
    maximum: PositiveDuration | None = None
    """It grows up to this; needed. A server's own hint is never shortened."""
    attempts: PositiveInt | None = None
    """How often at most; without it, `schedule_to_close` is the bound."""
    jitter: Jitter | None = None
    """`full`: each wait is drawn between nothing and its bound."""
    non_retryable: tuple[ErrorCategory, ...] | None = None
    """Categories of errors that are not tried again here, beside what is known to be hopeless."""


class TimeoutsPart(Model):
    """The part of the Timeouts that one level of the file declares."""

    start_to_close: PositiveDuration | None = None
    """One attempt; needed."""
    schedule_to_close: PositiveDuration | None = None
    """All attempts and the waits between them."""
    heartbeat: PositiveDuration | None = None
    """An activity without a sign of life for this long has lost its worker, and is tried again. Collecting activities
    give one before each HTTP call: one call (a probe's lease 5s, `http_connect`, `http_read`) must fit into it."""
    http_connect: PositiveDuration | None = None
    """Getting a connection, for a whole service; 5s where it is not given. Only `jira` has it apart from the next."""
    http_read: PositiveDuration | None = None
    """Waiting for bytes, for a whole service; 10s at most, since threads cannot be interrupted."""

    @model_validator(mode="after")
    def _an_http_read_ends_soon(self) -> Self:
        if self.http_read is not None and self.http_read > LONGEST_HTTP_READ:
            limit = format_duration(LONGEST_HTTP_READ)
            message = f'"{format_duration(self.http_read)}" is too long, threads cannot be interrupted; write "{limit}"'
            raise problem_at(message, "http_read")
        return self


class OperationParts(Model):
    """What an operation declares differently from its service."""

    retry: RetryPart = RetryPart()
    """Values that replace the service's, one by one."""
    timeouts: TimeoutsPart = TimeoutsPart()
    """Likewise."""


class ServiceSettings(Model):
    """One service: what holds for all its operations, and what some of them declare differently."""

    retry: RetryPart = RetryPart()
    """How Temporal repeats a failed activity."""
    timeouts: TimeoutsPart = TimeoutsPart()
    """How long things may take."""
    breaker: BreakerSettings = BreakerSettings()
    """When it is called no more, because it is down. `local` has none."""
    status_page: WebAddress | None = None
    """Address of its status page (Statuspage format): recovery asks it first."""
    rate_per_second: PositiveFloat | None = None
    """Activities started a second over all workers of the service's task queue; not limited without it."""
    concurrency: PositiveInt = 10
    """HTTP calls at once in one process; `local` makes none."""
    slots: PositiveInt
    """Activities at once in one worker: at least the units of a large edition, which mostly wait for a call."""
    operations: dict[str, OperationParts] = Field(default_factory=dict)
    """By the part of an activity's name behind the dot: `send_part` of `slack.send_part`."""

    def policy(self, operation: str) -> OperationPolicy:
        """The operation's policy; one that declares nothing of its own has the service's."""
        parts = self.operations.get(operation, OperationParts())
        timeouts = _merged(self.timeouts, parts.timeouts)
        return OperationPolicy(
            retry=RetryDeclaration.model_validate(_merged(self.retry, parts.retry)),
            start_to_close=timeouts["start_to_close"],
            schedule_to_close=timeouts.get("schedule_to_close"),
            heartbeat=timeouts.get("heartbeat"),
        )

    def all_timeouts(self) -> Iterator[tuple[tuple[str, ...], TimeoutsPart]]:
        """What the service and its operations declare, each with its place in the file."""
        yield ("timeouts",), self.timeouts
        for name, parts in self.operations.items():
            yield ("operations", name, "timeouts"), parts.timeouts

    @property
    def http_connect(self) -> timedelta:
        """How long the service's client waits for a connection."""
        return self.timeouts.http_connect or DEFAULT_HTTP_CONNECT

    @property
    def http_read(self) -> timedelta:
        """How long the service's client waits for bytes."""
        return self.timeouts.http_read or LONGEST_HTTP_READ

    @model_validator(mode="after")
    def _clients_belong_to_the_whole_service(self) -> Self:
        for name, parts in self.operations.items():
            for field in _CLIENT_TIMEOUTS:
                if getattr(parts.timeouts, field) is not None:
                    message = "has no effect: one client serves all operations; write it at the service"
                    raise problem_at(message, "operations", name, "timeouts", field)
        return self

    @model_validator(mode="after")
    def _every_policy_is_whole(self) -> Self:
        _refuse_incomplete(_merged(self.retry), _merged(self.timeouts), ())
        for name, parts in self.operations.items():
            retry, timeouts = _merged(self.retry, parts.retry), _merged(self.timeouts, parts.timeouts)
            _refuse_incomplete(retry, timeouts, ("operations", name))
        return self


class ServicesConfig(RootModel[dict[str, ServiceSettings]]):
    """All services by name."""

    @model_validator(mode="after")
    def _nothing_is_without_effect(self) -> Self:
        for service, settings in self.root.items():
            for at in _WITHOUT_EFFECT.get(service, ()):
                part: Model = settings
                for name in at[:-1]:
                    part = getattr(part, name)
                if getattr(part, at[-1]) != type(part).model_fields[at[-1]].default:
                    raise problem_at(f"has no effect at {service}; remove it", service, *at)
        return self

    @model_validator(mode="after")
    def _a_call_fits_between_two_signs_of_life(self) -> Self:
        for service, settings in self.root.items():
            for at, timeouts in settings.all_timeouts():
                if timeouts.heartbeat is None:
                    continue
                if service in _SILENT:
                    message = f"nothing at {service} gives signs of life; remove it"
                    raise problem_at(message, service, *at, "heartbeat")
                # PyGithub's one time-out bounds both.
                read = settings.http_read
                connect = settings.http_connect if service != GITHUB else read
                _refuse_short_heartbeat(timeouts.heartbeat, connect, read, (service, *at, "heartbeat"))
        return self

    @model_validator(mode="after")
    def _operations_are_ours(self) -> Self:
        for service, settings in self.root.items():
            known = {contract.operation: contract for contract in DECLARED if contract.service == service}
            for name, parts in settings.operations.items():
                if name not in known:
                    cure = did_you_mean(name, known, f"the known ones are {any_of(sorted(known))}")
                    raise problem_at(f"is no operation of {service}; {cure}", service, "operations", name)
                if known[name].is_tried_once and parts.retry != RetryPart():
                    message = "a send is tried once, and again by the schedule in delivery.yaml alone; remove it"
                    raise problem_at(message, service, "operations", name, "retry")
        return self

    def service(self, name: str) -> ServiceSettings:
        """Raises ConfigError naming the known services."""
        if name not in self.root:
            cure = did_you_mean(name, self.root, f"the known ones are {any_of(sorted(self.root))}")
            raise ConfigError([f'the service "{name}" is not in services.yaml; {cure}'])
        return self.root[name]

    def breaker(self, name: str) -> BreakerConfig:
        """The rules of the service's breaker. Raises ConfigError for a service without one."""
        settings = self.service(name)
        if name in names.UNGUARDED:
            known = any_of(sorted(self.guarded))
            what = "our own machine" if name == LOCAL else "many hosts under one name"
            raise ConfigError([f'"{name}" is {what} and has no breaker; {known} have one'])
        return settings.breaker.config()

    @property
    def guarded(self) -> tuple[str, ...]:
        """The services that have a breaker: those that are one system each."""
        return tuple(name for name in self.root if name not in names.UNGUARDED)

    @property
    def status_pages(self) -> dict[str, str]:
        """Addresses by service, of those that have one."""
        return {name: settings.status_page for name, settings in self.root.items() if settings.status_page}

    def policy(self, service: str, operation: str) -> OperationPolicy:
        """The resolved policy of an operation. Raises ConfigError for an unknown service."""
        return self.service(service).policy(operation)


def read_services(path: Path) -> YamlFile[ServicesConfig]:
    """Raises ConfigError with every problem of the file."""
    return read_yaml(path, ServicesConfig)


def _merged(*levels: Model) -> dict[str, Any]:
    """What the levels declare, a later one winning field by field; fields that none declares are left out."""
    merged: dict[str, Any] = {}
    for level in levels:
        merged |= {name: value for name, value in level if value is not None}
    return merged


def _refuse_incomplete(retry: dict[str, Any], timeouts: dict[str, Any], at: tuple[str, ...]) -> None:
    """Raises where the parts, merged, are no policy that can work."""
    for part, declared, needed in (
        ("retry", retry, ("initial", "factor", "maximum")),
        ("timeouts", timeouts, ("start_to_close",)),
    ):
        for field in needed:
            if field not in declared:
                raise problem_at("is missing; add it here or at the service", *at, part, field)
    if "attempts" not in retry and "schedule_to_close" not in timeouts:
        raise problem_at("nothing bounds the retries; add timeouts.schedule_to_close or retry.attempts", *at)
    for part, longer, shorter in _ORDERED:
        declared = retry if part == "retry" else timeouts
        if shorter in declared and longer in declared and declared[longer] < declared[shorter]:
            told = f'"{format_duration(declared[longer])}" is less than {shorter}'
            cure = f'write "{format_duration(declared[shorter])}" or more'
            raise problem_at(f"{told}; {cure}", *at, part, longer)


def _refuse_short_heartbeat(heartbeat: timedelta, connect: timedelta, read: timedelta, at: tuple[str, ...]) -> None:
    """Raises where one call may take longer: its attempt would be given up as that of a lost worker."""
    needed = LEASE_PATIENCE + connect + read
    if heartbeat >= needed:
        return
    parts = (("a probe's lease", LEASE_PATIENCE), ("connecting", connect), ("reading", read))
    takes = ", ".join(f"{what} {format_duration(time)}" for what, time in parts)
    told = f'"{format_duration(heartbeat)}" is less than one call may take ({takes})'
    raise problem_at(f'{told}; write "{format_duration(needed)}" or more', *at)


_ORDERED: Final[Iterable[tuple[str, str, str]]] = (
    ("retry", "maximum", "initial"),
    ("timeouts", "schedule_to_close", "start_to_close"),
    ("timeouts", "start_to_close", "heartbeat"),
    ("timeouts", "start_to_close", "http_read"),
)
