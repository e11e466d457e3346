"""The benchmark of the Python API, scaled down: it must not rot. No time is asserted."""

import pytest

from bench import api

pytestmark = pytest.mark.timeout(600)


async def test_a_few_errors_and_blocks_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BLOCKS", 20)
    figures, details = await api.run(repetitions=2)
    assert {figure.row for figure in figures} == {"L"}
    assert all(figure.value > 0 for figure in figures)
    assert set(details) == {"handle_error", "bare", "block_ms"}
