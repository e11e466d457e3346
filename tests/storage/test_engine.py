import pytest

from devsync.storage.connection import WrongDatabaseUrl
from devsync.storage.engine import engine_url, place_of


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_leads_to_psycopg(scheme: str) -> None:
    url = engine_url(f"{scheme}://anna:secret@db:6432/devsync?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    assert (url.password, url.query) == ("secret", {"sslmode": "require"})


@pytest.mark.parametrize("text", ["mysql://anna:secret@db/devsync", "anna:secret@db", "", "sqlite:///x.db"])
def test_another_url_is_refused_without_repeating_the_password(text: str) -> None:
    with pytest.raises(WrongDatabaseUrl, match="write postgresql://user") as refusal:
        engine_url(text)
    assert "secret" not in str(refusal.value)


def test_the_place_in_messages_has_no_credentials() -> None:
    assert place_of(engine_url("postgresql://anna:secret@db:6432/devsync")) == "PostgreSQL at db:6432"
