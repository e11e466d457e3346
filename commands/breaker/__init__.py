"""`breaker`: where the circuit breakers stand, and the operator's hand on them."""

from typing import Annotated

import typer

from commands.breaker.decisions import decide, end_of, rules_with
from commands.breaker.shown import BreakerState, breaker_states, known_service, shown_breaker
from commands.console import AsJson, Exit, Told, command, emit, output
from commands.messages import by_me
from devsync.contracts.breaker import Configure, Decision, ModeDecision
from devsync.runtime.breaker.operations import APPLIED
from devsync.runtime.connection import connect
from devsync.settings.environment import read_environment

app = typer.Typer(
    help="The circuit breakers: which services are called, which are not, and who decided so.", no_args_is_help=True
)

Service = Annotated[str, typer.Argument(help="The service, as in services.yaml.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]
Until = Annotated[
    str | None,
    typer.Option(help='When it ends by itself: "2h", or "2026-11-30T18:00". Without it, when somebody ends it.'),
]


@app.command("list")
@command
async def list_(as_json: AsJson = False) -> Exit:
    """Show every breaker: its state, since when and why, and what comes next. No worker is needed."""
    states = await breaker_states(await connect(), read_environment().config_dir)
    if as_json:
        emit({"breakers": [state.document() for state in states]})
    else:
        _print(states)
    return Exit.OK


@app.command()
@command
async def show(service: Service, as_json: AsJson = False) -> Exit:
    """Show one breaker: its counts, probes and rules, and what happened to it."""
    known_service(read_environment().config_dir, service)
    breaker = await shown_breaker(await connect(), service)
    if as_json:
        emit(breaker.document())
    else:
        out = output()
        for line in breaker.lines():
            out.print(line, markup=False, soft_wrap=True)
    return Exit.OK


@app.command()
@command
async def force_open(service: Service, reason: Reason, until: Until = None, as_json: AsJson = False) -> Exit:
    """Refuse all calls, on every worker, until then. After it, probes decide."""
    return await decide(service, "force_open", _mode(reason, until), as_json=as_json)


@app.command()
@command
async def force_close(service: Service, reason: Reason, until: Until = None, as_json: AsJson = False) -> Exit:
    """Let all calls through until then, whatever fails; also ends a pause."""
    return await decide(service, "force_close", _mode(reason, until), as_json=as_json)


@app.command()
@command
async def disable(service: Service, reason: Reason, until: Until = None, as_json: AsJson = False) -> Exit:
    """Let all calls through until then and count nothing; also ends a pause."""
    return await decide(service, "disable", _mode(reason, until), as_json=as_json)


@app.command()
@command
async def metrics_only(service: Service, reason: Reason, until: Until = None, as_json: AsJson = False) -> Exit:
    """Count, and record when it would have opened, but open nothing until then."""
    return await decide(service, "metrics_only", _mode(reason, until), as_json=as_json)


@app.command()
@command
async def reset(service: Service, reason: Reason, as_json: AsJson = False) -> Exit:
    """Back to closed: no mode, no pause, nothing counted."""
    return await decide(service, "reset", by_me(Decision, {"reason": reason}), as_json=as_json)


@app.command()
@command
async def configure(
    service: Service,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change this rule, such as failure_threshold=5; repeatable."),
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why; it is recorded with your name. Needed with --set.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> Exit:
    """Send the rules of services.yaml, or change single ones with --set until the next `apply`."""
    if change and reason is None:
        raise Told("--reason is missing; say in a few words why the rules are to differ from services.yaml", Exit.USAGE)
    config_dir = read_environment().config_dir
    known_service(config_dir, service)
    config = await rules_with(await connect(), config_dir, service, change or [])
    wish = by_me(Configure, {"reason": APPLIED if reason is None else reason, "config": config})
    return await decide(service, "configure", wish, as_json=as_json, config=config)


def _mode(reason: str, until: str | None) -> ModeDecision:
    return by_me(ModeDecision, {"reason": reason, "until": None if until is None else end_of(until)})


def _print(states: list[BreakerState]) -> None:
    out = output()
    for state in states:
        out.print(f"[bold]{state.service}[/] [{state.colour}]{state.label}[/]", end=" ")
        out.print(state.why(), markup=False, soft_wrap=True)
