"""Very many connections, few of them active: an open loop that sends when it is time, answered or not."""

import asyncio
import itertools
import resource
import time

from load import memory_mib, processor_seconds

# Connections are opened at this rate; a server's queue of them is short.
OPENED_PER_SECOND = 500
# After the last request, its answer is waited for as long.
PATIENCE = 5


class Caller(asyncio.Protocol):
    """One keep-alive connection with one request under way at most."""

    def __init__(self, crowd):
        self.crowd, self.transport, self.asked, self.heard = crowd, None, None, b""

    def connection_made(self, transport):
        # Whoever opens a connection asks at once: a server need not wait for those who do not.
        self.transport = transport
        self.ask(self.crowd.first, time.perf_counter())

    def ask(self, request, due):
        self.asked, self.heard = due, b""
        self.transport.write(request)

    def data_received(self, data):
        self.heard += data
        head, ends, body = self.heard.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        if ends and len(body) >= length:
            self.crowd.answered(self, int(self.heard[9:12]))

    def connection_lost(self, _):
        self.crowd.lost += not self.crowd.over
        self.transport = None


class Crowd:
    def __init__(self, first):
        self.first, self.counts = first, False
        self.idle, self.milliseconds, self.errors, self.lost, self.over = [], [], 0, 0, False

    def answered(self, caller, status):
        self.errors += status >= 400 or caller.asked is None
        if caller.asked is not None and self.counts:
            self.milliseconds.append(1000 * (time.perf_counter() - caller.asked))
        caller.asked = None
        self.idle.insert(0, caller)


async def paced(per_second, seconds, act):
    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        act(due)


async def crowd(server, requests, count, per_second, seconds):
    loop, callers, ring = asyncio.get_running_loop(), Crowd(requests[0]), itertools.cycle(requests)
    opening = []

    def open_one(_):
        opening.append(loop.create_task(
            loop.create_connection(lambda: Caller(callers), "127.0.0.1", server.port)))

    before = memory_mib(server.process.pid)
    await paced(OPENED_PER_SECOND, count / OPENED_PER_SECOND, open_one)
    opened = await asyncio.gather(*opening, return_exceptions=True)
    refused = sum(isinstance(found, BaseException) for found in opened)
    while len(callers.idle) + callers.lost < len(opened) - refused:
        await asyncio.sleep(0.1)
    callers.counts = True
    began = processor_seconds(server.process.pid)

    def ask_one(due):
        while callers.idle:
            caller = callers.idle.pop()
            if caller.transport:
                return caller.ask(next(ring), due)
        callers.errors += 1
        return None

    await paced(per_second, seconds, ask_one)
    used = processor_seconds(server.process.pid) - began
    memory = memory_mib(server.process.pid)
    await asyncio.sleep(PATIENCE)
    callers.over = True
    waiting = sum(found[1].asked is not None for found in opened if isinstance(found, tuple))
    for found in opened:
        if isinstance(found, tuple):
            found[0].abort()
    ordered = sorted(callers.milliseconds)
    return {
        "connections": count, "per_second": per_second, "answers": len(ordered), "p50": part(ordered, 0.5),
        "p95": part(ordered, 0.95), "p99": part(ordered, 0.99),
        "errors": callers.errors + callers.lost + refused + waiting,
        "server_us": 1e6 * used / max(1, len(ordered)), "memory_mib": memory, "memory_before_mib": before,
    }


def part(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def measure(server, people, count, per_second=300, seconds=20):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    requests = people.requests("get one")[:1000] + people.requests("list 50")
    return asyncio.run(crowd(server, requests, count, per_second, seconds))
