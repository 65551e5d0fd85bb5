"""Rotation of refresh tokens: every token is good for one, so wrk, which repeats its requests, cannot measure it."""

import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from clients import Client  # noqa: E402
from load import machine_seconds, processor_seconds  # noqa: E402
from people import PASSWORD  # noqa: E402

CLIENTS = 8
SESSIONS = 160
# A session may rotate ten times a minute.
ROTATIONS = 9


def measure(server, people):
    """Figures like those of a round of wrk's; the generator is Python here, and takes a good part of the machine."""
    sign_in = lambda client, number: client.must(  # noqa: E731
        200, "POST", "/api/v1/auth/login",
        {"email": people.addresses[number % len(people.addresses)], "password": PASSWORD})["data"]["refresh_token"]
    tokens = people.each(sign_in, range(SESSIONS))
    took, errors, lock = [], [0], threading.Lock()
    database = server.database and server.database.process.pid

    def rotate(mine):
        client, times, failed = Client(server.port), [], 0
        for token in mine:
            for _ in range(ROTATIONS):
                began = time.perf_counter()
                status, _, body = client.ask("POST", "/api/v1/auth/refresh", {"refresh_token": token})
                times.append(time.perf_counter() - began)
                if status != 200:
                    failed += 1
                    break
                token = body["data"]["refresh_token"]
        with lock:
            took.extend(times)
            errors[0] += failed

    threads = [threading.Thread(target=rotate, args=(tokens[n::CLIENTS],)) for n in range(CLIENTS)]
    used = [processor_seconds(server.process.pid), database and processor_seconds(database), machine_seconds()]
    own, began = time.process_time(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, own = time.perf_counter() - began, time.process_time() - own
    used = [(late or 0) - (early or 0) for late, early in zip(
        [processor_seconds(server.process.pid), database and processor_seconds(database), machine_seconds()], used)]
    cuts = statistics.quantiles(took, n=100)
    return {
        "per_second": len(took) / elapsed, "p50": 1e3 * cuts[49], "p95": 1e3 * cuts[94], "p99": 1e3 * cuts[98],
        "errors": errors[0], "server_us": 1e6 * used[0] / len(took),
        "noise": max(0.0, used[2] - used[0] - used[1] - own) / elapsed,
    }
