"""Clones of git mirrors, of commits alone: one folder a mirror, fetched again when it is needed."""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Final
from urllib.parse import urlsplit

import httpx

from activities.clients.beats import Beat
from activities.clients.git import Git, size_of
from activities.collection import TimeIsUp
from activities.git_objects import RawCommit, RawTag, commits_in, tag_in
from devsync.contracts.names import GIT_MIRROR
from devsync.domain.changelog.window import Window
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.failures.mirror import GitFailed, MirrorEmpty
from devsync.settings.addresses import git_address
from devsync.settings.problems import ConfigError

LARGEST_BYTES: Final = 512 * 2**20
"""Of one clone: the commits of ten thousand a year for decades are less."""

MARGIN: Final = timedelta(days=30)
"""Commits this much older are fetched, too: git stops walking where dates go back, and clocks of people are off."""

_LOCK_SECONDS: Final = 0.5
_HEAD: Final = "refs/devsync/head"
_ADVERTISEMENT: Final = "application/x-git-upload-pack-advertisement"
_SYMREF: Final = re.compile(r"ref: refs/heads/(\S+)\tHEAD")


@dataclass(frozen=True)
class Mirrored:
    """What a mirror's default branch has of a window."""

    branch: str
    commits: tuple[RawCommit, ...]
    """Newest first, as git log shows them."""
    tags: tuple[RawTag, ...]
    newest_at: datetime
    """When the branch's last commit was made."""


class GitMirrors:
    """For activities in threads. `read_timeout` bounds each wait of the one request that finds out why git failed."""

    def __init__(self, folder: Path, *, read_timeout: timedelta) -> None:
        self._folder = folder
        self._read_timeout = read_timeout

    def read(self, repository: str, address: str, window: Window, *, until: datetime, beat: Beat) -> Mirrored:
        """Brings the clone up to date and reads the window from it.

        One at a time a mirror, over all processes of this machine. Raises ConfigError for an address that git must
        not be given, GitFailed, MirrorEmpty, MirrorTooLarge, TimeIsUp, what httpx raises where the address does not
        answer, and MalformedAnswer where it is no git repository.
        """
        scheme = _scheme(repository, address)
        folder = self._folder / _folder_name(repository, address)
        self._folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, until, beat):
            is_new = not folder.exists()
            folder.mkdir(exist_ok=True)
            git = Git(folder, until=until, beat=beat, schemes=scheme, largest_bytes=LARGEST_BYTES)
            try:
                branch = self._prepare(git, folder, address)
                try:
                    return _bring_up_to_date(git, branch, window)
                except GitFailed:
                    if is_new:
                        raise
                    # It may be the clone: a process or a machine that died has damaged it.
                    _empty(folder)
                    self._prepare(git, folder, address)
                    return _bring_up_to_date(git, branch, window)
            finally:
                if size_of(folder) > LARGEST_BYTES // 2:  # what fetches leave behind is never collected
                    shutil.rmtree(folder, ignore_errors=True)

    def branch(self, repository: str, address: str, *, until: datetime) -> str:
        """The mirror's default branch, as it says itself; nothing is fetched. Raises as `read` does."""
        scheme = _scheme(repository, address)
        with TemporaryDirectory() as folder:
            git = Git(Path(folder), until=until, beat=lambda: None, schemes=scheme, largest_bytes=LARGEST_BYTES)
            return self._branch(git, address)

    def _prepare(self, git: Git, folder: Path, address: str) -> str:
        """A folder that git can fetch into, and the name of the branch to fetch."""
        for left_behind in folder.rglob("*.lock"):  # by a git that was killed: nobody else is in this folder
            left_behind.unlink(missing_ok=True)
        git.run("init", "--quiet", "--bare", ".")
        git.run("config", "remote.origin.url", address)
        return self._branch(git, address)

    def _branch(self, git: Git, address: str) -> str:
        """The default branch by name."""
        try:
            told = git.run("ls-remote", "--symref", "--", address, "HEAD").decode(errors="replace")
        except GitFailed:
            self._tell_why(address)
            raise
        if not told.strip():
            # git takes whatever a web server answers for the list of branches of a very old kind of mirror.
            self._tell_why(address)
            raise MirrorEmpty
        named = _SYMREF.search(told)
        return named[1] if named else "HEAD"

    def _tell_why(self, address: str) -> None:
        """Asks the address itself what git was told: by status and type, which git's one exit code does not tell."""
        if urlsplit(address).scheme not in ("http", "https"):
            return
        url = f"{address.rstrip('/')}/info/refs"
        seconds = self._read_timeout.total_seconds()
        parameters = {"service": "git-upload-pack"}
        with httpx.stream("GET", url, params=parameters, timeout=seconds, follow_redirects=True) as answer:
            answer.raise_for_status()
            kind = answer.headers.get("content-type", "")
        if kind != _ADVERTISEMENT:
            raise MalformedAnswer(
                GIT_MIRROR, "the question for its branches", f"{kind or 'nothing'}: no git repository"
            )


