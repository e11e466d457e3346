"""The page that a person sees behind a link of the changelog: plain, one an object."""

from html import escape

from aiohttp import web

NO_SUCH_PAGE = "There is no such page in the sandbox."


def object_page(place: str, title: str, text: str) -> web.Response:
    """`place` is what the object belongs to."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<title>{escape(title)}</title><body style="font: 16px/1.5 sans-serif; margin: 3rem auto; '
        f'max-width: 46rem"><p>{escape(place)} · sandbox</p><h1>{escape(title)}</h1>'
        f'<pre style="white-space: pre-wrap">{escape(text)}</pre></body></html>'
    )
    return web.Response(text=page, content_type="text/html")


def no_such_page() -> web.Response:
    return web.Response(status=404, text=NO_SUCH_PAGE)
