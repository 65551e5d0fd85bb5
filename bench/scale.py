"""The same requests while the table grows: does what one person asks for cost more because others have tasks, too?"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/drills"))
from clients import Client  # noqa: E402
from load import in_turns, median  # noqa: E402
from people import PASSWORD  # noqa: E402

# Of everybody but the person who asks.
OTHERS = 100
CONNECTIONS = 8
# Rows that are written at once: a random order of more would be sorted on the disk.
CHUNK = 1_000_000

PEOPLE = """
INSERT INTO users (id, email, email_folded, email_claim, role, is_active, email_verified, created_at, updated_at)
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, address, address, address, 'user', true,
           false, now(), now()
    FROM (SELECT n, 'other' || n || '@example.com' AS address FROM generate_series(0, {others}) n) people
    ON CONFLICT DO NOTHING;
"""
# Rows as the server writes them. One in {step} is the person's; the order is random. So the tasks of one person lie
# scattered, as in a table that has been in use, whatever its size.
TASKS = """
INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, due_at, priority, is_completed, revision,
                   created_at, updated_at)
    SELECT owner, gen_random_uuid(), title, title, 'Ask when it leaves.', title || chr(31) || 'ask when it leaves.',
           now() + random() * interval '90 days', floor(random() * 4), random() < 0.3, 1, created, created
    FROM (SELECT CASE WHEN n % {step} = 0 THEN '{owner}'::uuid ELSE
                 ('00000000-0000-4000-8000-' || lpad(to_hex(n / {each}), 12, '0'))::uuid END AS owner,
                 'call number ' || n AS title, now() - random() * interval '1 year' AS created
          FROM generate_series({first}, {last}) n ORDER BY random()) rows;
"""


def fill(server, owner, total, mine):
    """A new table of `total` tasks, of which `mine` are the person's."""
    statements = ["TRUNCATE tasks", PEOPLE.format(others=total // OTHERS)]
    for first in range(0, total, CHUNK):
        last = min(total, first + CHUNK) - 1
        statements.append(TASKS.format(owner=owner, step=total // mine, each=OTHERS, first=first, last=last))
    for sql in statements:
        server.database.ask(server.name, sql)
    server.settle()


class Person:
    """One who asks."""

    def __init__(self, server, email):
        self.server, self.client = server, Client(server.port, patience=60)
        account = {"email": email, "password": PASSWORD}
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
            case "search":
                return [self.get("/api/v1/tasks?q=number%2077&limit=50")]
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


KINDS = ["get one", "first page", "last page, by cursor", "filtered, sorted, counted", "search", "create"]


def measure(server, totals, mine, rounds, seconds):
    """{kind: {total: microseconds of the server and PostgreSQL together per request, requests/s}}"""
    # Another one creates: what the person has stays as it is while it is measured.
    person, writer = Person(server, "many@example.com"), Person(server, "busy@example.com")
    found = {kind: {} for kind in KINDS}
    for total in totals:
        fill(server, person.id, total, mine)
        for kind in KINDS:
            who = writer if kind == "create" else person
            rows = in_turns([server], {server: who.requests(kind)}, rounds, seconds, CONNECTIONS)[server]
            found[kind][total] = {name: median(rows, name) for name in ("per_second", "p95", "server_us", "errors", "noise")}
            print(f"  {total:>10,} tasks, {kind:26} {found[kind][total]['per_second']:>9,.0f}/s", flush=True)
    return found
