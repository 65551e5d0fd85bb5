#!/usr/bin/env python3
"""Makes `common_passwords.txt.gz` of the list of common passwords that Django ships, or compares it with that list.

    pip download --no-deps Django==5.2.19
    common_passwords.py check django-5.2.19-py3-none-any.whl
    common_passwords.py make django-5.2.19-py3-none-any.whl

Kept are the entries of 8 and more characters (shorter ones are refused for their length), in lower case, sorted by bytes,
each once, one a line. What is compared are these lines: the compressed bytes depend on the version of zlib. The licence goes
along, as LICENSE-COMMON-PASSWORDS in the root of the repository.
"""

import gzip
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "common_passwords.txt.gz"
LICENSE = HERE.parents[3] / "LICENSE-COMMON-PASSWORDS"
SHORTEST = 8


def main() -> int:
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "make"):
        print(__doc__)
        return 2
    with zipfile.ZipFile(sys.argv[2]) as wheel:
        raw = gzip.decompress(wheel.read("django/contrib/auth/common-passwords.txt.gz")).decode()
        licence = next(name for name in wheel.namelist() if name.endswith(".dist-info/licenses/LICENSE"))
        licence = wheel.read(licence)
    entries = {line.strip().lower() for line in raw.splitlines()}
    kept = sorted(entry.encode() for entry in entries if len(entry) >= SHORTEST)
    text = b"".join(entry + b"\n" for entry in kept)
    if sys.argv[1] == "make":
        LIST.write_bytes(gzip.compress(text, 9, mtime=0))
        LICENSE.write_bytes(licence)
    if gzip.decompress(LIST.read_bytes()) != text or LICENSE.read_bytes() != licence:
        print("the list or its licence is another than the wheel's", file=sys.stderr)
        return 1
    print(f"{len(kept)} entries, as in the wheel")
    return 0


if __name__ == "__main__":
    sys.exit(main())
