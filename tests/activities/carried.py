"""Artifacts that travel inline, and a store that reads nothing else."""

from devsync.contracts.artifacts import ArtifactRef
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.content import pack
from devsync.storage.database import Database


def carried(content: str) -> ArtifactRef:
    packed = pack(content.encode())
    return ArtifactRef.of_inline(packed.compressed, size=packed.size, kind="rendering")


def no_store() -> ArtifactStore:
    """Its database is never asked."""
    return ArtifactStore(Database("postgresql://nobody@localhost:9/none"))
