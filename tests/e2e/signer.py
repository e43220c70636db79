"""Signs requests of the JD Cloud API as its clients do: JDCLOUD2-HMAC-SHA256 and JDCLOUD3-HMAC-SHA256.

Shares no code with the product, so that a mistake there cannot hide here. `sign()` gives the headers of one request;
`SignedApi` calls a server with them.
"""
import datetime
import hashlib
import hmac
import http.client
import json
import re
import urllib.parse
import uuid

WORDS = {2: ("JDCLOUD2-HMAC-SHA256", "JDCLOUD2", "jdcloud2_request"), 3: ("JDCLOUD3-HMAC-SHA256", "JDCLOUD3", "jdcloud3_request")}
# Headers that no client signs.
NEVER_SIGNED = {"authorization", "user-agent", "connection", "accept-encoding"}


def sha256(text):
    return hashlib.sha256(text).hexdigest()


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def canonical_path(path, version=2):
    if version == 3:
        path = re.sub("/+", "/", urllib.parse.unquote_plus(path))
    else:
        path = urllib.parse.unquote(path)
    return urllib.parse.quote(path or "/", safe="/~")


def canonical_query(query):
    pairs = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        pairs.append(tuple(urllib.parse.quote(urllib.parse.unquote_plus(text), safe="~") for text in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_value(value, version=2):
    return value.strip() if version == 3 else " ".join(value.split())


def canonical_request(method, target, headers, signed, body, version=2):
    path, _, query = target.partition("?")
    values = {name.lower(): value for name, value in headers.items()}
    lines = "".join(f"{name}:{canonical_value(values[name], version)}\n" for name in signed)
    return "\n".join([method.upper(), canonical_path(path, version), canonical_query(query), lines, ";".join(signed), sha256(body)])


def key_chain(secret, day, region, service, version=2):
    """k1 to k4; the last one signs."""
    _, prefix, terminator = WORDS[version]
    keys = [mac((prefix + secret).encode(), day)]
    for word in (region, service, terminator):
        keys.append(mac(keys[-1], word))
    return keys


def authorization(method, target, headers, signed, body, key, scope, version=2):
    """The Authorization header; `key` is (access key, secret), `scope` is (region, service); `headers` has x-jdcloud-date."""
    algorithm, _, terminator = WORDS[version]
    date = next(value for name, value in headers.items() if name.lower() == "x-jdcloud-date")
    full_scope = "/".join([date[:8], *scope, terminator])
    text = "\n".join([algorithm, date, full_scope, sha256(canonical_request(method, target, headers, signed, body, version).encode())])
    signature = mac(key_chain(key[1], date[:8], *scope, version)[-1], text).hex()
    return f"{algorithm} Credential={key[0]}/{full_scope}, SignedHeaders={';'.join(signed)}, Signature={signature}"


def sign(method, host, target, body, key, region="local", service="lb", version=2, at=None, nonce=None, extra=None):
    """All headers of a signed request. `host` as in the Host header, `target` as on the wire, `at` a UTC datetime."""
    algorithm = WORDS[version][0]
    body = body.encode() if isinstance(body, str) else body or b""
    at = at or datetime.datetime.now(datetime.timezone.utc)
    headers = {"host": host, "content-type": "application/json", **(extra or {}),
               "x-jdcloud-date": at.strftime("%Y%m%dT%H%M%SZ"), "x-jdcloud-nonce": nonce or str(uuid.uuid4())}
    if version == 3:
        signed = ["content-type", "host"]
        signed += [name for name in headers if name.lower() == "x-jdcloud-security-token"]
        headers |= {"x-jdcloud-content-sha256": sha256(body), algorithm: algorithm}
    else:
        signed = sorted(name.lower() for name in headers if name.lower() not in NEVER_SIGNED)
    headers["Authorization"] = authorization(method, target, headers, sorted(signed), body, key, (region, service), version)
    return headers


class SignedApi:
    """Calls of one access key against `address` ("127.0.0.1:8420"); gives (status, decoded body)."""

    def __init__(self, address, access_key, secret, region="local", service="lb", version=2):
        self.address, self.key = address, (access_key, secret)
        self.region, self.service, self.version = region, service, version

    def call(self, method, target, body=None, headers=None, **options):
        """`headers` replaces the signed ones: what a replay or a tamperer sends."""
        text = "" if body is None else json.dumps(body)
        if headers is None:
            options = {"region": self.region, "service": self.service, "version": self.version, **options}
            headers = sign(method, self.address, target, text, self.key, **options)
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, target, text or None, headers)
            answer = connection.getresponse()
            raw = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(raw) if raw else {}
