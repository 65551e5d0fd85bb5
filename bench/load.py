"""Closed-loop load with wrk: every connection sends its next request when the last one is answered."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from processes import family, program  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
# A round in which others used more of a core than this is made again, at most twice.
NOISE = 0.25

SCRIPT = """
local requests, count, at, number = {}, 0, 0, 0
function setup(thread) thread:set("number", number); number = number + 1 end
function init()
  local file = io.open("%s", "rb")
  for line in file:lines() do count = count + 1; requests[count] = file:read(tonumber(line)) end
  file:close()
  at = math.floor(number * count / 2)
end
function request() at = at %% count + 1; return requests[at] end
function done(summary, latency)
  local lost = summary.errors
  print(string.format('RESULT {"requests":%%d,"us":%%d,"p50":%%d,"p95":%%d,"p99":%%d,"errors":%%d}', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    lost.connect + lost.read + lost.write + lost.status + lost.timeout))
end
"""


def processor_seconds(pid):
    """What a process and all that descend from it have used, the dead included."""
    total = 0
    for member in family(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def machine_seconds():
    """What the machine has been busy or robbed by its neighbours."""
    user, nice, system, _, _, interrupts, soft, stolen = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / TICKS


def memory_mib(pid):
    """The resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def load(server, requests, connections, seconds):
    """One round. Its figures, with the processor time of the server per request and what others used meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        data, script = Path(folder, "requests"), Path(folder, "load.lua")
        data.write_bytes(b"".join(b"%d\n%s" % (len(request), request) for request in requests))
        script.write_text(SCRIPT % data)
        database = server.database and server.database.process.pid
        before = [processor_seconds(server.process.pid), database and processor_seconds(database), machine_seconds()]
        began = os.times()
        wrk = subprocess.run(
            [program("wrk", "wrk"), "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script),
             f"http://127.0.0.1:{server.port}"], capture_output=True, text=True, check=True)
        ended = os.times()
        after = [processor_seconds(server.process.pid), database and processor_seconds(database), machine_seconds()]
    line = next(line for line in wrk.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    used = [(late or 0) - (early or 0) for late, early in zip(after, before)]
    generator = ended.children_user + ended.children_system - began.children_user - began.children_system
    elapsed = found["us"] / 1e6
    return {
        "per_second": found["requests"] / elapsed,
        **{name: found[name] / 1000 for name in ("p50", "p95", "p99")},
        "errors": found["errors"],
        "server_us": 1e6 * used[0] / max(1, found["requests"]),
        "memory_mib": memory_mib(server.process.pid),
        "noise": max(0.0, used[2] - used[0] - used[1] - generator) / elapsed,
    }


def in_turns(servers, requests, rounds, seconds, connections):
    """Rounds of one mix, each with every server, the calmest of them per server: {server: [figures, one per round]}."""
    for server in servers:
        load(server, requests[server], connections, 1)
    kept = []
    while len(kept) < rounds or (max(round_noise(kept[rounds - 1])) > NOISE and len(kept) < 3 * rounds):
        figures = {}
        # Who comes first finds another machine than who comes next: they change places.
        for server in servers[:: -1 if len(kept) % 2 else 1]:
            server.settle()
            time.sleep(0.5)
            figures[server] = load(server, requests[server], connections, seconds)
        kept = sorted([*kept, figures], key=lambda figures: max(round_noise(figures)))
    return {server: [figures[server] for figures in kept[:rounds]] for server in servers}


def round_noise(figures):
    return [figure["noise"] for figure in figures.values()]


def median(rounds, name):
    return statistics.median(figures[name] for figures in rounds)


def ratios(rounds, others):
    """Throughput against another server, round by round, the lowest first."""
    return sorted(ours["per_second"] / theirs["per_second"] for ours, theirs in zip(rounds, others))
