"""docs/reference/dashboard.md, from the routes of the application and the rule of each."""

from collections.abc import Iterator

from fastapi.routing import APIRoute

from dashboard.access import Rule, rule_of
from dashboard.app import OTHERS, PAGES
from docs.generate.markdown import code, table

INTRODUCTION = """\
# Dashboard

`python -m dashboard` serves these addresses; [how to open it](../how-to/open-the-dashboard.md). Who may use each is
said where it is defined; a route that says nothing is refused to everybody, and what belongs to another team is *not
found*. Everything that writes is a POST with the page's own token (CSRF), and is recorded with the name of who is
signed in.
"""


def page() -> str:
    rules = [(f"`{rule.name.lower().replace('_', ' ')}`", rule.value) for rule in Rule]
    routes = [(code(f"{' '.join(sorted(route.methods or ()))} {route.path}"), _rule(route)) for route in _routes()]
    return "\n".join(
        [INTRODUCTION, "## Rules\n", table(("rule", "who"), rules), "## Addresses\n", table(("", "rule"), routes)]
    )


def _routes() -> Iterator[APIRoute]:
    found = [route for module in (*PAGES, *OTHERS) for route in module.router.routes]
    yield from sorted((route for route in found if isinstance(route, APIRoute)), key=lambda route: route.path)


def _rule(route: APIRoute) -> str:
    rule = rule_of(route.endpoint)
    return rule.name.lower().replace("_", " ") if rule else "nobody"
