"""The processes of one drill: in a throwaway folder, on ports of their own, with a log each, all gone at the end."""

import http.client
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class Stage:
    """A throwaway folder and what runs in it. Leaving the `with` block stops everything; the logs stay after a failure."""

    def __init__(self, drill):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"holdfast-{drill}-"))
        self.folder.chmod(0o755)
        self.running = []
        self.at_the_end = []

    def __enter__(self):
        # Ctrl-C raises already; what a shell or CI sends shall do the same.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, kind, *_):
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        for stop in reversed(self.at_the_end):
            stop()
        for process in reversed(self.running):
            end(process)
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"the logs are in {self.folder}", file=sys.stderr)

    def start(self, name, *command, user=None, environment=None, folder=None):
        """Starts a program with its output in `<name>.log`, out of reach of the terminal's Ctrl-C."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=folder or self.folder, env=environment, start_new_session=True,
                **({"user": user, "group": user, "extra_groups": []} if user else {}))
        self.running.append(process)
        return process

    def file(self, name, text, owner=None):
        path = self.folder / name
        path.write_text(text)
        if owner:
            shutil.chown(path, owner, owner)
        return path

    def room(self, name, owner=None):
        """A folder that nobody else may read, as PostgreSQL wants it."""
        path = self.folder / name
        path.mkdir(mode=0o700)
        if owner:
            shutil.chown(path, owner, owner)
        return path


def end(process, patience=25):
    """Asks a process to stop, and kills it when it does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def postgres_user():
    """PostgreSQL refuses to run as root; anybody else runs it as themselves."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def postgres_programs():
    """The folder of the newest PostgreSQL."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin: int(bin.parent.name))
    if not found:
        sys.exit("no PostgreSQL is installed: apt-get install postgresql")
    return found[-1]


def program(name, package):
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
    if not found:
        sys.exit(f"{name} is missing: apt-get install {package}")
    return found


def holdfast():
    """The binary of HOLDFAST_BIN, or the one that `cargo build --release` makes."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    binary = pathlib.Path(os.environ.get("HOLDFAST_BIN", target / "release" / "holdfast")).resolve()
    if not binary.exists():
        sys.exit(f"{binary} is missing: `cargo build --release`, or name another in HOLDFAST_BIN")
    return binary


def free_ports(count):
    """Ports that nobody uses at the moment, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def answer(port, path):
    """The JSON of a 200, or nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        found = connection.getresponse()
        raw = found.read()
        return json.loads(raw or b"{}") if found.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait_until(what, condition, patience=90):
    """Polls until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"waited {patience} s in vain until {what}")


def family(pid):
    """A process and all that descend from it."""
    parents = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold anything, spaces too.
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    members, found = [pid], []
    while members:
        found.append(members[0])
        members = members[1:] + parents.get(members[0], [])
    return found


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass
