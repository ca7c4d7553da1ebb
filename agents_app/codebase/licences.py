"""Licence files: which they are, and which licence their first lines are of."""

import re

MAX_FILES = 20
_NAMES = re.compile(r"(?:(?:un)?licen[cs]es?|copying)(?:[._-][\w.-]{0,40})?", re.IGNORECASE)
_CODE = {"py", "js", "ts", "go", "rs", "java", "c", "h", "cpp", "rb", "php", "json", "html"}
# SPDX identifiers; the first that fits, so the more particular text stands before the general one.
_TEXTS = (
    ("AGPL-3.0", r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-3.0", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3"),
    ("LGPL-2.1", r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 2\.1"),
    ("GPL-3.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 3"),
    ("GPL-2.0", r"GNU GENERAL PUBLIC LICENSE\s+Version 2"),
    ("Apache-2.0", r"Apache License,?\s+Version 2\.0"),
    ("MPL-2.0", r"Mozilla Public License,?\s+(?:Version|v\.?)\s*2\.0"),
    ("EPL-2.0", r"Eclipse Public License\s*-\s*v\s*2\.0"),
    ("BSL-1.0", r"Boost Software License\s*-\s*Version 1\.0"),
    ("BUSL-1.1", r"Business Source License 1\.1"),
    ("CC0-1.0", r"CC0 1\.0 Universal"),
    ("Unlicense", r"This is free and unencumbered software released into the public domain"),
    ("PSF-2.0", r"PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2"),
    ("ISC", r"Permission to use, copy, modify, and(?:/or)? distribute this software for any\s+purpose"),
    ("MIT", r"Permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("BSD-3-Clause", r"Redistribution and use in source and binary forms(?s:.){1,2000}?(?:Neither|The) name"),
    ("BSD-2-Clause", r"Redistribution and use in source and binary forms"),
    ("Zlib", r"This software is provided 'as-is', without any express or implied\s+warranty"),
)
_PATTERNS = [(name, re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)) for name, pattern in _TEXTS]


def is_licence(path: str) -> bool:
    """Say whether `path` is a licence file of the whole code base: at its root or in LICENSES."""
    folder, _slash, name = path.rpartition("/")
    if folder:
        return folder == "LICENSES"
    return bool(_NAMES.fullmatch(name)) and name.rpartition(".")[2].lower() not in _CODE


def identify(text: str) -> str:
    """Return the SPDX identifier of a licence's text, or `unknown`."""
    found = (name for name, pattern in _PATTERNS if pattern.search(text))
    return next(found, "unknown")
