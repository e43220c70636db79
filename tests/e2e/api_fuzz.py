#!/usr/bin/env python3
"""Calls of both faces, made of the OpenAPI document and then broken, against the running program.

    tests/e2e/api_fuzz.py [COUNT] [--seed N] [--workers N]

Each call is one that the document allows, with up to three of its parts made wrong: types, sizes, text, nesting, ids, queries, headers, or the
bytes of the body. Held for every answer: below 500 (503 alone where a call asks a node that does not answer, with the reason), JSON, the envelope of
errors with the HTTP status as its code, no longer than LATE; for good ones also the document's schema. At the end the program lives and serves.
A worker's calls follow from the seed; ids are those that the program gives, so a finding is told with the call itself.
"""
import argparse
import collections
import json
import multiprocessing
import random
import sys
import time
import urllib.parse

from openapi import Document, Maker, Wire

# Seconds. Chosen because the slowest call commits one transaction to a disk that others use; it holds for every single answer.
LATE = 5.0
# Bytes that the API reads of a body.
BODY_MAX = 1 << 20
# Calls between two looks at which objects there are.
FRESH = 200
# Objects of a kind that may be there. Chosen because a list of them all is still short.
LIMIT = 50
# One good answer in so many is held against the document's schema: that costs more than the call.
VALIDATED = 5
PEOPLE = ["user", "token", "accesskey"]
KINDS = [*PEOPLE, "vpc", "subnet", "instance", "ag", "eip", "securityGroup", "securityGroupRule", "lb", "tg", "target", "backend", "listener", "node",
         "placement", "table", "keyring", "drain"]
TEXTS = ["", " ", "x", "测试", "a" * 33, "a" * 257, "a" * 70_000, "\u0000", "\u202e", "\ud83d\ude00", "\ufeff", "../../etc/passwd", "' OR 1=1 --", "%00", "null",
         "-1", "0", "1e999", "127.0.0.1", "999.1.1.1", "::1", "0.0.0.0/0", "10.0.0.0/33", "alb-0000000000", "sg-", "\n", "{}", "<b>", "$(id)"]
NUMBERS = [0, -1, 1, 2**15, 2**16, 2**31, 2**32, 2**63 - 1, 2**63, -2**63 - 1, 10**40, 0.5, -0.0, 1e308]
IDS = ["none", "alb-0000000000", "a" * 64, "a" * 65, "%2e%2e", "%00", "..", "-", "%", "%e6%b5%8b", "a%2fb", ":describeTargets", "vpc-default", "*"]
BYTES = [b"", b"{", b"[]", b"null", b'"x"', b"{}{}", b'{"a":1,"a":2}', b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":1e9999}', b'{"spec":' * 200,
         b"[" * 100_000, b'{"a":"\\ud800"}', b'{"a":"\x01"}', b" " * 100_000 + b"{}", b'{"spec":{"port":' + b"9" * 5000 + b"}}"]
HEADERS = [("Content-Type", "text/plain"), ("Content-Type", "application/json; charset=x"), ("Content-Type", ""), ("If-Match", "x"), ("If-Match", '"1"'),
           ("If-Match", "*"), ("If-Match", '"99999999999999999999"'), ("x-jdcloud-client-token", "t" * 65), ("x-jdcloud-client-token", "again"),
           ("Idempotency-Key", "again"), ("Idempotency-Key", ""),
           ("Authorization", "Bearer x"), ("Authorization", "JDCLOUD2-HMAC-SHA256 Credential=x"), ("If-None-Match", "x"), ("Accept", "text/html"), ("Accept", "text/event-stream"),
           ("Content-Encoding", "gzip")]


