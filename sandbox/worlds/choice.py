"""Which world a command runs on: the options that every command of the sandbox shares."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.world import World
from sandbox.worlds.demo import DEMO_WEEK, demo_world
from sandbox.worlds.extremes import extreme_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.git_repository import git_world
from sandbox.worlds.history import history_world

_SIZES = {
    "large": {"teams": 1, "repositories": 50, "projects": 10, "pull_requests": 5000, "issues": 1000},
    "fleet": {"teams": 200, "repositories": 1000, "projects": 200, "pull_requests": 4000, "issues": 1600},
}
"""In all, not per team."""


def add_world_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--world", choices=("demo", "large", "fleet", "extremes", "history", "git"), default="demo")
    parser.add_argument("--week", help="ISO week such as 2026-W47; history and git: that of the newest commit")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timezone", default="Europe/Berlin", help="of the teams; a history's is UTC")
    parser.add_argument("--history", type=Path, metavar="DIR", help="where the *.jsonl.gz files of a history lie")
    parser.add_argument("--team", default="all", help="history: the part of the file name after __, or all")
    parser.add_argument("--jira", choices=("cloud", "data-center"), default="cloud", help="default: %(default)s")
    parser.add_argument("--repository", type=Path, metavar="PATH", help="git: a local repository")
    for name in _SIZES["large"]:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help="large, fleet: how many in all")
    parser.add_argument("--slack-channels", type=int, default=1, metavar="N", help="large, fleet: of each team")


def world_of(options: argparse.Namespace) -> World:
    """The world that the options ask for. Raises ValueError, with what to do, when they do not fit together."""
    world = _chosen(options)
    world.jira_deployment = options.jira
    return world


def _chosen(options: argparse.Namespace) -> World:
    week: str = options.week or DEMO_WEEK
    if options.world == "demo":
        return demo_world(week, seed=options.seed, timezone=options.timezone)
    if options.world == "extremes":
        return extreme_world(options.week or DEMO_WEEK)
    if options.world == "history":
        if options.history is None:
            raise ValueError("--world history needs --history DIR")
        return history_world(options.history, options.team, week=options.week)
    if options.world == "git":
        if options.repository is None:
            raise ValueError("--world git needs --repository PATH")
        return git_world(options.repository, week=options.week, timezone=options.timezone)
    size = {name: getattr(options, name) or number for name, number in _SIZES[options.world].items()}
    return generated_world(
        **size, slack_channels=options.slack_channels, week=week, seed=options.seed, timezone=options.timezone
    )
