"""JIRA Cloud (REST v3, agile 1.0), as far as the `jira` client 3.10.5 and a changelog need it."""

from sandbox.jira.app import SITE, JiraSite, build_app

__all__ = ["SITE", "JiraSite", "build_app"]
