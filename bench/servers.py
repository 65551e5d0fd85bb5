"""What is measured: PostgreSQL, Holdfast as in production, and other servers of the same contract beside it."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from processes import answer, free_ports, postgres_programs, postgres_user, wait_until  # noqa: E402

# Memory for the pages of every database: else one server's reads push out another's.
SHARED_BUFFERS = "1GB"


class Database:
    """A throwaway PostgreSQL with its own defaults otherwise."""

    def __init__(self, stage):
        self.programs, self.port = postgres_programs(), free_ports(1)[0]
        user, data = postgres_user(), stage.room("data", postgres_user())
        initdb = stage.start(
            "initdb", self.programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", user=user)
        if initdb.wait() != 0:
            raise RuntimeError("initdb failed")
        self.process = stage.start(
            "postgres", self.programs / "postgres", "-D", data, "-p", self.port, "-c", "listen_addresses=127.0.0.1",
            "-c", f"unix_socket_directories={data}", "-c", f"shared_buffers={SHARED_BUFFERS}",
            "-c", "max_connections=200", user=user)
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        wait_until("PostgreSQL accepts", lambda: subprocess.run(ready).returncode == 0)

    def url(self, name):
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, name):
        self.ask("postgres", f'CREATE DATABASE "{name}"')
        return self.url(name)

    def ask(self, name, sql):
        """The answer of psql, with every statement in a transaction of its own."""
        psql = [self.programs / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-At", "-d", self.url(name)]
        done = subprocess.run(psql, input=sql, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{sql[:200]}\n{done.stderr}")
        return done.stdout.strip()

    def settle(self, name):
        """Every load meets the same state: nothing left to vacuum, analyze or write."""
        self.ask(name, "VACUUM ANALYZE; CHECKPOINT")


class Server:
    """One server that answers the contract, on a database of its own (`None`: a SQLite file)."""

    def __init__(self, name, process, port, database, environment, folder):
        self.name, self.process, self.port, self.database = name, process, port, database
        self.environment, self.folder = environment, folder

    def settle(self):
        if self.database:
            self.database.settle(self.name)


def settings(folder, url=None):
    """Those of production, rate limits apart: all load comes from one address, and production does not run without them."""
    database = f"{url}?sslmode=disable" if url else f"sqlite://{folder}/holdfast.db"
    return {
        "PATH": os.environ["PATH"], "ENVIRONMENT": "development", "LOG_FORMAT": "json", "LOG_LEVEL": "info",
        "JWT_SECRET": os.urandom(32).hex(), "ENCRYPTION_KEY": os.urandom(32).hex(), "RATE_LIMIT": "off",
        "MIGRATE_ON_START": "true", "DATABASE_URL": database}


def start_holdfast(stage, binary, database, name="holdfast", more=None):
    port, url = free_ports(1)[0], database and database.create(name)
    folder = stage.room(f"{name}-folder")
    environment = {**settings(folder, url), **(more or {}), "PORT": str(port)}
    process = stage.start(name, binary, "serve", environment=environment, folder=folder)
    wait_until(f"{name} is ready", lambda: started(name, process) and answer(port, "/health/ready"))
    return Server(name, process, port, database, environment, folder)


def start_peer(stage, name, command, database):
    """A server that reads DATABASE_URL and PORT and makes its tables."""
    port, url = free_ports(1)[0], database.create(name)
    environment = {**os.environ, "DATABASE_URL": url, "PORT": str(port)}
    process = stage.start(name, *shlex.split(command), environment=environment)
    # What it answers without a token is its own affair.
    listens = ["python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    wait_until(f"{name} listens", lambda: started(name, process) and subprocess.run(listens, **quiet).returncode == 0)
    return Server(name, process, port, database, environment, stage.folder)


def started(name, process):
    if process.poll() is not None:
        raise RuntimeError(f"{name} has ended; its log tells why")
    return True
