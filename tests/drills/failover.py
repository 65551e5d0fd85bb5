#!/usr/bin/python3 -Bu
"""Does Holdfast hold when the leader of its database dies? `just failover`

Starts, on loopback and in a throwaway folder: etcd, two PostgreSQL under Patroni with synchronous replication, haproxy,
and Holdfast. Eight writers create tasks under an `Idempotency-Key` and repeat what was not acknowledged, while

    power lost       everything on the leader's node is killed at one moment
    switchover       an operator moves the leader
    frozen           everything on the leader's node hangs, its connections stay open, and it wakes up later
    replica frozen   the same on the node of the replica

and the node that was lost comes back as the replica each time. Prints a table, and exits with 1 when a promise is broken:
no acknowledged write lost, none doubled, no 5xx but 503, Holdfast serves one second after the new leader does, and was not
restarted. Needs the Debian packages etcd-server, patroni, postgresql and haproxy (docs/database.md explains the set-up).

    HOLDFAST_BIN=target/release/holdfast tests/drills/failover.py --rounds 5
"""

import argparse
import collections
import os
import sys
import time

import psycopg2

from clients import Writer
from patroni_cluster import PASSWORD, Cluster, Node, Probe
from processes import Stage, answer, free_ports, holdfast, wait_until

WRITERS = 8
# Of the service, after the new leader's first accepted write.
BACK_WITHIN = 1.0
# How long the writers write before and after.
CALM = 3.0


def start_holdfast(stage, cluster):
    """The server, on the address that leads to the leader."""
    port = free_ports(1)[0]
    server = stage.start("holdfast", holdfast(), "serve", environment={
        "PATH": os.environ["PATH"], "ENVIRONMENT": "development", "PORT": str(port), "DATABASE_URL": cluster.url(),
        "MIGRATE_ON_START": "true", "JWT_SECRET": os.urandom(32).hex(), "RATE_LIMIT": "off", "LOG_LEVEL": "info"})
    wait_until("Holdfast is ready", lambda: server.poll() is not None or answer(port, "/health/ready"))
    if server.poll() is not None:
        raise RuntimeError("Holdfast did not start")
    return server, port


def prepare(cluster):
    """The database, its owner, and a table for the yardstick."""
    superuser = wait_until("haproxy has found the leader", lambda: reached(cluster)).cursor()
    superuser.execute(f"CREATE ROLE holdfast LOGIN PASSWORD '{PASSWORD}'")
    superuser.execute("CREATE DATABASE holdfast OWNER holdfast")
    cluster.connect().cursor().execute("CREATE TABLE yardstick (at timestamptz NOT NULL DEFAULT now())")


def reached(cluster):
    """A connection through haproxy, once it leads anywhere."""
    try:
        return cluster.connect(user="postgres", database="postgres")
    except psycopg2.OperationalError:
        return None


