"""Packs and unpacks what is stored: zstd around the bytes, sha256 of the bytes as their name. No I/O."""

import hashlib
from dataclasses import dataclass

import zstandard

from devsync.storage.connection import StorageError

_LEVEL = 3
"""zstd's default: JSON shrinks 6 to 10 times at some 300 MB/s, and higher levels win little on it."""


class ContentDamaged(StorageError):
    """Stored or inline content is not what its reference says: the bytes were changed after writing."""


@dataclass(frozen=True)
class Packed:
    """Content ready to be stored. `size` is that of the uncompressed bytes."""

    digest: str
    size: int
    compressed: bytes


def pack(content: bytes) -> Packed:
    """The same content always gives the same digest."""
    return Packed(
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        # A compressor object must not be shared by threads, and making one costs microseconds.
        compressed=zstandard.ZstdCompressor(level=_LEVEL).compress(content),
    )


def unpack(compressed: bytes, *, size: int, digest: str | None) -> bytes:
    """The uncompressed bytes, checked against their size and, where it is known, their digest.

    Raises ContentDamaged.
    """
    name = f"artifact {digest[:12]}" if digest else "an inline artifact"
    try:
        # The size is checked before anything is inflated: a short frame can claim gigabytes.
        if zstandard.frame_content_size(compressed) != size:
            raise ContentDamaged(f"{name} is not {size} bytes long, as its reference says")
        content = zstandard.ZstdDecompressor().decompress(compressed)
    except zstandard.ZstdError as error:
        raise ContentDamaged(f"{name} cannot be decompressed: {error}") from error
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise ContentDamaged(f"{name} does not match its digest")
    return content
