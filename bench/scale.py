"""The same requests while the table grows: does what one person asks for cost more because others have tasks, too?"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from clients import Client  # noqa: E402
from load import in_turns, median  # noqa: E402
from people import PASSWORD  # noqa: E402

# Of the person who asks. Everybody else has OTHERS tasks.
MINE, OTHERS = 10_000, 100
CONNECTIONS = 8

# Rows as the server writes them. `owners` gives each number of a task its owner; the order is random, because the tasks of
# one person lie scattered over a table that has been in use.
FILL = """
INSERT INTO users (id, email, email_folded, email_claim, role, is_active, email_verified, created_at, updated_at)
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex({first} + n), 12, '0'))::uuid, address, address, address, 'user', true,
           false, now(), now()
    FROM (SELECT n, 'other' || ({first} + n) || '@example.com' AS address FROM generate_series(1, {others}) n) people;
INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, due_at, priority, is_completed, revision,
                   created_at, updated_at)
    SELECT owner, gen_random_uuid(), title, title, 'Ask when it leaves.', title || chr(31) || 'ask when it leaves.',
           now() + random() * interval '90 days', floor(random() * 4), random() < 0.3, 1, created, created
    FROM (SELECT CASE WHEN n <= {mine} THEN '{owner}'::uuid ELSE
                 ('00000000-0000-4000-8000-' || lpad(to_hex({first} + 1 + (n - {mine}) / {each}), 12, '0'))::uuid END AS owner,
                 'call number ' || n AS title, now() - random() * interval '1 year' AS created
          FROM generate_series(1, {mine} + {each} * {others} - 1) n ORDER BY random()) rows;
"""


def grow(server, owner, first, total, mine):
    """Adds tasks until there are `total`, `mine` of them the person's, by people from number `first` on."""
    others = max(1, (total - mine) // OTHERS)
    sql = FILL.format(owner=owner, first=first, others=others, mine=mine, each=OTHERS)
    server.database.ask(server.name, sql)
    server.settle()
    return first + others


class Person:
    """The one who asks."""

    def __init__(self, server):
        self.server, self.client = server, Client(server.port, patience=60)
        account = {"email": "many@example.com", "password": PASSWORD}
        self.client.ask("POST", "/api/v1/auth/signup", account)
        profile = self.client.must(200, "POST", "/api/v1/auth/login", account)["data"]
        self.id, self.token = profile["user_id"], profile["access_token"]

    def requests(self, kind):
        match kind:
            case "get one":
                page = self.page("/api/v1/tasks?limit=100")
                return [self.get(f"/api/v1/tasks/{task['id']}") for task in page["tasks"]]
            case "first page":
                return [self.get("/api/v1/tasks?limit=50")]
            case "last page, by cursor":
                return [self.get(f"/api/v1/tasks?limit=50&cursor={self.last_cursor()}")]
            case "filtered, sorted, counted":
                return [self.get("/api/tasks?priority=urgent_important&completed=false&sort_by=due_datetime&limit=50")]
            case "create":
                body = json.dumps({"title": "One more"})
                head = self.get("/api/v1/tasks", "POST").rstrip() + b"\r\nContent-Type: application/json\r\n"
                return [head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body.encode())]
        raise ValueError(kind)

    def page(self, path):
        return self.client.must(200, "GET", path, token=self.token)["data"]

    def last_cursor(self):
        """That of the last full page."""
        cursor, before = None, None
        while True:
            page = self.page("/api/v1/tasks?limit=100" + (f"&cursor={cursor}" if cursor else ""))
            cursor, before = page["next_cursor"], cursor
            if not cursor:
                return before

    def get(self, path, method="GET"):
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        return head.encode()


KINDS = ["get one", "first page", "last page, by cursor", "filtered, sorted, counted", "create"]


def measure(server, totals, rounds, seconds):
    """{kind: {total: microseconds of the server and PostgreSQL together per request, requests/s}}"""
    person, first, there, found = Person(server), 1, 0, {kind: {} for kind in KINDS}
    for total in totals:
        mine = 0 if there else min(MINE, total)
        first = grow(server, person.id, first, total - there, mine)
        there = total
        for kind in KINDS:
            rows = in_turns([server], {server: person.requests(kind)}, rounds, seconds, CONNECTIONS)[server]
            found[kind][total] = {name: median(rows, name) for name in ("per_second", "p95", "server_us", "errors", "noise")}
            print(f"  {total:>10,} tasks, {kind:26} {found[kind][total]['per_second']:>9,.0f}/s", flush=True)
    return found
