#!/usr/bin/python3 -Bu
"""Does anybody notice when the instances of Holdfast are restarted one after another? `just rolling`

Starts, on loopback and in a throwaway folder: PostgreSQL, two instances of Holdfast, and haproxy in front of them. Sixteen
clients with keep-alive connections sign in, refresh, read and write tasks, without ever repeating a request, while each
instance in turn gets SIGTERM, ends, and is started again, three rounds. With `--from OLD`, a binary of an older version,
the instances begin as OLD, the schema is migrated under the clients, and the rounds go to the new version, back, and to
it again. Prints a table, and exits with 1 when a promise is broken: no request failed, nobody was signed out, and each
instance ended with 0 within 25 s. Needs the Debian packages postgresql and haproxy.

    HOLDFAST_BIN=target/release/holdfast tests/drills/rolling.py --from /tmp/holdfast-of-last-week
"""

import argparse
import collections
import itertools
import os
import pathlib
import random
import socket
import string
import subprocess
import sys
import threading
import time

from clients import Client, Lost
from processes import (
    REPOSITORY, Stage, answer, end, free_ports, holdfast, postgres_programs, postgres_user, program, wait_until)

CLIENTS = 16
ROUNDS = 3
# Of one instance, from SIGTERM to its end.
STOPPED_WITHIN = 25.0


class Visitor(threading.Thread):
    """One client. It does one thing after another, and notes all that went wrong."""

    def __init__(self, number, port):
        super().__init__(daemon=True)
        self.client, self.random = Client(port, patience=30), random.Random(number)
        self.account, tokens = self.client.sign_up()
        self.take(tokens)
        self.tasks = []
        self.done, self.failures, self.slowest = collections.Counter(), [], 0.0
        self.stopping = threading.Event()

    def take(self, tokens):
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]

    def run(self):
        deeds = [self.create] * 4 + [self.change, self.list, self.list, self.show, self.me, self.renew, self.sign_in]
        while not self.stopping.is_set():
            self.random.choice(deeds)()
            time.sleep(0.01)

    def ask(self, expected, method, path, body=None, token=None):
        """The data of the answer, or nothing when it is not the expected one."""
        began = time.monotonic()
        try:
            status, _, answer = self.client.ask(method, path, body, token)
        except Lost as lost:
            status, answer = None, str(lost)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.done[f"{method} {path if 'tasks/' not in path else '/api/v1/tasks/{id}'}"] += 1
        if status == expected:
            return answer["data"]
        self.failures.append((time.strftime("%H:%M:%S"), method, path, status, str(answer)))
        return None

    def create(self):
        created = self.ask(201, "POST", "/api/v1/tasks", {"title": "Water the plants"}, self.access)
        self.tasks += [created["id"]] if created else []

    def change(self):
        if self.tasks:
            path = f"/api/v1/tasks/{self.random.choice(self.tasks)}"
            self.ask(200, "PATCH", path, {"description": str(time.time())}, self.access)

    def show(self):
        if self.tasks:
            self.ask(200, "GET", f"/api/v1/tasks/{self.random.choice(self.tasks)}", token=self.access)

    def list(self):
        self.ask(200, "GET", "/api/v1/tasks", token=self.access)

    def me(self):
        self.ask(200, "GET", "/api/v1/auth/me", token=self.access)

    def renew(self):
        # Ten rotations a minute are what a session may have.
        if self.random.random() < 0.1:
            tokens = self.ask(200, "POST", "/api/v1/auth/refresh", {"refresh_token": self.refresh})
            self.take(tokens or {"access_token": self.access, "refresh_token": self.refresh})

    def sign_in(self):
        # Hashing is dear; a sign-in now and then is enough.
        if self.random.random() < 0.1:
            tokens = self.ask(200, "POST", "/api/v1/auth/login", self.account)
            self.take(tokens or {"access_token": self.access, "refresh_token": self.refresh})

    def stop(self):
        self.stopping.set()
        self.join(60)


class Instance:
    """One Holdfast, always on the same port."""

    def __init__(self, stage, name, port, environment):
        self.stage, self.name, self.port = stage, name, port
        self.environment = {**environment, "PORT": str(port)}
        self.process = None

    def start(self, binary):
        self.process = self.stage.start(
            f"holdfast-{self.name}", binary, "serve", environment=self.environment, folder=self.stage.folder)
        wait_until(f"{self.name} is ready", lambda: self.ended() or answer(self.port, "/health/ready"))
        if self.ended():
            raise RuntimeError(f"{self.name} did not start")

    def ended(self):
        return self.process.poll() is not None

    def stop(self):
        """Its exit code, and how long it took to end."""
        began = time.monotonic()
        code = end(self.process, patience=60)
        return code, time.monotonic() - began


