"""Who calls and what: accounts with tasks, and the requests of each mix. The same for every server."""

import json
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from clients import Client  # noqa: E402

PASSWORD = "eleven kettles on a quiet shelf"
PRIORITIES = ["urgent_important", "not_urgent_important", "urgent_not_important", "not_urgent_not_important"]
FILTERED = "/api/tasks?priority=urgent_important&completed=false&sort_by=due_datetime&sort_order=asc&limit=50"
# Shares of the mix "mixed", in percent.
MIXED = {"get one": 35, "list 50": 25, "filtered list": 10, "create": 10, "update": 10, "complete": 10}
MIXES = [*MIXED, "sign-in", "mixed"]
# New tasks belong to people of their own, so that no list grows while it is measured.
WRITERS = 4
# So many different requests of a mix are sent round and round.
REQUESTS = 8_000


def task(chance):
    due = datetime(2026, 6, 1) + timedelta(minutes=chance.randrange(-80_000, 80_000))
    return {
        "title": f"Call number {chance.getrandbits(36):x} about the delivery",
        "description": "Ask when it leaves, write down who said so, and tell the others before the end of the day.",
        "due_datetime": due.isoformat() if chance.random() < 0.8 else None,
        "priority": chance.choice(PRIORITIES),
        "is_completed": chance.random() < 0.3,
    }


class People:
    """The accounts of one server, and their tasks."""

    def __init__(self, server, owners, tasks_each):
        self.port = server.port
        self.addresses = [f"person{n}@example.com" for n in range(owners + WRITERS)]
        tokens = self.each(self.sign_up, self.addresses)
        self.owners, self.writers = tokens[:owners], tokens[owners:]
        chance = random.Random(1)
        wanted = [(token, task(chance)) for token in self.owners for _ in range(tasks_each)]
        chance.shuffle(wanted)
        self.tasks = self.each(self.create, wanted)

    def each(self, deed, things):
        """Does `deed` with every thing over four connections; the answers in order."""
        mine = threading.local()

        def one(thing):
            if not hasattr(mine, "client"):
                mine.client = Client(self.port, patience=60)
            return deed(mine.client, thing)

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(one, things))

    def sign_up(self, client, address):
        account = {"email": address, "password": PASSWORD, "name": "Measured"}
        client.ask("POST", "/api/v1/auth/signup", account)
        return client.must(200, "POST", "/api/v1/auth/signin", account)["data"]["token"]

    def create(self, client, wanted):
        token, body = wanted
        return client.must(201, "POST", "/api/tasks", body, token)["data"]["id"], token

    def requests(self, mix):
        """The bytes of the requests of one mix."""
        chance = random.Random(2)
        kinds = random.Random(3).choices(list(MIXED), MIXED.values(), k=REQUESTS)
        few = mix in ("list 50", "sign-in")
        return [self.request(kinds[n] if mix == "mixed" else mix, chance) for n in range(200 if few else REQUESTS)]

    def request(self, kind, chance):
        id, owner = chance.choice(self.tasks)
        match kind:
            case "get one":
                return self.raw("GET", f"/api/tasks/{id}", owner)
            case "list 50":
                return self.raw("GET", "/api/tasks", owner)
            case "filtered list":
                return self.raw("GET", FILTERED, owner)
            case "create":
                return self.raw("POST", "/api/tasks", chance.choice(self.writers), task(chance))
            case "update":
                return self.raw("PUT", f"/api/tasks/{id}", owner, task(chance))
            case "complete":
                return self.raw("PATCH", f"/api/tasks/{id}/complete", owner, {"completed": chance.random() < 0.5})
            case "sign-in":
                account = {"email": chance.choice(self.addresses), "password": PASSWORD}
                return self.raw("POST", "/api/v1/auth/signin", None, account)
        raise ValueError(kind)

    def raw(self, method, path, token, body=None):
        text = json.dumps(body).encode() if body is not None else b""
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        head += [f"Authorization: Bearer {token}"] if token else []
        head += ["Content-Type: application/json", f"Content-Length: {len(text)}"] if text else []
        return "\r\n".join(head).encode() + b"\r\n\r\n" + text
