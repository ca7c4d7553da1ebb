"""What can be clicked on a page: typst makes a link of each letter of a long word, readers want the word."""

from pikepdf import Array, Object, Page, Pdf

_FEW = 50
_NEAR = 0.5
"""Points between two that are one."""


def unite(document: Pdf) -> None:
    """Make links that touch and lead to the same address one, on pages with so many that they take room."""
    for page in document.pages:
        if len(page.get("/Annots", ())) > _FEW:
            page.Annots = Array(_united(page))


def _united(page: Page) -> list[Object]:
    kept: list[Object] = []
    last: tuple[str, list[float]] = ("", [])
    for link in page.Annots:
        address, place = _address(link), [float(side) for side in link.Rect]
        if place[2] - place[0] < _NEAR / 10:
            continue  # the box with nothing in it, where a long word may break
        if address and address == last[0] and _touch(last[1], place):
            place = [min(last[1][0], place[0]), place[1], max(last[1][2], place[2]), place[3]]
            kept[-1].Rect = Array([round(side, 3) for side in place])
        else:
            kept.append(link)
        last = address, place
    return kept


def _address(link: Object) -> str:
    action = link.get("/A")
    return "" if action is None else str(action.get("/URI", ""))


def _touch(one: list[float], other: list[float]) -> bool:
    """Whether one stands beside the other, on either side and in the same line."""
    is_beside = abs(one[2] - other[0]) < _NEAR or abs(other[2] - one[0]) < _NEAR
    return is_beside and abs(one[1] - other[1]) < _NEAR and abs(one[3] - other[3]) < _NEAR