def _bring_up_to_date(git: Git, branch: str, window: Window) -> Mirrored:
    _fetch(git, window.start - MARGIN)
    return _window_of(git, branch, window)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _fetch(git: Git, since: datetime) -> None:
    """Commits since then, without files. Where there is none so young, the server refuses: then the last one."""
    what = ("--filter=tree:0", "--force", "--no-write-fetch-head", "--quiet", "origin", f"+HEAD:{_HEAD}")
    try:
        git.run("fetch", f"--shallow-since={since.isoformat()}", *what)
    except GitFailed:
        git.run("fetch", "--depth=1", *what)


def _window_of(git: Git, branch: str, window: Window) -> Mirrored:
    since = f"--since={(window.start - MARGIN).isoformat()}"
    listed = git.run("log", since, "--format=%H %ct", _HEAD, "--").decode().split("\n")
    dated = [
        (sha, datetime.fromtimestamp(int(at), UTC)) for sha, _, at in (line.partition(" ") for line in listed) if sha
    ]
    shas = [sha for sha, at in dated if at in window]
    # The objects themselves: in a shallow clone `git log` hides the parents of the oldest ones.
    commits = commits_in(git.run("cat-file", "--batch", given="".join(f"{sha}\n" for sha in shas).encode()))
    tags = [tag_in(git.run("cat-file", "tag", name)) for name in _tags_of(git, window)]
    newest = git.run("log", "-1", "--format=%ct", _HEAD, "--").decode().strip()
    return Mirrored(
        branch, tuple(commits), tuple(tag for tag in tags if tag is not None), datetime.fromtimestamp(int(newest), UTC)
    )


def _tags_of(git: Git, window: Window) -> list[str]:
    """Annotated tags that were made in the window; a lightweight one has no date of its own."""
    listed = git.run("for-each-ref", "--format=%(taggerdate:unix) %(refname)", "refs/tags").decode().split("\n")
    dated = [(name, at) for at, _, name in (line.partition(" ") for line in listed) if at]
    return [name for name, at in dated if datetime.fromtimestamp(int(at), UTC) in window]


@contextmanager
def _alone(folder: Path, until: datetime, beat: Beat) -> Iterator[None]:
    """Beside the folder, which may be removed while it is held; the kernel lets go of it when a process dies."""
    with folder.with_suffix(".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                beat()
            if datetime.now(UTC) >= until:
                raise TimeIsUp("another reader of the same mirror took all the time")
            sleep(_LOCK_SECONDS)
        yield


def _scheme(repository: str, address: str) -> str:
    try:
        return urlsplit(git_address(address)).scheme
    except ValueError as wrong:
        raise ConfigError([f"the mirror of {repository} {wrong}"]) from None


def _folder_name(repository: str, address: str) -> str:
    """For people to recognise, and unlike that of another mirror of it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", repository)[:80]
    return f"{plain}-{hashlib.sha256(address.encode()).hexdigest()[:12]}.git"