class Case:
    """One blow under eight writers, and what they noticed."""

    def __init__(self, name, cluster, server, port):
        self.name, self.cluster, self.server = name, cluster, server
        self.writers = [Writer(number, port) for number in range(WRITERS)]
        self.probe = Probe(cluster)

    def run(self, change, comes_back, moves):
        """`change` falls on the leader, who is then another one, or on the replica, when the lead does not move."""
        cluster = self.cluster
        self.old = cluster.leader()
        self.new = cluster.other(self.old) if moves else self.old
        struck = self.old if moves else cluster.other(self.old)
        for thread in (*self.writers, self.probe):
            thread.start()
        time.sleep(CALM)
        # From when on a write that the leader of the end accepts is the success that is waited for.
        self.counts_from = time.monotonic()
        change(struck)
        if not moves:
            wait_until(f"{self.name}: the leader goes on alone", self.leader_is_alone)
            self.counts_from = time.monotonic()
        wait_until(f"{self.name}: the leader accepts", self.leader_at)
        wait_until(f"{self.name}: every writer is back", lambda: all(self.back_at()))
        time.sleep(CALM)
        comes_back(struck)
        wait_until(f"{self.name}: the lost node replicates", lambda: cluster.leader() is self.new and cluster.is_whole())
        for thread in (*self.writers, self.probe):
            thread.stop()

    def leader_is_alone(self):
        """Whether the leader waits for nobody's confirmation."""
        return self.cluster.tell(self.new, "SHOW synchronous_standby_names") == ""

    def leader_at(self):
        """When the leader, a new one in most cases, accepted its first write through haproxy."""
        accepted = list(self.probe.accepted)
        return next((at for at, port in accepted if port == self.new.port and at >= self.counts_from), None)

    def back_at(self):
        """When each writer was acknowledged for the first time after that."""
        leader_at = self.leader_at()
        return [next((at for at in list(writer.acknowledged_at) if at >= leader_at), None) for writer in self.writers]

    def rows(self):
        """The titles and ids of all tasks, as the new leader has them."""
        cursor = self.cluster.connect(self.new.port).cursor()
        cursor.execute("SELECT title, id::text FROM tasks WHERE owner_id = ANY(%s::uuid[])",
                       ([writer.owner for writer in self.writers],))
        return cursor.fetchall()

    def judge(self):
        """Prints what was measured, and answers which promises are broken."""
        rows = set(self.rows())
        acknowledged = {pair for writer in self.writers for pair in writer.acknowledged.items()}
        stored = collections.Counter(title for title, _ in rows)
        answers = sum((writer.answers for writer in self.writers), collections.Counter())
        acknowledged_at = [at for writer in self.writers for at in writer.acknowledged_at]
        back = [at - self.leader_at() for at in self.back_at()]
        lost = len(acknowledged - rows)
        doubled = sum(count > 1 for count in stored.values())
        unexpected = [odd for writer in self.writers for odd in writer.odd]
        promises = [
            ("acknowledged writes lost", lost, lost == 0),
            ("writes doubled", doubled, doubled == 0),
            ("answers other than 201, 409, 503", len(unexpected), not unexpected),
            ("first success after the leader's, s", f"{min(back):.3f}", min(back) <= BACK_WITHIN),
            ("all writers' success after it, s", f"{max(back):.3f}", max(back) <= BACK_WITHIN),
            ("restarts of Holdfast", int(self.server.poll() is not None), self.server.poll() is None),
        ]
        facts = [
            ("acknowledged writes", len(acknowledged)),
            ("of them told again to a repeat", sum(writer.replayed for writer in self.writers)),
            ("answers", ", ".join(f"{count} × {status}" for status, count in answers.most_common())),
            ("the database accepted nothing for, s", f"{longest_gap(at for at, _ in self.probe.accepted):.3f}"),
            ("Holdfast acknowledged nothing for, s", f"{longest_gap(acknowledged_at):.3f}"),
            ("slowest answer, s", f"{max(writer.slowest for writer in self.writers):.3f}"),
        ]
        print(f"\n{self.name}: {self.old.name} → {self.new.name}")
        for what, figure in facts:
            print(f"  {what:<42} {figure}")
        for what, figure, kept in promises:
            print(f"  {what:<42} {figure:<10} {'kept' if kept else 'BROKEN'}")
        for odd in unexpected[:5]:
            print(f"    {odd}")
        return [f"{self.name}: {what} {figure}" for what, figure, kept in promises if not kept]


def longest_gap(moments):
    moments = sorted(moments)
    return max(after - before for before, after in zip(moments, moments[1:]))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=1, help="how many times all cases run (default 1)")
    rounds = arguments.parse_args().rounds
    broken = []
    with Stage("failover") as stage:
        cluster = Cluster(stage)
        prepare(cluster)
        server, port = start_holdfast(stage, cluster)
        cases = [
            ("power lost", Node.lose_power, Node.start, True),
            ("switchover", lambda _: cluster.switch_over(), lambda _: None, True),
            ("frozen", Node.freeze, Node.thaw, True),
            ("replica frozen", Node.freeze, Node.thaw, False),
        ]
        for _ in range(rounds):
            for name, change, comes_back, moves in cases:
                case = Case(name, cluster, server, port)
                case.run(change, comes_back, moves)
                broken += case.judge()
        if broken:
            print("\nbroken promises:", *broken, sep="\n  ")
            raise SystemExit(1)
    print("\nevery promise was kept")


if __name__ == "__main__":
    sys.exit(main())
