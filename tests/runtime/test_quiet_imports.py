"""While a program is loaded the collector of garbage rests; whoever imports it, as tests do, keeps theirs."""

import gc

import starter
import worker


def test_whoever_imports_a_program_keeps_the_collector() -> None:
    assert (starter.__name__, worker.__name__, gc.isenabled()) == ("starter", "worker", True)
