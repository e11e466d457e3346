"""Metrics that a test can read where they are told."""

import pytest

from tests.metric_buffer import Buffered


@pytest.fixture
def buffered() -> Buffered:
    return Buffered()