class Site:
    """PostgreSQL, two instances, and haproxy on `port`."""

    def __init__(self, stage, binary):
        self.stage = stage
        database, self.port, *ports = free_ports(4)
        self.environment = {
            "PATH": os.environ["PATH"], "ENVIRONMENT": "development", "JWT_SECRET": os.urandom(32).hex(),
            "RATE_LIMIT": "off", "LOG_LEVEL": "info", "TRUSTED_PROXIES": "127.0.0.1",
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{database}/postgres?sslmode=disable"}
        self.start_postgres(database)
        self.migrate(binary)
        self.instances = [
            Instance(stage, name, port, self.environment) for name, port in zip(("one", "two"), ports)]
        for instance in self.instances:
            instance.start(binary)
        text = string.Template((REPOSITORY / "tests/drills/haproxy-holdfast.cfg").read_text()).substitute(
            folder=stage.folder, port=self.port, one_port=ports[0], two_port=ports[1])
        stage.start("haproxy", program("haproxy", "haproxy"), "-db", "-f", stage.file("haproxy.cfg", text))
        wait_until("haproxy has found both", self.is_whole)

    def start_postgres(self, port):
        user, programs = postgres_user(), postgres_programs()
        data = self.stage.room("data", user)
        initdb = self.stage.start(
            "initdb", programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", user=user)
        if initdb.wait() != 0:
            raise RuntimeError("initdb failed")
        self.stage.start(
            "postgres", programs / "postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={data}", user=user)
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_until("PostgreSQL accepts", lambda: subprocess.run(ready).returncode == 0)

    def migrate(self, binary):
        subprocess.run([binary, "migrate", "up"], cwd=self.stage.folder, env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def is_whole(self):
        """Whether haproxy sends requests to both."""
        try:
            with socket.socket(socket.AF_UNIX) as operator:
                operator.connect(str(self.stage.folder / "haproxy.sock"))
                operator.sendall(b"show stat\n")
                rows = b"".join(iter(lambda: operator.recv(65536), b"")).decode().splitlines()
        except OSError:
            return False
        names = rows[0].lstrip("# ").split(",")
        servers = [dict(zip(names, row.split(","))) for row in rows[1:] if row]
        return {server["svname"] for server in servers if server["status"].startswith("UP")} >= {"one", "two"}


def restart(site, instance, binary):
    """A row of the table, and the promise that is broken, if one is."""
    code, took = instance.stop()
    instance.start(binary)
    wait_until(f"haproxy has found {instance.name} again", site.is_whole)
    print(f"  {instance.name} ended with {code} after {took:5.2f} s and is back as {binary}")
    kept = code == 0 and took <= STOPPED_WITHIN
    return [] if kept else [f"{instance.name} ended with {code} after {took:.2f} s"]


def report(visitors):
    """Prints what the clients noticed, and answers which promises are broken."""
    done = sum((visitor.done for visitor in visitors), collections.Counter())
    failures = list(itertools.chain.from_iterable(visitor.failures for visitor in visitors))
    signed_out = sum(failure[3] == 401 for failure in failures)
    print()
    for what, count in sorted(done.items()):
        print(f"  {what:<42} {count}")
    print(f"  {'slowest answer, s':<42} {max(visitor.slowest for visitor in visitors):.3f}")
    print(f"  {'requests':<42} {done.total()}")
    print(f"  {'failed':<42} {len(failures)}")
    print(f"  {'signed out':<42} {signed_out}")
    for at, method, path, status, told in failures[:40]:
        print(f"    {at} {method} {path}: {status} {told[:300]}")
    return [f"{len(failures)} requests failed"] if failures else []


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--from", dest="old", type=pathlib.Path, help="the binary that runs at first")
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    told = arguments.parse_args()
    new = holdfast()
    old = told.old.resolve() if told.old else new
    broken = []
    with Stage("rolling") as stage:
        site = Site(stage, old)
        visitors = [Visitor(number, site.port) for number in range(CLIENTS)]
        for visitor in visitors:
            visitor.start()
        time.sleep(2)
        site.migrate(new)
        for number, binary in zip(range(told.rounds), itertools.cycle((new, old))):
            print(f"round {number + 1}")
            for instance in site.instances:
                broken += restart(site, instance, binary)
        time.sleep(2)
        for visitor in visitors:
            visitor.stop()
        broken += report(visitors)
        if broken:
            print("\nbroken promises:", *broken, sep="\n  ")
            raise SystemExit(1)
    print("\nevery promise was kept")


if __name__ == "__main__":
    sys.exit(main())
