#!/usr/bin/env python3
"""Checks docs/reliability.md: every promise names at least one test, and every test that is named exists.

A row is `| promise | figure | shown by |`; tests are written as in docs/requirements.md.
"""

import re
import sys

sys.dont_write_bytecode = True
from check_requirements import ROOT, test_faults  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"


def main():
    faults, promises = [], 0
    for number, line in enumerate(PAGE.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or len(cells) != 3 or cells[0] == "promise" or set(cells[0]) == {"-"}:
            continue
        promises += 1
        place = f"docs/reliability.md:{number}"
        references = [reference for reference in re.findall(r"`([^`]+)`", cells[2]) if "::" in reference]
        if not references:
            faults.append(f"{place}: names no test")
        faults += [f"{place}: {fault}" for fault in map(test_faults, references) if fault]
    print("\n".join(faults) if faults else f"{promises} promises of reliability, each with its tests")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
