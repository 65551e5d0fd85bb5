#!/usr/bin/env python3
"""Checks docs/requirements.md: every identifier the user gave has a row, and every test that a row names exists.

A row is `| ID | asked for | code | tests |`. Tests are written as `path::name` in backticks, `name` being a Rust test
function in that file, or a case of a macro there; a row whose work is not done yet says `open` in the last column.
Paths in the code column must exist.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "requirements.md"

IDENTIFIERS = (
    [f"US{n}" for n in range(1, 5)]
    + [f"EDGE-{n}" for n in range(1, 5)]
    + [f"FR-{n:03}" for n in range(1, 16)]
    + [f"SC-{n:03}" for n in range(1, 11)]
    + ["PLAN"]
    + [f"SKILL-{name}" for name in (
        "neon-postgres", "database-migrations", "fastapi-auth-jwt", "backend-env-config", "backend-security",
        "auth-architecture-decision", "backend-troubleshooting")]
    + [f"T{n:03}" for n in (*range(1, 5), *range(10, 17), *range(20, 30), *range(30, 36), *range(40, 45),
                            *range(50, 55), *range(60, 69))]
    + ["DATA-user", "DATA-task", "DATA-token"]
)


def rows():
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] != "id" and set(cells[0]) != {"-"}:
            yield number, *cells


def test_faults(reference):
    path, _, name = reference.partition("::")
    file = ROOT / path
    if not file.is_file():
        return f"there is no file {path}"
    if not name:
        return f"{reference} names a file and no test"
    if not re.search(rf"\bfn {re.escape(name)}\b|^\s*{re.escape(name)}\b", file.read_text(), re.MULTILINE):
        return f"{path} has no test {name}"
    return None


def main():
    faults, seen = [], set()
    for number, identifier, _, code, tests in rows():
        place = f"docs/requirements.md:{number}: {identifier}"
        if identifier in seen:
            faults.append(f"{place}: a second row")
        seen.add(identifier)
        if identifier not in IDENTIFIERS:
            faults.append(f"{place}: not an identifier of the user's")
        for path in re.findall(r"`([^`]+)`", code):
            if not (ROOT / path).exists():
                faults.append(f"{place}: there is no {path}")
        references = re.findall(r"`([^`]+)`", tests)
        if not references and not re.match(r"open\b|none\b", tests):
            faults.append(f"{place}: names no test and does not say open")
        faults += [f"{place}: {fault}" for fault in map(test_faults, references) if fault]
    faults += [f"docs/requirements.md: no row for {missing}" for missing in IDENTIFIERS if missing not in seen]
    print("\n".join(faults) if faults else f"{len(seen)} requirements, all traced")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
