"""Files in a page: pictures and chips in place of links, after the page's text was made safe."""

import base64
import re
from collections.abc import Iterator
from html import escape, unescape
from itertools import count

from exports_app.pictures import links
from exports_app.pictures.attached import Attached, Attachments, Picture

# Of sanitised HTML: in text there is no `<`, in the value of an attribute no quote, in a link no other one.
_LINK = re.compile(r'!?<a((?: [a-z]+="[^"]*")*)>(.*?)</a>', re.DOTALL)
_ADDRESS = re.compile(r' href="([^"]*)"')


def with_files(html: str, files: Attachments) -> str:
    """Return sanitised HTML with files of its owner in place of links to them.

    All other links in it lead out of this server; what is left of one that does not becomes its words.
    """
    if "<a" not in html:
        return html
    places = count()
    return _LINK.sub(lambda found: _shown(found, files, places), html)


def _shown(found: re.Match[str], files: Attachments, places: Iterator[int]) -> str:
    address = _ADDRESS.search(found[1])
    file_id = links.file_of(unescape(address[1])) if address else None
    if address and file_id is None:
        return found[0]
    attached = files.shown(file_id, next(places)) if file_id else None
    if attached is None:
        return found[0][: found[0].index("<a")] + found[2]
    return element(attached, found[2])


def element(attached: Attached, words: str) -> str:
    """Return what shows a file; `words`, which are HTML, are its caption."""
    facts = f'<span class="facts">{escape(attached.facts)}</span>'
    if attached.picture is None:
        return f'<span class="file">{words} {facts}</span>'
    image = _image(attached.picture, attached.name)
    return f'<span class="picture">{image}<span class="caption">{words}</span></span>'


def _image(picture: Picture, name: str) -> str:
    content = base64.b64encode(picture.path.read_bytes()).decode()
    return (
        f'<img alt="{escape(name)}" width="{picture.width}" height="{picture.height}" '
        f'decoding="async" src="data:{picture.content_type};base64,{content}">'
    )
