"""What each kind of manifest declares."""

import pytest

from agents_app.codebase import licences
from agents_app.codebase.dependencies import manifests

EXAMPLES = {
    "requirements.txt": (
        (
            "# comment\n-r other.txt\n--index-url https://user:token@example.org/simple\n"
            "Django==5.2 ; python_version>'3'\n"
            "celery[redis]>=5.3,<6  # reason\nplain\n./local\nhashed==1.0 \\\n    --hash=sha256:00\n"
            "direct @ https://user:token@example.org/x.zip?sig=token\n"
            "-e git+https://token@example.org/x.git@v1#egg=edited\nold>1.0-dev\n???\n"
        ),
        [
            ("pypi", "Django", "==5.2", "runtime"),
            ("pypi", "celery", "<6,>=5.3", "runtime"),
            ("pypi", "plain", "", "runtime"),
            ("pypi", "hashed", "==1.0", "runtime"),
            ("pypi", "direct", "https://example.org/x.zip", "runtime"),
            ("pypi", "edited", "git+https://example.org/x.git@v1", "runtime"),
            ("pypi", "old", ">1.0-dev", "runtime"),
        ],
    ),
    "requirements-dev.txt": ("pytest", [("pypi", "pytest", "", "dev")]),
    "requirements/test.txt": ("pytest", [("pypi", "pytest", "", "dev")]),
    "requirements/base.txt": ("django", [("pypi", "django", "", "runtime")]),
    "pyproject.toml": (
        (
            '[project]\ndependencies = ["a>=1", 5]\n[project.optional-dependencies]\nx = ["b"]\n'
            '[dependency-groups]\ntest = ["c", {include-group = "x"}]\n'
            '[tool.poetry.dependencies]\npython = "^3.11"\nd = "^1.2"\ne = {version = "2", optional = true}\n'
            'f = [{version = "3"}, {version = "4"}]\n[tool.poetry.group.dev.dependencies]\ng = {git = "https://t@h/g"}\n'
            '[tool.uv]\ndev-dependencies = ["h"]\n'
        ),
        [
            ("pypi", "a", ">=1", "runtime"),
            ("pypi", "b", "", "optional"),
            ("pypi", "c", "", "dev"),
            ("pypi", "h", "", "dev"),
            ("pypi", "d", "^1.2", "runtime"),
            ("pypi", "e", "2", "optional"),
            ("pypi", "f", "3", "runtime"),
            ("pypi", "g", "https://h/g", "dev"),
        ],
    ),
    "Pipfile": (
        '[packages]\na = "*"\nb = {version = "==1"}\n[dev-packages]\nc = "~=2"\n',
        [("pypi", "a", "*", "runtime"), ("pypi", "b", "==1", "runtime"), ("pypi", "c", "~=2", "dev")],
    ),
    "setup.cfg": (
        "[options]\ninstall_requires =\n    a>=1\n    b\n[options.extras_require]\nx = c\n  d==1\n",
        [
            ("pypi", "a", ">=1", "runtime"),
            ("pypi", "b", "", "runtime"),
            ("pypi", "c", "", "optional"),
            ("pypi", "d", "==1", "optional"),
        ],
    ),
    "package.json": (
        (
            '{"dependencies": {"a": "^1", "b": "git+https://token@example.org/b"},'
            ' "devDependencies": {"c": "*"}, "peerDependencies": {"d": ">=2"},'
            ' "optionalDependencies": {"e": 5}, "scripts": {"x": "rm"}}'
        ),
        [
            ("npm", "a", "^1", "runtime"),
            ("npm", "b", "git+https://example.org/b", "runtime"),
            ("npm", "c", "*", "dev"),
            ("npm", "e", "", "optional"),
            ("npm", "d", ">=2", "peer"),
        ],
    ),
    "go.mod": (
        (
            "module example.org/x\ngo 1.22\nrequire a.org/b v1.2.3\nrequire (\n\tc.org/d v0.1.0 // note\n"
            "\te.org/f v1.0.0 // indirect\n)\nexclude g.org/h v1.0.0\n"
        ),
        [
            ("golang", "a.org/b", "v1.2.3", "runtime"),
            ("golang", "c.org/d", "v0.1.0", "runtime"),
            ("golang", "e.org/f", "v1.0.0", "transitive"),
        ],
    ),
    "Cargo.toml": (
        (
            '[dependencies]\na = "1"\nb = {version = "2", optional = true}\n'
            'c = {package = "real", path = "../c"}\n'
            "d = {workspace = true}\n[dev-dependencies]\ne = '3'\n[build-dependencies]\nf = '4'\n"
            "[target.'cfg(unix)'.dependencies]\ng = '5'\n[workspace.dependencies]\nh = '6'\n"
        ),
        [
            ("cargo", "a", "1", "runtime"),
            ("cargo", "b", "2", "optional"),
            ("cargo", "real", "../c", "runtime"),
            ("cargo", "d", "(of the workspace)", "runtime"),
            ("cargo", "e", "3", "dev"),
            ("cargo", "f", "4", "dev"),
            ("cargo", "h", "6", "runtime"),
            ("cargo", "g", "5", "runtime"),
        ],
    ),
    "pom.xml": (
        (
            '<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><version>9</version><properties>'
            "<v.x>1.5</v.x></properties><dependencies>"
            "<dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v.x}</version></dependency>"
            "<dependency><groupId>g</groupId><artifactId>b</artifactId><scope>test</scope></dependency>"
            "<dependency><groupId>g</groupId><artifactId>c</artifactId><version>${other}</version>"
            "<optional>true</optional></dependency>"
            "<dependency><groupId>g</groupId><artifactId>d</artifactId><version>${project.version}</version>"
            "<scope>provided</scope><exclusions><exclusion><artifactId>z</artifactId></exclusion></exclusions>"
            "</dependency></dependencies></project>"
        ),
        [
            ("maven", "g:a", "1.5", "runtime"),
            ("maven", "g:b", "", "dev"),
            ("maven", "g:c", "${other}", "optional"),
            ("maven", "g:d", "9", "peer"),
        ],
    ),
    "build.gradle": (
        (
            "plugins { id 'java' }\ndependencies {\n  implementation 'g:a:1.0'\n  "
            "testImplementation(\"g:b:2\")\n  compileOnly 'g:c:3'\n"
            "  api platform('g:d:4')\n  implementation project(':x')\n}\n"
        ),
        [
            ("maven", "g:a", "1.0", "runtime"),
            ("maven", "g:b", "2", "dev"),
            ("maven", "g:c", "3", "peer"),
            ("maven", "g:d", "4", "runtime"),
        ],
    ),
    "Gemfile": (
        (
            "source 'https://rubygems.org'\ngem 'a', '~> 7.0', '>= 7.0.1'\ngroup :development, :test do\n"
            "  if x\n    gem \"b\"\n  end\nend\ngem('c', require: false)\ngem 'd', '1.0', group: :test\n"
            "platforms :ruby do\n  gem 'e'\nend\n"
        ),
        [
            ("gem", "a", "~> 7.0, >= 7.0.1", "runtime"),
            ("gem", "b", "", "dev"),
            ("gem", "c", "", "runtime"),
            ("gem", "d", "1.0", "dev"),
            ("gem", "e", "", "runtime"),
        ],
    ),
    "composer.json": (
        '{"require": {"php": ">=8", "ext-json": "*", "a/b": "^1"}, "require-dev": {"c/d": "2"}}',
        [("composer", "a/b", "^1", "runtime"), ("composer", "c/d", "2", "dev")],
    ),
}


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_manifest_s_dependencies_are_read(path: str) -> None:
    content, expected = EXAMPLES[path]
    assert manifests.is_manifest(path)
    found = manifests.read(path, content.encode())
    assert (found["dependencies"], found["unreadable"]) == (expected, "")


