"""What `breaker list` and `breaker show` print: the entity's word, or what is left of it without a worker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.client import Client

from commands.console import Exit, Told, progress
from commands.on_record import if_known
from devsync.contracts.breaker import BreakerSnapshot
from devsync.domain.breaker import BreakerConfig, Mode, Standing, State, Totals, Transition, spoken
from devsync.runtime.breaker.operations import BreakerOperations, BreakerSilent
from devsync.settings.breaker import BreakerSettings
from devsync.settings.problems import ConfigError, any_of, did_you_mean
from devsync.settings.services import read_services
from devsync.storage.breakers import BreakerTransitions

_COLOURS = {State.CLOSED: "green", State.OPEN: "red", State.HALF_OPEN: "yellow"}
_PROBES = ("lent", "succeeded", "failed", "given_back", "expired")
_SHOWN = 20


@dataclass(frozen=True)
class BreakerState:
    """One service's breaker in a line."""

    service: str
    standing: Standing | None
    """None: nobody has reported yet, and nobody has decided anything."""

    @property
    def label(self) -> str:
        return self.standing.label.replace("_", " ") if self.standing else "closed"

    @property
    def colour(self) -> str:
        standing = self.standing
        if standing is None:
            return _COLOURS[State.CLOSED]
        if standing.mode is not Mode.NORMAL:
            return "magenta"
        return "yellow" if standing.paused_until else _COLOURS[standing.state]

    def line(self, now: datetime | None = None) -> str:
        return f"{self.service} {self.label} {self.why(now)}"

    def why(self, now: datetime | None = None) -> str:
        """`since 2026-11-25 04:10:02 UTC: 10 failures in 15 min, last: 503 … (breaker); next probe at …`.

        What is due has not happened yet where no worker runs: then it says so.
        """
        standing, now = self.standing, now or datetime.now(UTC)
        if standing is None:
            return "(no calls yet)"
        said = f"since {_at(standing.changed_at)}: {standing.reason} ({standing.actor})"
        if standing.mode_until:
            said += f"; {'until' if now < standing.mode_until else 'was to end at'} {_at(standing.mode_until)}"
        elif standing.retry_at:
            said += f"; next probe {'at' if now < standing.retry_at else 'due since'} {_at(standing.retry_at)}"
        elif standing.mode is not Mode.NORMAL:
            said += "; until somebody ends it"
        if standing.paused_until and now < standing.paused_until:
            said += f"; paused until {_at(standing.paused_until)}: {standing.pause_reason}"
        return said

    def document(self) -> dict[str, Any]:
        return {"service": self.service, "standing": self.standing and self.standing.model_dump(mode="json")}


@dataclass(frozen=True)
class ShownBreaker:
    """One service's breaker in detail."""

    state: BreakerState
    snapshot: BreakerSnapshot | None = None
    """None: no worker answered, or there is no breaker yet."""
    transitions: list[Transition] = field(default_factory=list)
    """Oldest first."""

    def document(self) -> dict[str, Any]:
        snapshot = self.snapshot.model_dump(mode="json") if self.snapshot else {}
        if self.snapshot:
            snapshot["config"] = rules(self.snapshot.config)
        transitions = [transition.model_dump(mode="json") for transition in self.transitions]
        return {**self.state.document(), "is_live": self.snapshot is not None, **snapshot, "transitions": transitions}

    def lines(self) -> list[str]:
        lines = [self.state.line()]
        if self.snapshot:
            lines += _details(self.snapshot)
        return lines + [_event(transition) for transition in reversed(self.transitions)]


def known_service(config_dir: Path, service: str) -> None:
    """Raises Told for a service that has no breaker."""
    services = read_services(config_dir / "services.yaml").model
    try:
        services.breaker(service)
    except ConfigError as error:
        cure = did_you_mean(service, services.guarded, f"write {any_of(services.guarded)}")
        raise Told(f'there is no breaker of "{service}"; {cure}', Exit.USAGE) from error


@contextmanager
def waiting_for(service: str) -> Iterator[None]:
    """An answer may take as long as ten seconds, where a worker has just gone."""
    with progress.status(f"asking the breaker of {service}"):
        yield


async def breaker_states(client: Client, config_dir: Path) -> list[BreakerState]:
    """Of every service that has a breaker in services.yaml or on the server, by name."""
    standings = await BreakerOperations(client).standings()
    services = read_services(config_dir / "services.yaml").model.guarded
    return [BreakerState(name, standings.get(name)) for name in sorted({*services, *standings})]


async def shown_breaker(client: Client, service: str) -> ShownBreaker:
    """What its entity says; without a worker, what its memo and the database say."""
    operations = BreakerOperations(client)
    try:
        with waiting_for(service):
            snapshot = await operations.snapshot(service)
    except BreakerSilent as error:
        progress.print(f"{error}. This is what it last said, and what is on record", markup=False, soft_wrap=True)
        state = BreakerState(service, (await operations.standings()).get(service))
        return ShownBreaker(state, transitions=await _on_record(service))
    if snapshot is None:
        return ShownBreaker(BreakerState(service, None), transitions=await _on_record(service))
    return ShownBreaker(BreakerState(service, snapshot.standing), snapshot, list(snapshot.transitions))


async def _on_record(service: str) -> list[Transition]:
    """Empty, with a word about why, where the database cannot be asked."""
    asking = if_known(
        "what is on record is", lambda database: BreakerTransitions(database).latest(service, limit=_SHOWN)
    )
    return await asking or []


def _details(snapshot: BreakerSnapshot) -> list[str]:
    config, counts, totals = snapshot.config, snapshot.counts, snapshot.totals
    window = spoken(config.monitoring_window)
    lines = [
        rules_line(config),
        f"  counted  {counts.calls} calls in {window}, {counts.failures} failed, {counts.slow} slow",
        f"  calls    {_listed(totals, 'successes', 'failures', 'ignored', 'throttled', 'of_other_generations')}",
        f"  probes   {len(snapshot.leases)} out; {_listed(totals, *(f'probes_{word}' for word in _PROBES))}",
        f"  reports  {snapshot.reports}, and {snapshot.duplicates} that came again",
    ]
    if snapshot.last_failure:
        lines.append(f"  last failure  {snapshot.last_failure}")
    if not snapshot.is_configured:
        lines.append("  config/services.yaml is still to be read")
    if snapshot.unrecorded:
        lines.append(f"  {snapshot.unrecorded} events wait for the database")
    if snapshot.records_lost:
        lines.append(f"  {snapshot.records_lost} events were never written down")
    if snapshot.refused_count > len(snapshot.refused):
        lines.append(f"  {snapshot.refused_count} messages refused, the last of them:")
    return lines + [f"  refused  {message}" for message in snapshot.refused]


def _listed(totals: Totals, *names: str) -> str:
    return ", ".join(f"{getattr(totals, name)} {name.removeprefix('probes_').replace('_', ' ')}" for name in names)


def _event(transition: Transition) -> str:
    event = transition.event.value.replace("_", " ")
    until = f", until {_at(transition.until)}" if transition.until else ""
    return f"  {_at(transition.at)}  {event}{until}: {transition.reason} ({transition.actor})"


def rules(config: BreakerConfig) -> dict[str, Any]:
    """As services.yaml has them."""
    return BreakerSettings.model_validate(config.model_dump()).model_dump(mode="json")


def rules_line(config: BreakerConfig) -> str:
    return "  rules    " + ", ".join(f"{name} {value}" for name, value in rules(config).items() if value is not None)


def _at(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
