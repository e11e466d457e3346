"""git's commit and tag objects, read from their own form. Pure."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_SIGNED = re.compile(r"(.*?) ?<([^<>]*)> (-?\d+) [+-]\d{4}")


@dataclass(frozen=True)
class Signature:
    name: str
    email: str
    at: datetime


@dataclass(frozen=True)
class RawCommit:
    sha: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str
    """Without the line break at its end, as GitHub shows it."""


@dataclass(frozen=True)
class RawTag:
    """An annotated tag."""

    name: str
    tagger: Signature
    message: str

    @property
    def tagged_at(self) -> datetime:
        return self.tagger.at


def commits_in(batch: bytes) -> Iterator[RawCommit]:
    """The commits of what `git cat-file --batch` prints; what is missing or damaged is left out."""
    position = 0
    while position < len(batch):
        end = batch.index(b"\n", position)
        head = batch[position:end].split()
        position = end + 1
        if len(head) != 3:  # `SHA missing`
            continue
        size = int(head[2])
        content, position = batch[position : position + size], position + size + 1
        commit = _commit(head[0].decode(), content) if head[1] == b"commit" else None
        if commit is not None:
            yield commit


def tag_in(content: bytes) -> RawTag | None:
    """None for one without a tagger: git made such ones long ago."""
    fields, message = _parts(content)
    tagger = _signature(fields.get("tagger", [""])[0])
    name = fields.get("tag", [""])[0]
    return RawTag(name, tagger, message) if tagger and name else None


def _commit(sha: str, content: bytes) -> RawCommit | None:
    fields, message = _parts(content)
    author = _signature(fields.get("author", [""])[0])
    committer = _signature(fields.get("committer", [""])[0])
    if author is None or committer is None:
        return None
    return RawCommit(sha, tuple(fields.get("parent", ())), author, committer, message)


def _parts(content: bytes) -> tuple[dict[str, list[str]], str]:
    """The header's fields, each as often as it stands there, and the message; in the encoding that the object names."""
    head, _, message = content.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    encoding = _encoding(head)
    for line in head.decode(encoding, "replace").split("\n"):
        name, _, value = line.partition(" ")
        if name:  # a line that begins with a space goes on: a signature, which we do not read
            fields.setdefault(name, []).append(value)
    return fields, message.decode(encoding, "replace").rstrip("\n")


def _encoding(head: bytes) -> str:
    named = re.search(rb"^encoding (\S+)$", head, re.MULTILINE)
    if named is None:
        return "utf-8"
    try:
        return codecs.lookup(named[1].decode("ascii", "replace")).name
    except LookupError:
        return "utf-8"


def _signature(text: str) -> Signature | None:
    found = _SIGNED.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.fromtimestamp(int(found[3]), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Signature(found[1], found[2], at)