class Calls:
    """Makes one call after the other: (operation, target, body, headers)."""

    def __init__(self, document, dice):
        self.document, self.dice, self.ids = document, dice, {}
        # Tokens and users are those that the calls are made with.
        self.operations = [one for one in document.operations if one.id not in ("deleteToken", "deleteUser", "updateUser")]

    def next(self):
        operation = self.dice.choice(self.operations)
        # Mostly others, so that there is something to call upon.
        if operation.method == "DELETE" and self.dice.random() < 0.8:
            operation = self.dice.choice(self.operations)
        ids = {kind: self.dice.choice(known) for kind, known in self.ids.items() if known}
        maker = Maker(self.document, ids, self.words())
        body = self.whole(maker, operation.body) if operation.body is not None else None
        target, headers, raw = maker.target(operation), {}, None
        query = [(one["name"], self.query_value(maker, one)) for one in operation.of("query") if self.dice.random() < 0.15 or one.get("required")]
        for _ in range(self.dice.choice([0, 0, 1, 1, 2, 3])):
            part = self.dice.random()
            if part < 0.6 and body is not None:
                body = self.broken(body)
            elif part < 0.7 and body is not None:
                raw = self.dice.choice(BYTES)
            elif part < 0.8:
                target = self.bad_target(operation, maker)
            elif part < 0.9:
                query.append((self.dice.choice(["plan", "cascade", "pageSize", "filters.1.name", "filters.0.values.1", "sorts.1.name", "x", "测"]),
                              self.dice.choice(["true", "-1", "99999999999999999999", "", "x" * 3000])))
            else:
                headers = dict([self.dice.choice(HEADERS)])
        query += self.filters(operation) if self.dice.random() < 0.3 else []
        query = [(name.replace(".N", ".1").replace(".M", ".1"), value) for name, value in query]
        if query:
            target += "?" + urllib.parse.urlencode(query)
        if self.dice.random() < 0.03:
            target = self.with_raw_bytes(target)
        if raw is None and body is not None:
            raw = json.dumps(body).encode("utf-8", "surrogatepass")
        return operation, target, raw, headers

    def filters(self, operation):
        """Whole filters and a tag of a list that has them, mostly with what objects have."""
        words = next((one["schema"]["enum"] for one in operation.of("query") if one["name"] == "filters.N.name" and "enum" in one["schema"]), [])
        known = [one for ids in self.ids.values() for one in ids[:3]] + ["alb", "local-1a", "base", "127.0.0.9", "running", "Http", "true", "80", ""] + TEXTS[:5]
        found = []
        for number, word in enumerate(self.dice.sample(words, min(len(words), self.dice.choice([1, 1, 2, 3]))), 1):
            found.append((f"filters.{number}.name", word))
            found += [(f"filters.{number}.values.{at}", self.dice.choice(known)) for at in range(1, self.dice.choice([2, 2, 3, 4]))]
            if self.dice.random() < 0.5:
                found.append((f"filters.{number}.operator", self.dice.choice(["eq", "ne", "lt", "le", "gt", "ge", "in", "like"])))
        if words and self.dice.random() < 0.2:
            found += [("tags.1.key", "team"), ("tags.1.values.1", self.dice.choice(known))]
        return [(name, value.encode("utf-8", "surrogatepass")) for name, value in found]

    def with_raw_bytes(self, target):
        """A text of the query, or the end of the path, with bytes that are no UTF-8."""
        path, mark, query = target.partition("?")
        raw = self.dice.choice(["%ff%fe", "%c3", "%ed%a0%80", "a%80"])
        if not mark or self.dice.random() < 0.3:
            return path + raw + mark + query
        parts = query.split("&")
        at = self.dice.randrange(len(parts))
        parts[at] += raw
        return path + mark + "&".join(parts)

    def words(self):
        """What makes a call good that a type cannot tell; names and addresses are mostly new."""
        dice = self.dice.randrange
        address = f"127.64.{dice(2)}.{dice(10, 250)}"
        return {"az": "local-1a", "azs": "local-1a", "provider": "bgp", "addressPrefix": f"127.{dice(100, 250)}.{dice(4)}.0/24", "ipAddress": address,
                "primaryIpAddress": address, "privateIpAddress": address, "name": f"n-{dice(10**6)}", "user": "base", "port": dice(1, 65536), "protocol": 6,
                "direction": 0}

    def whole(self, maker, schema, depth=0):
        """An object with what it must have and some of what it may have."""
        schema = maker.document.resolved(schema)
        made = maker.members(schema) if schema.get("type") == "object" else {}
        for name, member in schema.get("properties", {}).items():
            if self.dice.random() > 0.15 or depth > 3:
                continue
            member = maker.document.resolved(member)
            is_object = member.get("type") == "object" and "properties" in member
            made[name] = self.whole(maker, member, depth + 1) if is_object else self.good(maker, name, member)
        return made

    def good(self, maker, name, schema):
        if schema.get("type") == "integer":
            return self.dice.choice([schema.get("minimum", 0), schema.get("maximum", 100), maker.value(schema, name)])
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        if schema.get("type") == "array":
            return [maker.value(schema["items"], name) for _ in range(self.dice.randrange(3))]
        return maker.value(schema, name)

    def query_value(self, maker, parameter):
        if self.dice.random() < 0.5:
            return self.dice.choice(["0", "-1", "10", "18446744073709551616", "x", "", "测试", "alb", "false", "true", "a.b", "9." * 50])
        value = maker.value(parameter["schema"], parameter["name"])
        return str(value[0] if isinstance(value, list) and value else value)

    def bad_target(self, operation, maker):
        path = maker.target(operation)
        identifiers = [str(value) for value in maker.ids.values()]
        bad = self.dice.choice(IDS)
        for one in identifiers:
            if "/" + one in path:
                return path.replace("/" + one, "/" + bad, 1)
        return self.dice.choice([path + "/", path + "/x/y/z", path + "/" + bad, path.replace("/regions/local", "/regions/elsewhere"), "//" + path])

    def edge(self, depth=0):
        kind = self.dice.random()
        if kind < 0.3:
            return self.dice.choice(TEXTS)
        if kind < 0.55:
            return self.dice.choice(NUMBERS)
        if kind < 0.7:
            return self.dice.choice([None, True, False, [], {}])
        if kind < 0.8:
            one = self.dice.choice(TEXTS + NUMBERS)
            return [one] * (1001 if self.dice.random() < 0.3 and len(str(one)) < 1000 else self.dice.choice([1, 2]))
        if kind < 0.85:
            deep = "x"
            for _ in range(self.dice.choice([5, 31, 33, 400])):
                deep = {"spec": deep} if self.dice.random() < 0.5 else [deep]
            return deep
        if depth > 2:
            return {}
        return {self.dice.choice(TEXTS[:12]): self.edge(depth + 1) for _ in range(self.dice.randrange(4))}

    def broken(self, body):
        """The body with one place in it made wrong."""
        places = []

        def walk(thing):
            items = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
            for key, value in items:
                places.append((thing, key))
                walk(value)
        walk(body)
        if not places or self.dice.random() < 0.1:
            return self.edge()
        thing, key = self.dice.choice(places)
        act = self.dice.random()
        if act < 0.6:
            thing[key] = self.edge()
        elif act < 0.75 and isinstance(thing, dict):
            del thing[key]
        elif isinstance(thing, dict):
            thing[self.dice.choice(["x", "", "spec", "id", "revision", "admin", "status", "a" * 300, "测"])] = self.edge()
        else:
            thing.extend([thing[key]] * self.dice.choice([1, 150]))
        return body


