"""`dashboard`: who may sign in there."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from commands.console import AsJson, Exit, Told, command, emit, output
from commands.doctor.dashboard import check_dashboard
from commands.doctor.findings import print_finding
from devsync.settings.configuration import load_configuration
from devsync.settings.dashboard import DashboardSettings, Person, new_token, read_dashboard, token_digest
from devsync.settings.environment import read_environment

app = typer.Typer(help="Who may sign in at the dashboard: config/dashboard.yaml.", no_args_is_help=True)


@app.command()
@command
async def token(
    person: Annotated[str, typer.Argument(help="The name that decisions are recorded with.")], as_json: AsJson = False
) -> Exit:
    """Make a token, print it once, and the line of config/dashboard.yaml that lets its owner in."""
    name = person.strip()
    if not name:
        raise Told("the name is empty; say whose token it is", Exit.USAGE)
    path = read_environment().config_dir / "dashboard.yaml"
    register = read_dashboard(path) if path.exists() else None
    known = register.model.person(name) if register else None
    made = new_token()
    line = f"token_sha256: {token_digest(made)}"
    if as_json:
        emit({"person": known.name if known else name, "is_known": known is not None, "token": made, "line": line})
        return Exit.OK
    typer.echo(f"The token of {known.name if known else name}, shown this once:\n\n    {made}\n")
    if register is not None and known is not None:
        where = register.problem("", "people", register.model.people.index(known))
        instead = ", in the place of the one that is there" if known.token_sha256 else ""
        typer.echo(f"{where}: write this into the entry{instead}:\n\n    {line}")
    else:
        entry = f'- {{name: {json.dumps(name, ensure_ascii=False)}, role: view, teams: ["*"], {line}}}'
        typer.echo(f"{path}: write this below `people:`, with the role and teams that are right:\n\n    {entry}")
    return Exit.OK


@app.command()
@command
async def check(as_json: AsJson = False) -> Exit:
    """Tell who may sign in, how, and what they may do; and whether that works with this environment."""
    environment = read_environment()
    configuration = load_configuration(environment.config_dir)
    register = configuration.dashboard
    findings = [finding async for finding in check_dashboard(environment, configuration)]
    lines = _lines(register)
    if as_json:
        people, found = [asdict(line) for line in lines], [asdict(finding) for finding in findings]
        emit({"open": register.is_open, "people": people, "findings": found})
    else:
        for line in lines:
            typer.echo(str(line))
        for finding in findings:
            print_finding(finding, output())
    return Exit.OK if all(finding.is_ok for finding in findings) else Exit.FAILED


@dataclass(frozen=True)
class _Line:
    who: str
    role: str
    teams: tuple[str, ...]
    by: tuple[str, ...]
    """The ways by which they come in."""

    def __str__(self) -> str:
        return f"{self.who}: {self.role} {', '.join(self.teams)}; by {', '.join(self.by)}"


def _lines(register: DashboardSettings) -> list[_Line]:
    people = [_Line(one.name, one.role.value, one.teams, tuple(_ways(one))) for one in register.people]
    groups = [_Line(f"group {one.group}", one.role.value, one.teams, ("OpenID",)) for one in register.groups]
    return [*people, *groups]


def _ways(person: Person) -> Iterator[str]:
    if person.email:
        yield f"OpenID as {person.email}"
    if person.token_sha256:
        yield "token"
    if person.slack:
        yield f"Slack's buttons as {person.slack}"