@pytest.mark.parametrize(
    "path", ["package-lock.jso", "my.package.json", "go.sum", "requirements.md", "notes.txt"]
)
def test_other_files_are_no_manifests(path: str) -> None:
    assert not manifests.is_manifest(path)


@pytest.mark.parametrize("path", EXAMPLES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"{}",
        b"[]",
        b"null",
        b'{"dependencies": 5, "require": [1]}',
        b"project = 5\ntool = 'x'\ndependencies = []",
    ],
)
def test_a_manifest_of_another_shape_does_no_harm(path: str, content: bytes) -> None:
    assert manifests.read(path, content)["dependencies"] == [] or path.startswith("requirements")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "MIT License\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy",
            "MIT",
        ),
        ("                     Apache License\n                   Version 2.0, January", "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007", "GPL-3.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\n Version 2.1", "LGPL-2.1"),
        ("Mozilla Public License Version 2.0", "MPL-2.0"),
        ("Redistribution and use in source and binary forms, ok.\n 3. Neither the name of", "BSD-3-Clause"),
        ("Redistribution and use in source and binary forms, ok.", "BSD-2-Clause"),
        ("Permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"),
        ("All rights reserved", "unknown"),
    ],
)
def test_a_licence_is_known_by_its_text(text: str, expected: str) -> None:
    assert licences.identify(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("LICENSE", True), ("licence.md", True), ("COPYING.LESSER", True), ("LICENSE-MIT", True),
        ("UNLICENSE", True),
        ("LICENSES/MIT.txt", True), ("src/LICENSE", False), ("license.py", False), ("licensing.md", False),
    ],
)  # fmt: skip
def test_licence_files_are_known_by_name_and_place(path: str, expected: bool) -> None:
    assert licences.is_licence(path) is expected