class Judge:
    """What must hold of every answer; what is wrong, as text."""

    def __init__(self, document, dice):
        self.document, self.dice = document, dice
        self.statuses = collections.Counter()
        self.slowest = 0.0

    def wrong(self, operation, target, status, text, seconds):
        self.statuses[status] += 1
        self.slowest = max(self.slowest, seconds)
        if seconds > LATE:
            return f"took {seconds:.1f} s"
        if text is None:
            return "" if status == 200 else "a stream that is an error"
        if status == 304:
            return "" if text == "" else "a body with 304"
        try:
            answer = json.loads(text)
        except ValueError:
            return "is no JSON"
        if status >= 400:
            error = answer.get("error") if isinstance(answer, dict) else None
            if not isinstance(error, dict) or error.get("code") != status or not error.get("status") or not error.get("message"):
                return "has not the envelope of errors"
            if status == 503 and operation.id == "explain":
                return ""
            return f"is {status}" if status >= 500 else ""
        is_own = target.split("?")[0].count("/") == operation.path.count("/")
        if is_own and self.dice.randrange(VALIDATED) == 0:
            return "; ".join(self.document.problems(operation, status, answer))
        return ""


def refresh(wire, calls):
    """Looks which objects there are; makes those again that were all deleted, and lets more be made: a limit that a call has lowered would refuse the rest."""
    for kind in KINDS:
        status, _, text = wire.call("GET", f"/weir/v1/{kind}" + ("" if kind in PEOPLE else "?pageSize=20"))
        if status == 200:
            calls.ids[kind] = [one["id"] for one in json.loads(text)["items"]]
    raise_limits(wire, calls)
    if not all(calls.ids.get(kind) for kind in KINDS if kind != "drain"):
        make_base(wire)


def raise_limits(wire, calls):
    def set_limit(**body):
        wire.call("PATCH", "/v1/regions/local/quotas/", json.dumps({**body, "maxLimit": LIMIT}).encode())
    for one in ("alb", "nlb", "dnlb"):
        set_limit(type="loadbalancer", lbType=one)
    for one in ("vpc", "elastic_ip"):
        set_limit(type=one)
    for kind, types in (("lb", ("listener", "backend", "target_group")), ("vpc", ("subnet", "security_group"))):
        for of in calls.ids.get(kind, []):
            for one in types:
                set_limit(type=one, parentResourceId=of)


