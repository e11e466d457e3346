import hashlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from devsync.storage.content import ContentDamaged, pack, unpack

CONTENT = b'{"title": "Pay by card"}' * 100


@given(st.binary(max_size=2000))
def test_what_is_packed_comes_back(content: bytes) -> None:
    packed = pack(content)
    assert packed.digest == hashlib.sha256(content).hexdigest()
    assert unpack(packed.compressed, size=len(content), digest=packed.digest) == content


@pytest.mark.parametrize(
    ("compressed", "size", "finding"),
    [
        (pack(CONTENT[::-1]).compressed, len(CONTENT), "does not match its digest"),
        (pack(CONTENT + b"x").compressed, len(CONTENT), "is not 2400 bytes long"),
        (b"no zstd at all", len(CONTENT), "cannot be decompressed"),
        (pack(CONTENT).compressed[:-4], len(CONTENT), "cannot be decompressed"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(CONTENT), len(CONTENT), "is not"),
    ],
)
def test_changed_content_is_detected(compressed: bytes, size: int, finding: str) -> None:
    with pytest.raises(ContentDamaged, match=finding):
        unpack(compressed, size=size, digest=pack(CONTENT).digest)
