"""The order of versions, what constraints allow, and what package URLs are made of."""

from itertools import pairwise

import pytest

from agents_app.codebase.dependencies.constraints import allows, exact, outdated
from agents_app.codebase.dependencies.ordering import key
from agents_app.codebase.dependencies.purl import purl


@pytest.mark.parametrize(
    ("ecosystem", "ascending"),
    [
        ("pypi", ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1!0.1"]),
        (
            "npm",
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1", "1.10.0"],
        ),
        ("golang", ["v0.0.0-20200101000000-abcdefabcdef", "v1.0.0-rc.1", "v1.0.0", "v2.0.0+incompatible"]),
        ("gem", ["1.0.0.pre1", "1.0.0.rc1", "1.0.0", "1.0.0.1", "1.2"]),
        (
            "composer",
            ["1.0.0-dev", "1.0.0-alpha1", "1.0.0-beta2", "1.0.0-RC1", "v1.0.0", "1.0.0-p1", "1.0.1"],
        ),
        (
            "maven",
            ["1.0-alpha-1", "1.0-beta-2", "1.0-M1", "1.0-RC1", "1.0-SNAPSHOT", "1.0", "1.0-sp1", "1.1"],
        ),
    ],
)
def test_versions_sort_as_their_ecosystem_sorts_them(ecosystem: str, ascending: list[str]) -> None:
    keys = [key(ecosystem, version) for version in ascending]
    assert all(before and after and before.order < after.order for before, after in pairwise(keys))


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [
        ("pypi", "1.0", "1.0.0"),
        ("npm", "v1.0.0", "1.0.0+build"),
        ("maven", "1.0", "1.0.Final"),
        ("maven", "33.0-jre", "33.0-android"),
        ("gem", "1.0", "1.0.0"),
    ],
)
def test_some_versions_are_the_same(ecosystem: str, one: str, other: str) -> None:
    first, second = key(ecosystem, one), key(ecosystem, other)
    assert first
    assert second
    assert first.order == second.order


@pytest.mark.parametrize(
    "version", ["", "x", "1.0.0_1", "git+https://x", "\N{ARABIC-INDIC DIGIT ONE}.0" + "é"]
)
def test_what_is_no_version_has_no_place(version: str) -> None:
    assert key("npm", version) is None


@pytest.mark.parametrize(
    ("ecosystem", "constraint", "allowed", "refused"),
    [
        ("pypi", "", "9", ""),
        ("pypi", ">=1,<2", "1.9", "2.0"),
        ("pypi", "~=1.4.2", "1.4.9", "1.5"),
        ("pypi", "==1.*", "1.9", "2"),
        ("pypi", "!=1.5", "1.4", "1.5"),
        ("pypi", "^1.2", "1.9", "2.0"),
        ("pypi", "~1.2", "1.2.9", "1.3"),
        ("pypi", "==1.0", "1.0.0", "1.0.1"),
        ("npm", "^1.2.3", "1.9.0", "2.0.0"),
        ("npm", "^0.2.3", "0.2.9", "0.3.0"),
        ("npm", "^0.0.3", "0.0.3", "0.0.4"),
        ("npm", "~1.2", "1.2.9", "1.3.0"),
        ("npm", "~1", "1.9.0", "2.0.0"),
        ("npm", "1.x", "1.9.0", "2.0.0"),
        ("npm", "1.2", "1.2.9", "1.3.0"),
        ("npm", "*", "9.0.0", ""),
        ("npm", "1.2.3 - 2.3", "2.3.9", "2.4.0"),
        ("npm", "^1 || ^3", "3.1.0", "2.0.0"),
        ("npm", ">=1.2.0 <2", "1.9.0", "2.0.0"),
        ("npm", "=1.0.0", "1.0.0", "1.0.1"),
        ("cargo", "1.2", "1.9.0", "2.0.0"),
        ("cargo", "0.3", "0.3.9", "0.4.0"),
        ("cargo", "=1.2.3", "1.2.3", "1.2.4"),
        ("cargo", ">=1, <1.5", "1.4.0", "1.5.0"),
        ("cargo", "1.*", "1.9.0", "2.0.0"),
        ("composer", "~1.2", "1.9.0", "2.0.0"),
        ("composer", "~1.2.3", "1.2.9", "1.3.0"),
        ("composer", "^1.0|^2.0", "2.5.0", "3.0.0"),
        ("composer", "1.2.*", "1.2.9", "1.3.0"),
        ("composer", "^1.0@dev", "1.5.0", "2.0.0"),
        ("gem", "~> 7.0, >= 7.0.1", "7.1", "8.0"),
        ("gem", "~> 7.0.1", "7.0.9", "7.1"),
        ("gem", "1.0", "1.0.0", "1.1"),
        ("maven", "[1.0,2.0)", "1.5", "2.0"),
        ("maven", "(,1.0],[2.0,)", "3.0", "1.5"),
        ("maven", "1.+", "1.9", "2.0"),
        ("maven", "[1.5]", "1.5", "1.6"),
    ],
)
def test_constraints_allow_what_their_ecosystem_allows(
    ecosystem: str, constraint: str, allowed: str, refused: str
) -> None:
    assert allows(ecosystem, constraint, allowed) is True
    assert not refused or allows(ecosystem, constraint, refused) is False


