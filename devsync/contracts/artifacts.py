"""References to stored content: what a workflow's history holds instead of the content itself."""

import base64
from typing import Self

from pydantic import Field, model_validator

from devsync.domain.model import Model

INLINE_LIMIT_BYTES = 64 * 1024
"""Largest compressed content that may travel in a reference while the store is away (design, section 10)."""

INLINE_LIMIT = 4 * -(-INLINE_LIMIT_BYTES // 3)
"""The same as `inline_size` counts it: characters of base64."""

INLINE_BUDGET = 1_536 * 1024
"""What one edition may carry so in all, in characters (design, section 10): no message of it may pass 2 MB."""


class ArtifactRef(Model):
    """Where an artifact is: a digest in the store or, while the store is away, the compressed content itself.

    Whoever receives one reads it through `devsync.storage.artifacts.ArtifactStore.get`, which accepts both.
    """

    digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """sha256 of the uncompressed bytes, in lower-case hexadecimal."""
    inline: str | None = Field(default=None, max_length=INLINE_LIMIT)
    """The zstd-compressed content in base64: text, because payloads are JSON."""
    size: int = Field(ge=0)
    """Bytes, uncompressed."""
    kind: str
    """What it is, for people who look into the store: `collected`, `edition`, `rendering.slack`."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.digest is None) == (self.inline is None):
            raise ValueError("an artifact reference has either a digest or inline content")
        return self

    @classmethod
    def of_inline(cls, compressed: bytes, *, size: int, kind: str) -> Self:
        """A reference that carries its content. Raises ValidationError above INLINE_LIMIT_BYTES."""
        return cls(inline=base64.b64encode(compressed).decode("ascii"), size=size, kind=kind)

    @property
    def inline_content(self) -> bytes | None:
        """The compressed content, None for a stored artifact."""
        return None if self.inline is None else base64.b64decode(self.inline, validate=True)

    @property
    def inline_size(self) -> int:
        """Characters that this reference carries, 0 for a digest: to be summed against INLINE_BUDGET."""
        return len(self.inline or "")
