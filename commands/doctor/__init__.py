"""`doctor`: looks at everything that a run needs, and says how to mend what is wrong."""

from collections.abc import AsyncIterator, Callable
from dataclasses import asdict

from commands.console import AsJson, Exit, command, emit, output
from commands.doctor.calendar import check_calendars
from commands.doctor.dashboard import check_dashboard
from commands.doctor.findings import Finding, print_finding
from commands.doctor.github import check_github
from commands.doctor.jira import check_jira
from commands.doctor.mail import check_mail
from commands.doctor.platform import check_database, check_temporal
from commands.doctor.slack import check_slack
from commands.doctor.stand_ins import check_mirrors, check_status_pages
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import Environment, read_environment
from devsync.settings.problems import ConfigError

Check = Callable[[Environment, Configuration], AsyncIterator[Finding]]
SERVICE_CHECKS: tuple[Check, ...] = (
    check_github,
    check_jira,
    check_slack,
    check_mail,
    check_calendars,
    check_mirrors,
    check_status_pages,
    check_dashboard,
)


@command
async def doctor(as_json: AsJson = False) -> Exit:
    """Check configuration, database, Temporal, workers and each service's credentials."""
    out = output()
    findings = []
    async for finding in _findings():
        findings.append(finding)
        if not as_json:
            print_finding(finding, out)
    is_well = all(finding.is_ok for finding in findings)
    if as_json:
        emit({"ok": is_well, "findings": [asdict(finding) for finding in findings]})
    return Exit.OK if is_well else Exit.FAILED


async def _findings() -> AsyncIterator[Finding]:
    try:
        environment = read_environment()
    except ConfigError as error:
        yield Finding("environment", False, "cannot be used", str(error))
        return
    async for finding in check_database(environment):
        yield finding
    configuration: Configuration | None = None
    try:
        configuration = load_configuration(environment.config_dir)
        teams = ", ".join(configuration.teams) or "none"
        yield Finding("configuration", True, f"{environment.config_dir}, teams: {teams}")
    except ConfigError as error:
        yield Finding("configuration", False, "cannot be used", str(error))
    async for finding in check_temporal(configuration):
        yield finding
    if configuration is None:
        return
    for check in SERVICE_CHECKS:
        async for finding in check(environment, configuration):
            yield finding
