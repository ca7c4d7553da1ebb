"""Package URLs: the name of a package that all tools of the trade understand."""

from packageurl import PackageURL

_SEPARATORS = {"maven": ":", "npm": "/", "golang": "/", "composer": "/"}


def purl(ecosystem: str, name: str, version: str) -> str:
    """Return the canonical package URL, or nothing for a name that has none; `version` may be empty."""
    separator = _SEPARATORS.get(ecosystem)
    namespace, _, last = name.rpartition(separator) if separator else ("", "", name)
    try:
        return PackageURL(ecosystem, namespace or None, last, version or None).to_string()
    except ValueError:
        return ""