@pytest.mark.parametrize(
    "constraint",
    [
        "file:../x",
        "git+https://x/1.0",
        "workspace:*",
        "npm:a@1",
        "${v}",
        "=> ../x",
        "(of the workspace)",
        "dev-master",
        "github:a/b",
        "1.0 and 2.0",
        "1" * 300,
        "[1,2",
        "../c",
        "a 1.0 - 2.0 b",
    ],
)
@pytest.mark.parametrize("ecosystem", ["pypi", "npm", "cargo", "golang", "gem", "composer", "maven"])
def test_what_is_no_constraint_is_unknown(ecosystem: str, constraint: str) -> None:
    assert allows(ecosystem, constraint, "1.0.0") is None
    assert outdated(ecosystem, constraint, "", "1.0.0") is None
    assert exact(ecosystem, constraint) == ""


@pytest.mark.parametrize(
    ("ecosystem", "constraint", "locked", "latest", "expected"),
    [
        ("npm", "1.0.0", "", "1.0.1", True),
        ("npm", "^1.0.0", "", "1.9.0", False),
        ("npm", "^1.0.0", "", "2.0.0", True),
        ("npm", "^1.0.0", "1.2.0", "1.9.0", True),
        ("npm", "^3", "", "2.0.0", False),
        ("npm", "^1 || ^3", "", "2.0.0", False),
        ("pypi", "<2", "", "2.1", True),
        ("pypi", ">=3", "", "2.1", False),
        ("pypi", "", "", "2.1", False),
        ("golang", "v1.0.0", "", "v1.0.1", True),
        ("npm", "1.0.0", "", "nonsense", None),
        ("npm", "file:x", "1.0.0", "1.1.0", True),
        ("npm", "^1", "git+https://x", "1.1.0", None),
    ],
)
def test_a_dependency_is_outdated_if_the_newest_lies_above_it(
    ecosystem: str, constraint: str, locked: str, latest: str, expected: bool | None
) -> None:
    assert outdated(ecosystem, constraint, locked, latest) is expected


@pytest.mark.parametrize(
    ("ecosystem", "constraint", "expected"),
    [
        ("pypi", "==1.0", "1.0"),
        ("pypi", "==1.*", ""),
        ("pypi", ">=1", ""),
        ("npm", "1.2.3", "1.2.3"),
        ("npm", "1.2", ""),
        ("cargo", "1.2.3", ""),
        ("cargo", "=1.2.3", "1.2.3"),
        ("golang", "v1.2.3", "v1.2.3"),
        ("maven", "1.0", "1.0"),
        ("gem", "~> 1", ""),
        ("composer", "v1.0.0", "1.0.0"),
        ("npm", "1.0.0 || 2.0.0", ""),
    ],
)
def test_only_one_version_is_exact(ecosystem: str, constraint: str, expected: str) -> None:
    assert exact(ecosystem, constraint) == expected


@pytest.mark.parametrize(
    ("ecosystem", "name", "version", "expected"),
    [
        ("pypi", "Django_X", "1.0", "pkg:pypi/django-x@1.0"),
        ("npm", "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
        ("golang", "github.com/pkg/errors", "v0.9.1", "pkg:golang/github.com/pkg/errors@v0.9.1"),
        ("maven", "org.junit:junit", "", "pkg:maven/org.junit/junit"),
        ("composer", "Monolog/Monolog", "3.0.0", "pkg:composer/monolog/monolog@3.0.0"),
        ("cargo", "serde", "1.0.0", "pkg:cargo/serde@1.0.0"),
        ("gem", "rails", "", "pkg:gem/rails"),
        ("maven", "g:", "1", ""),
    ],
)
def test_a_package_url_is_canonical(ecosystem: str, name: str, version: str, expected: str) -> None:
    assert purl(ecosystem, name, version) == expected