def make_base(wire):
    """Something of every kind; what is there already, or beyond a quota, is not made."""
    def make(kind, name, **spec):
        body = {"spec": spec, **({"name": name} if name else {})}
        status, _, text = wire.call("POST", "/weir/v1/" + kind, json.dumps(body).encode())
        return json.loads(text).get("id", "none") if status == 201 else "none"
    for kind, spec in zip(PEOPLE, ({"role": "viewer"}, {"user": "base"}, {"user": "base"})):
        make(kind, "base", **spec)
    make("eip", "base", bandwidthMbps=5, provider="bgp")
    group = make("securityGroup", "base", vpcId="vpc-default")
    make("securityGroupRule", None, securityGroupId=group, direction="in", protocol="TCP", addressPrefix="10.0.0.0/8")
    ag = make("ag", "base", azs=["local-1a"])
    make("instance", "base-member", subnetId="subnet-default", ipAddress=f"127.64.3.{random.randrange(10, 250)}", az="local-1a", agId=ag)
    lb = make("lb", "base", subnetId="subnet-default", azs=["local-1a"])
    tg = make("tg", "base", loadBalancerId=lb, type="ip")
    make("target", None, targetGroupId=tg, ipAddress="127.0.0.9", port=80)
    for name, algorithm in (("base", "RoundRobin"), ("hash", "IpHash")):
        backend = make("backend", name, loadBalancerId=lb, protocol="Http", port=80, targetGroupIds=[tg], algorithm=algorithm, healthCheck={"protocol": "Tcp"})
        make("listener", name, loadBalancerId=lb, protocol="Http", port=18080 + len(name), backendId=backend)


def worker(job):
    """Makes its share of the calls; (statuses, slowest, findings)."""
    credentials, text, seed, count = job
    dice = random.Random(seed)
    document = Document(text)
    wire, calls, judge, findings = Wire(credentials), Calls(document, dice), Judge(document, dice), []
    for number in range(count):
        if number % FRESH == 0:
            refresh(wire, calls)
        operation, target, body, headers = calls.next()
        started = time.monotonic()
        try:
            status, _, answer = wire.call(operation.method, target, body, headers)
            problem = judge.wrong(operation, target, status, answer, time.monotonic() - started)
        except ConnectionError as error:
            # A body that is too long is not read to its end: the answer may go with the connection.
            is_long = len(body or b"") > BODY_MAX
            status, answer, problem = 0, "", "" if is_long else f"no answer: {error!r}"
            judge.statuses[413] += is_long
            wire.close()
        except Exception as error:  # noqa: BLE001 whatever breaks the exchange is a finding
            status, answer, problem = 0, "", f"no answer: {error!r}"
            wire.close()
        if problem:
            findings.append(f"{operation.method} {target} {headers}\n   sent {(body or b'')[:600]!r}\n   answer {status} {(answer or 'a stream')[:600]}\n   {problem}")
            if len(findings) >= 20:
                break
    wire.close()
    return judge.statuses, judge.slowest, findings


def run(credentials, count, seed, workers):
    """(statuses, slowest answer, findings) of `count` calls to a program that runs."""
    wire = Wire(credentials)
    _, _, text = wire.call("GET", "/weir/v1/openapi.json")
    make_base(wire)
    wire.close()
    shares = [(credentials, text, seed * 1000 + number, count // workers + (number < count % workers)) for number in range(workers)]
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        results = pool.map(worker, shares)
    statuses = sum((one[0] for one in results), collections.Counter())
    return statuses, max(one[1] for one in results), [text for one in results for text in one[2]]


def main():
    from harness import Up, remove, scratch
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=100_000, help="calls (default 100000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the calls (default: the clock)")
    parser.add_argument("--workers", type=int, default=4, help="connections at once (default 4)")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    cluster, started = Up(scratch("apifuzz")), time.monotonic()
    is_good = False
    try:
        cluster.start()
        statuses, slowest, findings = run(cluster.credentials, options.count, options.seed, options.workers)
        assert cluster.process.alive() and cluster.api.get("version"), "the program has ended"
        cluster.stop()
        print("\n".join(findings))
        print("answers: " + ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items())))
        print(f"seed {options.seed}: {sum(statuses.values())} calls in {time.monotonic() - started:.0f} s, slowest {slowest:.2f} s, "
              f"{len(findings)} wrong")
        is_good = not findings
    finally:
        if cluster.process.alive():
            cluster.process.kill()
        if is_good:
            remove(cluster.folder)
        else:
            print(f"left for a look: {cluster.folder}")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
