"""What MkDocs is told of these pages: files of the repository that they link to stand in the site as they are."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

_LINK = re.compile(r"(?<=\]\()\.\./[^)\s#]+")
_OUTSIDE = "repository"
"""The folder of the site for what lies beside docs/."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for page in files.documentation_pages():
        for link in _LINK.findall(page.content_string):
            path = _beside_docs(page.src_uri, link)
            if path is not None and files.get_file_from_path(f"{_OUTSIDE}/{path}") is None:
                source = str(Path(config.docs_dir).parent / path)
                included = InclusionLevel.INCLUDED
                files.append(File.generated(config, f"{_OUTSIDE}/{path}", abs_src_path=source, inclusion=included))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links out of docs/ to the site's copies."""
    uri = page.file.src_uri

    def led(link: re.Match[str]) -> str:
        path = _beside_docs(uri, link[0])
        return link[0] if path is None else posixpath.relpath(f"{_OUTSIDE}/{path}", posixpath.dirname(uri) or ".")

    return _LINK.sub(led, markdown)


def _beside_docs(uri: str, link: str) -> str | None:
    """The path in the repository to which a page's link leads; None if it stays within docs/."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(uri), link))
    return None if path.startswith("docs/") else path
