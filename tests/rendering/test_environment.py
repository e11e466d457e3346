"""Escaping is the default in every format, and a template cannot get around it by forgetting something."""

from pathlib import Path

import pytest
from jinja2 import TemplateAssertionError, UndefinedError
from jinja2.exceptions import SecurityError

from devsync.rendering.environment import Format, environment, render
from devsync.rendering.escape import safe_url

HOSTILE = "<!channel> *b*\r\n{{ 7*7 }}"
EXPECTED = {
    Format.MARKDOWN: r"\<!channel\> \*b\* {{ 7\*7 }}",
    Format.HTML: "&lt;!channel&gt; *b* {{ 7*7 }}",
    Format.TEXT: "<!channel> *b* {{ 7*7 }}",
    Format.SLACK: "&lt;!channel&gt; ∗b∗ {{ 7∗7 }}",
}


def rendered(folder: Path, output: Format, source: str, **values: object) -> str:
    (folder / output.value).mkdir()
    (folder / output.value / "page.j2").write_text(source, "utf-8")
    (folder / output.value / "style.css").write_text("", "utf-8")
    return render(folder, output, "page.j2", values)


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize(
    "source",
    [
        "{{ text }}",
        "{{ [text] | join }}",
        "{{ text ~ '' }}",
        "{% for one in [text] %}{{ one }}{% endfor %}",
        "{% autoescape false %}{{ text }}{% endautoescape %}",
    ],
)
def test_every_printed_value_is_escaped(tmp_path: Path, output: Format, source: str) -> None:
    assert rendered(tmp_path, output, source, text=HOSTILE) == EXPECTED[output]


@pytest.mark.parametrize("output", [Format.MARKDOWN, Format.HTML, Format.SLACK])
def test_a_macro_or_a_captured_block_is_no_way_around(tmp_path: Path, output: Format) -> None:
    source = "{% macro say(t) %}{{ t }}{% endmacro %}{% set kept %}{{ text }}{% endset %}{{ say(text) }}{{ kept }}"
    page = rendered(tmp_path, output, source, text="<!channel>")
    assert "channel" in page
    assert "<" not in page.replace(r"\<", "")


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize("bypass", ["safe", "tojson"])
def test_no_filter_marks_text_as_safe(tmp_path: Path, output: Format, bypass: str) -> None:
    with pytest.raises(TemplateAssertionError, match=bypass):
        rendered(tmp_path, output, f"{{{{ text | {bypass} }}}}", text=HOSTILE)


@pytest.mark.parametrize("output", Format)
def test_a_misspelt_name_is_an_error(tmp_path: Path, output: Format) -> None:
    with pytest.raises(UndefinedError, match="titel"):
        rendered(tmp_path, output, "{{ titel }}", title="x")


@pytest.mark.parametrize("output", Format)
def test_a_template_cannot_reach_python(tmp_path: Path, output: Format) -> None:
    with pytest.raises(SecurityError):
        rendered(tmp_path, output, "{{ text.__class__.__mro__ }}", text="x")


@pytest.mark.parametrize("output", Format)
def test_nothing_is_printed_for_none_and_numbers_are_printed_as_they_are(tmp_path: Path, output: Format) -> None:
    assert rendered(tmp_path, output, "[{{ nothing }}{{ 12 }}]", nothing=None) == "[12]"


def test_an_address_keeps_what_text_would_lose(tmp_path: Path) -> None:
    address = safe_url("https://x.example/@a#1?b=1&c=2")
    assert rendered(tmp_path, Format.MARKDOWN, "{{ url }}", url=address) == "https://x.example/@a#1?b=1&amp;c=2"


def test_a_template_is_compiled_once(tmp_path: Path) -> None:
    rendered(tmp_path, Format.TEXT, "x")
    made = environment(tmp_path, Format.TEXT)
    assert made is environment(tmp_path, Format.TEXT)
    assert made.get_template("page.j2") is made.get_template("page.j2")
