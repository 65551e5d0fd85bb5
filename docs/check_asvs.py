#!/usr/bin/env python3
"""Checks docs/asvs.md: every requirement of OWASP ASVS 5.0.0, chapters V6 to V11, levels 1 and 2, has a row with its level, and
every test and path that a row names exists.

A row is `| id | level | asked for | here | tests |`. The last column names tests as `path::name` in backticks, or begins with
`document`, `n/a:`, `accepted:` or `open:`; what follows a colon must say why.
"""

import re
import sys

sys.dont_write_bytecode = True
from check_requirements import ROOT, test_faults  # noqa: E402

PAGE = ROOT / "docs" / "asvs.md"

# By section: the numbers of its requirements at level 1, and at level 2.
REQUIREMENTS = {
    "6.1": ([1], [2, 3]),
    "6.2": ([1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12]),
    "6.3": ([1, 2], [3, 4]),
    "6.4": ([1, 2], [3, 4]),
    "6.5": ([], [1, 2, 3, 4, 5]),
    "6.6": ([], [1, 2, 3]),
    "6.8": ([], [1, 2, 3, 4]),
    "7.1": ([], [1, 2, 3]),
    "7.2": ([1, 2, 3, 4], []),
    "7.3": ([], [1, 2]),
    "7.4": ([1, 2], [3, 4, 5]),
    "7.5": ([], [1, 2]),
    "7.6": ([], [1, 2]),
    "8.1": ([1], [2]),
    "8.2": ([1, 2], [3]),
    "8.3": ([1], []),
    "8.4": ([], [1]),
    "9.1": ([1, 2, 3], []),
    "9.2": ([1], [2, 3, 4]),
    "10.1": ([], [1, 2]),
    "10.2": ([], [1, 2]),
    "10.3": ([], [1, 2, 3, 4]),
    "10.4": ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]),
    "10.5": ([], [1, 2, 3, 4, 5]),
    "10.6": ([], [1, 2]),
    "10.7": ([], [1, 2, 3]),
    "11.1": ([], [1, 2]),
    "11.2": ([], [1, 2, 3]),
    "11.3": ([1, 2], [3]),
    "11.4": ([1], [2, 3, 4]),
    "11.5": ([], [1]),
    "11.6": ([], [1]),
}
LEVELS = {
    f"V{section}.{number}": level
    for section, of_levels in REQUIREMENTS.items()
    for level, numbers in enumerate(of_levels, 1)
    for number in numbers
}


def rows():
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("| V") and len(cells) == 5:
            yield number, *cells


def row_faults(place, identifier, level, here, tests):
    if identifier not in LEVELS:
        yield f"{place}: not a requirement of these chapters at level 1 or 2"
    elif level != str(LEVELS[identifier]):
        yield f"{place}: is of level {LEVELS[identifier]}"
    for path in re.findall(r"`([^`]+)`", here):
        if "/" in path and not path.startswith("/") and not (ROOT / path).exists():
            yield f"{place}: there is no {path}"
    references = [reference for reference in re.findall(r"`([^`]+)`", tests) if "::" in reference]
    if not references and not re.match(r"document$|(n/a|accepted|open): .{12,}", tests):
        yield f"{place}: names no test and does not say why"
    for reference in references:
        if fault := test_faults(reference):
            yield f"{place}: {fault}"


def main():
    faults, seen, unmet = [], set(), {"accepted": 0, "open": 0, "n/a": 0}
    for number, identifier, level, _, here, tests in rows():
        place = f"docs/asvs.md:{number}: {identifier}"
        if identifier in seen:
            faults.append(f"{place}: a second row")
        seen.add(identifier)
        faults += row_faults(place, identifier, level, here, tests)
        for word in unmet:
            unmet[word] += tests.startswith(f"{word}:")
    faults += [f"docs/asvs.md: no row for {missing}" for missing in LEVELS if missing not in seen]
    told = ", ".join(f"{count} {word}" for word, count in unmet.items())
    print("\n".join(faults) if faults else f"{len(seen)} requirements of ASVS 5.0.0, all traced ({told})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
