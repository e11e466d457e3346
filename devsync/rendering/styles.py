"""Puts the stylesheet's rules into `style` attributes once, when an HTML template is loaded.

Mail programs drop or ignore stylesheets, so the rules must stand on each element. css-inline does that for a
finished document, but an edition of thousands of items takes it most of a second, and a Jinja2 template is no HTML
that it could read. What an element looks like depends on its class alone, though. So css-inline sees one specimen
of each class that occurs, and the template gets the result: rendering then costs the same as without styles.

For this to hold, `style.css` selects by class only (`.item`, `.item.wide`), and `class="…"` is written without
template expressions. What has no place in an attribute (the dark theme) is in `head.css`, which the template
includes in a `<style>`.
"""

import re
from collections.abc import Callable
from pathlib import Path

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader

STYLESHEET = "style.css"

_CLASS_ATTRIBUTE = re.compile(r'(?<=\s)class="(?P<classes>[^"{}]+)"')
_SPECIMEN = re.compile(r"<div(?P<attributes>[^>]*)></div>")
_STYLE_ATTRIBUTE = re.compile(r'\sstyle="(?P<style>[^"]*)"')


class StyledLoader(FileSystemLoader):
    """Loads templates from a folder, each `class="…"` followed by the `style="…"` that it stands for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._stylesheet = folder / STYLESHEET

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_fresh = super().get_source(environment, template)
        if template.endswith(".css"):
            return source, filename, is_fresh
        return with_styles(source, self._stylesheet.read_text("utf-8")), filename, is_fresh


def with_styles(source: str, stylesheet: str) -> str:
    """The template with the rules of its classes inlined; classes that have none are left as they are."""
    found = sorted({match["classes"] for match in _CLASS_ATTRIBUTE.finditer(source)})
    specimens = "".join(f'<div class="{classes}"></div>' for classes in found)
    document = f"<html><head><style>{stylesheet}</style></head><body>{specimens}</body></html>"
    inlined = CSSInliner(load_remote_stylesheets=False, minify_css=True).inline(document)
    styles = {
        classes: style["style"]
        for classes, specimen in zip(found, _SPECIMEN.finditer(inlined), strict=True)
        if (style := _STYLE_ATTRIBUTE.search(specimen["attributes"]))
    }

    def styled(match: re.Match[str]) -> str:
        style = styles.get(match["classes"])
        return f'{match[0]} style="{style}"' if style else match[0]

    return _CLASS_ATTRIBUTE.sub(styled, source)
