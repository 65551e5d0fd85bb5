"""Two PostgreSQL under Patroni, with etcd as their referee and haproxy in front."""

import re
import signal
import string
import subprocess
import threading
import time

import psycopg2

from processes import (
    REPOSITORY, answer, end, family, free_ports, postgres_programs, postgres_user, program, send, wait_until)

PASSWORD = "for-this-drill-only"
TEMPLATES = REPOSITORY / "tests" / "drills"


class Node:
    """One PostgreSQL and the Patroni that runs it."""

    def __init__(self, stage, name, port, api_port, etcd_port):
        self.stage, self.name, self.port, self.api_port = stage, name, port, api_port
        self.user = postgres_user()
        self.folder = stage.room(name, self.user)
        text = string.Template((TEMPLATES / "patroni.yml").read_text()).substitute(
            name=name, port=port, api_port=api_port, etcd_api=etcd_api(), etcd_port=etcd_port, folder=self.folder,
            bin=postgres_programs(), password=PASSWORD)
        self.file = stage.file(f"patroni-{name}.yml", text, self.user)
        self.patroni = None

    def start(self):
        self.patroni = self.stage.start(
            f"patroni-{self.name}", program("patroni", "patroni"), self.file, user=self.user)

    def pids(self):
        """Everything that runs on this node."""
        found = family(self.patroni.pid)
        try:
            postmaster = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return found
        return found + family(postmaster)

    def lose_power(self):
        """Nothing on the node does anything any more, at one moment."""
        pids = self.pids()
        send(pids, signal.SIGSTOP)
        send(pids, signal.SIGKILL)
        self.patroni.wait()

    def freeze(self):
        """The machine hangs: its connections stand, and nothing answers."""
        send(self.pids(), signal.SIGSTOP)

    def thaw(self):
        send(self.pids(), signal.SIGCONT)

    def stop(self):
        if self.patroni is None:
            return
        self.thaw()
        # It stops its PostgreSQL, too.
        end(self.patroni)
        pids = self.pids()[1:]
        send(pids, signal.SIGKILL)


class Cluster:
    """etcd, the nodes `a` and `b`, and haproxy on `port`."""

    def __init__(self, stage):
        self.stage = stage
        etcd_port, peer_port, self.port, *ports = free_ports(7)
        self.start_etcd(etcd_port, peer_port)
        self.a = Node(stage, "a", ports[0], ports[1], etcd_port)
        self.b = Node(stage, "b", ports[2], ports[3], etcd_port)
        for node in (self.a, self.b):
            stage.at_the_end.append(node.stop)
        self.a.start()
        wait_until("the first node leads", lambda: self.leader() is self.a)
        self.b.start()
        self.start_haproxy()
        wait_until("the second node replicates synchronously", self.is_whole)

    def start_etcd(self, port, peer_port):
        url, peer_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
        older_api = ["--enable-v2=true"] if etcd_api() == "etcd" else []
        self.stage.start(
            "etcd", program("etcd", "etcd-server"), "--name", "referee", "--data-dir", self.stage.folder / "etcd",
            "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peer_url,
            "--initial-advertise-peer-urls", peer_url, "--initial-cluster", f"referee={peer_url}", *older_api)
        wait_until("etcd answers", lambda: answer(port, "/health") is not None, 30)

    def start_haproxy(self):
        text = string.Template((TEMPLATES / "haproxy-postgres.cfg").read_text()).substitute(
            port=self.port, a_port=self.a.port, a_api_port=self.a.api_port,
            b_port=self.b.port, b_api_port=self.b.api_port)
        self.stage.start(
            "haproxy", program("haproxy", "haproxy"), "-db", "-f", self.stage.file("haproxy.cfg", text))

    def nodes(self):
        return (self.a, self.b)

    def other(self, node):
        return self.b if node is self.a else self.a

    def leader(self):
        """The node that says of itself that it leads."""
        leading = [node for node in self.nodes() if answer(node.api_port, "/primary") is not None]
        return leading[0] if len(leading) == 1 else None

    def is_whole(self):
        """Whether one node leads and the other one confirms its writes, as both Patroni and PostgreSQL see it."""
        leader = self.leader()
        if leader is None or answer(self.other(leader).api_port, "/synchronous") is None:
            return False
        return self.tell(leader, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1

    def tell(self, node, question):
        """The one value that a node answers, or nothing while it cannot be asked."""
        try:
            connection = self.connect(node.port, user="postgres", database="postgres")
        except psycopg2.OperationalError:
            return None
        cursor = connection.cursor()
        cursor.execute(question)
        (value,) = cursor.fetchone()
        connection.close()
        return value

    def switch_over(self):
        """A planned change of the leader, by the tool that an operator uses."""
        leader = self.leader()
        subprocess.run(
            [program("patronictl", "patroni"), "-c", leader.file, "switchover", "holdfast", "--leader", leader.name,
             "--candidate", self.other(leader).name, "--force"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=60)

    def url(self, port=None, user="holdfast", database="holdfast"):
        return f"postgres://{user}:{PASSWORD}@127.0.0.1:{port or self.port}/{database}?sslmode=disable"

    def connect(self, port=None, **more):
        """A connection through haproxy, or straight to `port`; each statement is a transaction."""
        connection = psycopg2.connect(self.url(port, **more), connect_timeout=2)
        connection.autocommit = True
        return connection


def etcd_api():
    """The section of Patroni's configuration. Up to 3.0.2 a leader that slept through the end of its term overwrites its
    successor over etcd's newer interface (patroni/patroni#2689), and what the successor has acknowledged is lost."""
    told = subprocess.run([program("patroni", "patroni"), "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", told)[:3])
    return "etcd3" if version >= (3, 0, 3) else "etcd"


class Probe(threading.Thread):
    """Writes through haproxy all the time, as the yardstick: when does which node accept?"""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.stopping = threading.Event()
        # When a write was accepted, and the port of the node that accepted it.
        self.accepted = []

    def run(self):
        while not self.stopping.is_set():
            try:
                self.write()
            except psycopg2.Error:
                time.sleep(0.01)

    def write(self):
        connection = self.cluster.connect()
        try:
            cursor = connection.cursor()
            cursor.execute("SET statement_timeout = '1s'")
            while not self.stopping.is_set():
                cursor.execute("INSERT INTO yardstick DEFAULT VALUES RETURNING inet_server_port()")
                port = cursor.fetchone()[0]
                self.accepted.append((time.monotonic(), port))
                time.sleep(0.01)
        finally:
            connection.close()

    def stop(self):
        self.stopping.set()
        self.join(10)
