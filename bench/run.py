#!/usr/bin/env python3
"""How fast is Holdfast, and against what? `just bench`

Starts PostgreSQL, Holdfast with the settings of production (rate limits off: all load comes from one address) and every `--peer`, all on
loopback and in a throwaway folder, loads them in turns, and prints Markdown; `--write` puts it into docs/performance.md.

    HOLDFAST_BIN=target/release/holdfast bench/run.py --peer "limit=/path/to/limit" --phases mixes --rounds 5

A peer answers the frozen surface (docs/compatibility.md), and reads DATABASE_URL and PORT. Only ratios of one run mean
anything; a busy machine spoils them, and `noise` (cores used by others) tells how busy it was. Needs the Debian packages
postgresql and wrk. Two cores are shared by the server, PostgreSQL and the generator.

phases: mixes (64 connections), sqlite (the same on a SQLite file), connections (10,000 of them), scale (10,000 to
1,000,000 tasks of which one person has 10,000; --totals 100000,10000000 --mine 100000), start (until the first answer).
"""

import argparse
import os
import re
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/drills"))
import connections  # noqa: E402
import refresh  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
from load import in_turns, median, memory_mib  # noqa: E402
from people import MIXES, People  # noqa: E402
from processes import Stage, answer, end, holdfast, wait_until  # noqa: E402
from servers import Database, start_holdfast, start_peer  # noqa: E402

PHASES = ["mixes", "sqlite", "connections", "scale", "start"]
DOCUMENT = HERE.parent / "docs/performance.md"


def mixes(servers, people, wanted):
    """{mix: {server: rounds}}"""
    found = {}
    for mix in wanted.mixes:
        requests = {server: people[server].requests(mix) for server in servers}
        found[mix] = in_turns(servers, requests, wanted.rounds, wanted.seconds, 64)
        for server, rounds in found[mix].items():
            print(f"  {mix:22} {server.name:10} {median(rounds, 'per_second'):>9,.0f}/s, noise {median(rounds, 'noise'):.2f}", flush=True)
    return found


def hashing(stage, binary, database, servers, people, wanted):
    """Sign-ins where every core may hash, as a server without other work would be set."""
    everything = {"HASH_CONCURRENCY": str(os.cpu_count())}
    eager = start_holdfast(stage, binary, database, "eager", everything)
    people = {**people, eager: People(eager, wanted.owners, 1)}
    found = mixes([eager, *servers[1:]], people, argparse.Namespace(**{**vars(wanted), "mixes": ["sign-in"]}))["sign-in"]
    end(eager.process)
    return {"sign-in, all cores hash": {**found, servers[0]: found[eager]}}


def started(stage, binary):
    """Milliseconds from the start of a process on a migrated SQLite file to its first answer, and MiB half a minute later."""
    first = start_holdfast(stage, binary, None, "new")
    end(first.process)
    times, memory = [], 0.0
    for number in range(5):
        began = time.perf_counter()
        process = stage.start("again", binary, "serve", environment=first.environment, folder=first.folder)
        wait_until("it answers", lambda: answer(first.port, "/health/live"))
        times.append(1000 * (time.perf_counter() - began))
        if number == 4:
            time.sleep(30)
            memory = memory_mib(process.pid)
        end(process)
    return sorted(times)[2], memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--phases", default="mixes,sqlite,connections,scale,start")
    parser.add_argument("--mixes", default=",".join(MIXES))
    parser.add_argument("--owners", type=int, default=40)
    parser.add_argument("--tasks", type=int, default=100, help="of each owner")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--count", default="1000,10000", help="connections")
    parser.add_argument("--totals", default="10000,100000,1000000", help="tasks in the table")
    parser.add_argument("--mine", type=int, default=10_000, help="tasks of the one person who asks")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    wanted = parser.parse_args()
    wanted.mixes = wanted.mixes.split(",")
    wanted.totals = [int(total) for total in wanted.totals.split(",")]
    if min(wanted.totals) < wanted.mine:
        parser.error(f"--totals: {min(wanted.totals)} is less than what one person has (--mine)")
    phases = wanted.phases.split(",")
    for odd in [*(set(phases) - set(PHASES)), *(set(wanted.mixes) - set(MIXES))]:
        parser.error(f"{odd}: no such phase or mix")
    sections, binary = {}, holdfast()
    with Stage("bench") as stage:
        database = Database(stage)
        ours = start_holdfast(stage, binary, database)
        servers = [ours] + [start_peer(stage, *peer.split("=", 1), database) for peer in wanted.peer]
        if {"mixes", "connections"} & set(phases):
            people = {server: People(server, wanted.owners, wanted.tasks) for server in servers}
        if "mixes" in phases:
            found = mixes(servers, people, wanted)
            if "sign-in" in found:
                found |= hashing(stage, binary, database, servers, people, wanted)
            mine = {mix: rounds[ours] for mix, rounds in found.items()}
            sections["mixes"] = report.alone(mine | {"refresh": [refresh.measure(ours, people[ours])]})
            for peer in servers[1:]:
                sections[f"against {peer.name}"] = report.against(
                    peer.name, {mix: (rounds[ours], rounds[peer]) for mix, rounds in found.items()})
        if "sqlite" in phases:
            file = start_holdfast(stage, binary, None, "file")
            found = mixes([file], {file: People(file, wanted.owners, wanted.tasks)}, wanted)
            sections["sqlite"] = report.alone({mix: rounds[file] for mix, rounds in found.items()})
        if "connections" in phases:
            for server in servers:
                rows = [connections.measure(server, people[server], int(count)) for count in wanted.count.split(",")]
                sections[f"connections {server.name}"] = report.crowds(rows)
        if "scale" in phases:
            large = start_holdfast(stage, binary, database, "large")
            found = scale.measure(large, wanted.totals, wanted.mine, min(3, wanted.rounds), wanted.seconds)
            sections["scale"] = report.scale(found)
            if wanted.write:
                DOCUMENT.with_name("performance-scale.svg").write_text(report.plot(found) + "\n")
        if "start" in phases:
            took, memory = started(stage, binary)
            sections["start"] = (f"From the start of the process on a migrated SQLite file to its first answer: {took:.0f} ms "
                                 f"(median of 5). Memory 30 s after: {memory:.0f} MiB.")
    for name, text in sections.items():
        print(f"\n## {name}\n{text}")
        if wanted.write:
            write(name, text)


def write(name, text):
    """Replaces what stands between the marks of this section in the document."""
    begin, stop = f"<!-- bench: {name} -->", "<!-- end -->"
    document = DOCUMENT.read_text()
    found = re.search(f"{re.escape(begin)}\n.*?{stop}", document, re.S)
    if not found:
        print(f"docs/performance.md has no place for {name!r}", file=sys.stderr)
        return
    DOCUMENT.write_text(document.replace(found[0], f"{begin}\n{text}\n{stop}"))


if __name__ == "__main__":
    main()
