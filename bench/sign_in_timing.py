#!/usr/bin/env python3
"""Can the time that a refused sign-in takes tell whether an account exists, or is banned?

Sends sign-ins of several kinds in random order over one connection and compares the kinds two by two:

    unknown     an address that no account has
    unknown (2) the same once more, as a control: what this pair shows is noise
    wrong       an account, and a wrong password
    banned      a banned account, and a wrong password

Welch's t-test compares the means, the Mann-Whitney U test the ranks. `AUC` is how often a guess from one measurement each
would be right: 0.5 is a coin. The last lines say whether any pair differs more than the control could explain.

    RATE_LIMIT=off LOG_LEVEL=warn PORT=8092 holdfast serve &
    holdfast user create-admin --email root@example.com        # or --no-banned below
    bench/sign_in_timing.py http://127.0.0.1:8092 --admin root@example.com --admin-password '...'

Not a test: a busy machine shows differences that are not the server's. Nothing but Python's own library is needed.
"""

import argparse
import http.client
import itertools
import json
import random
import statistics
import sys
import time
import urllib.parse
import uuid

PASSWORD = "a passphrase for measuring only"
WRONG = "a passphrase that nobody chose."
# Beyond this a pair is told apart: one in a thousand by chance, and a guess that is right 55 times in a hundred.
SIGNIFICANT = 0.001
AUC_THAT_MATTERS = 0.05


class Server:
    """One keep-alive connection."""

    def __init__(self, base):
        url = urllib.parse.urlsplit(base)
        self.connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=30)

    def ask(self, method, path, body=None, token=None):
        """The status, the JSON of the answer, and the nanoseconds until it was read."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        text = json.dumps(body) if body is not None else None
        began = time.perf_counter_ns()
        self.connection.request(method, path, text, headers)
        response = self.connection.getresponse()
        raw = response.read()
        took = time.perf_counter_ns() - began
        return response.status, json.loads(raw or b"null"), took

    def must(self, status, *request, **more):
        found, body, _ = self.ask(*request, **more)
        if found != status:
            sys.exit(f"{request[0]} {request[1]} answered {found}, not {status}: {body}")
        return body


def account(server):
    """A new account: its id and address."""
    email = f"{uuid.uuid4().hex}@example.com"
    body = server.must(201, "POST", "/api/v1/auth/signup", {"email": email, "password": PASSWORD})
    return body["data"]["user_id"], email


def people(server, options):
    """What each kind signs in as. All addresses are equally long."""
    _, known = account(server)
    kinds = {"unknown": None, "unknown (2)": None, "wrong": known}
    if options.admin:
        admin = {"email": options.admin, "password": options.admin_password}
        token = server.must(200, "POST", "/api/v1/auth/login", admin)["data"]["access_token"]
        banned_id, banned = account(server)
        server.must(200, "POST", f"/api/v1/users/{banned_id}/ban", {}, token=token)
        kinds["banned"] = banned
    return kinds


def measure(server, kinds, attempts, rng):
    """The milliseconds of each attempt by kind: one of each kind a round, in random order, so that what slows the machine
    down for a while slows all alike. The first tenth is thrown away."""
    warm_up = max(1, attempts // 10)
    taken = {kind: [] for kind in kinds}
    for _ in range(attempts + warm_up):
        for kind in rng.sample(list(kinds), len(kinds)):
            email = kinds[kind] or f"{uuid.uuid4().hex}@example.com"
            wish = {"email": email, "password": WRONG}
            status, body, took = server.ask("POST", "/api/v1/auth/login", wish)
            if (status, body.get("error_code")) != (401, "INVALID_CREDENTIALS"):
                sys.exit(f"{kind} answered {status} {body}; is RATE_LIMIT off?")
            taken[kind].append(took / 1e6)
    return {kind: times[warm_up:] for kind, times in taken.items()}


def two_sided(z):
    return 2 * (1 - statistics.NormalDist().cdf(abs(z)))


def welch(one, two):
    """The difference of the means, its standard error, and p; with hundreds of measurements t is as good as normal."""
    error = (statistics.variance(one) / len(one) + statistics.variance(two) / len(two)) ** 0.5
    difference = statistics.fmean(two) - statistics.fmean(one)
    return difference, error, two_sided(difference / error) if error else 1.0


def mann_whitney(one, two):
    """p and the share of pairs in which the second took longer; ties count half."""
    ranked = sorted([(time_taken, 0) for time_taken in one] + [(time_taken, 1) for time_taken in two])
    ranks, ties, at = [0.0, 0.0], 0, 1
    for _, group in itertools.groupby(ranked, key=lambda pair: pair[0]):
        group = list(group)
        rank = at + (len(group) - 1) / 2
        for _, which in group:
            ranks[which] += rank
        ties += len(group) ** 3 - len(group)
        at += len(group)
    n, m = len(one), len(two)
    u = ranks[1] - m * (m + 1) / 2
    total = n + m
    deviation = (n * m / 12 * (total + 1 - ties / (total * (total - 1)))) ** 0.5
    z = (u - n * m / 2) / deviation if deviation else 0.0
    return two_sided(z), u / (n * m)


def report(taken):
    """Prints both tables; whether any pair is told apart."""
    print(f"{'kind':12} {'n':>6} {'median ms':>10} {'mean ms':>10} {'deviation':>10} {'p95 ms':>10}")
    for kind, times in taken.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        middle, mean, spread = statistics.median(times), statistics.fmean(times), statistics.stdev(times)
        print(f"{kind:12} {len(times):6} {middle:10.3f} {mean:10.3f} {spread:10.3f} {p95:10.3f}")
    print(f"\n{'pair':24} {'difference of the means, 99.9 %':>34} {'Welch p':>9} {'M-W p':>9} {'AUC':>6}")
    apart = []
    for one, two in itertools.combinations(taken, 2):
        difference, error, welch_p = welch(taken[one], taken[two])
        ranks_p, auc = mann_whitney(taken[one], taken[two])
        span = f"{difference:+.3f} ± {error * statistics.NormalDist().inv_cdf(0.9995):.3f} ms"
        print(f"{one + ' / ' + two:24} {span:>34} {welch_p:9.4f} {ranks_p:9.4f} {auc:6.3f}")
        if min(welch_p, ranks_p) < SIGNIFICANT and abs(auc - 0.5) > AUC_THAT_MATTERS:
            apart.append(f"{one} / {two}")
    return apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", help="where the server is, e.g. http://127.0.0.1:8092")
    parser.add_argument("--attempts", type=int, default=500, help="per kind (500)")
    parser.add_argument("--admin", help="an administrator's address; without one, no account can be banned")
    parser.add_argument("--admin-password")
    parser.add_argument("--seed", type=int, default=1, help="of the order (1)")
    options = parser.parse_args()
    server = Server(options.base)
    taken = measure(server, people(server, options), options.attempts, random.Random(options.seed))
    apart = report(taken)
    if apart:
        print(f"\ntold apart: {', '.join(apart)}")
        return 1
    print("\nno pair is told apart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
