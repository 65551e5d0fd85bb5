"""Clients of Holdfast over HTTP: one keep-alive connection each, and a note of everything that they were answered."""

import collections
import http.client
import json
import threading
import time
import uuid


class Lost(Exception):
    """The connection ended, or nothing came, before an answer was there."""


class Client:
    """One connection. It is opened again when it was lost or the server closed it after an answer."""

    def __init__(self, port, patience=10):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def ask(self, method, path, body=None, token=None, headers=None):
        """The status, the headers and the JSON of the answer."""
        headers = {"Content-Type": "application/json", **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = self.connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Lost(f"{type(error).__name__}: {error}") from error
        return answer.status, answer.headers, json.loads(raw or b"null")

    def must(self, status, *request, **more):
        found, _, body = self.ask(*request, **more)
        if found != status:
            raise RuntimeError(f"{request[:2]} was answered {found} instead of {status}: {body}")
        return body

    def sign_up(self):
        """A new account: its address, its password and the data of the answer."""
        account = {"email": f"{uuid.uuid4().hex}@example.com", "password": "seven boats leave at dawn"}
        return account, self.must(201, "POST", "/api/v1/auth/signup", account)["data"]


class Writer(threading.Thread):
    """Creates tasks one after another, and repeats each under its `Idempotency-Key` until it is acknowledged."""

    def __init__(self, number, port, pause=0.02, pause_before_repeat=0.1):
        super().__init__(daemon=True)
        self.number, self.client = number, Client(port)
        self.pause, self.pause_before_repeat = pause, pause_before_repeat
        profile = self.client.sign_up()[1]
        self.owner, self.token = profile["user_id"], profile["access_token"]
        self.acknowledged = {}
        self.acknowledged_at = []
        self.answers = collections.Counter()
        self.odd = []
        self.replayed = 0
        self.slowest = 0.0
        self.stopping = threading.Event()

    def run(self):
        count = 0
        while not self.stopping.is_set():
            count += 1
            self.write(f"writer {self.number}, task {count}")
            time.sleep(self.pause)

    def write(self, title):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        while not self.attempt(title, headers):
            time.sleep(self.pause_before_repeat)

    def attempt(self, title, headers):
        """Whether the write was acknowledged."""
        began = time.monotonic()
        try:
            status, answer, body = self.client.ask("POST", "/api/v1/tasks", {"title": title}, self.token, headers)
        except Lost as lost:
            self.answers["no answer"] += 1
            self.odd.append(str(lost))
            return False
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.answers[status] += 1
        if status == 201:
            self.acknowledged[title] = body["data"]["id"]
            self.acknowledged_at.append(time.monotonic())
            self.replayed += answer["Idempotent-Replayed"] == "true"
        elif status not in (503, 409):
            self.odd.append(f"{status} {body}")
        return status == 201

    def stop(self):
        """Ends after the write that is under way was acknowledged."""
        self.stopping.set()
        self.join(60)
        if self.is_alive():
            raise TimeoutError(f"writer {self.number} is not acknowledged any more: {dict(self.answers)}")
