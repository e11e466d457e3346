"""What a check of `doctor` finds, and the small parts that the checks of web services share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console

TIMEOUT = httpx.Timeout(10, connect=5)


@dataclass(frozen=True)
class Finding:
    """One check. `cure` says what to do, and is empty when all is well; it may say what could be better where nothing
    fails: a protection is not in force, nobody has to sign in."""

    check: str
    is_ok: bool
    detail: str
    cure: str = ""


def print_finding(finding: Finding, out: Console) -> None:
    if finding.is_ok:
        out.print("[yellow]note[/]" if finding.cure else "[green]ok  [/]", end=" ")
    else:
        out.print("[bold red]FAIL[/]", end=" ")
    out.print(f"{finding.check}: {finding.detail}", markup=False, soft_wrap=True)
    for line in finding.cure.splitlines():
        out.print(f"     → {line}", markup=False, soft_wrap=True)


async def get(
    http: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None
) -> tuple[httpx.Response | None, str]:
    """The answer, or None and why there is none."""
    try:
        return await http.get(path, headers=headers), ""
    except httpx.HTTPError as error:
        return None, f"unreachable ({type(error).__name__})"


def json_of(answer: httpx.Response | None) -> dict[str, Any]:
    """The answer's object; empty for whatever is none."""
    try:
        body = answer.json() if answer is not None else {}
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def words(answer: httpx.Response | None, problem: str) -> str:
    """An answer as a detail: `readable`, or the status with the service's own words."""
    if answer is None:
        return problem
    if answer.status_code == 200:
        return "readable"
    message = json_of(answer).get("message") or next(iter(json_of(answer).get("errorMessages") or ()), "")
    return f"answered {answer.status_code}{f' ({message})' if message else ''}"


def unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
