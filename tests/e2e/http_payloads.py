"""What `diffhttp` sends: requests of every kind that proxies have disagreed about, and seeded mutations of them.

Each payload is what one client writes on one connection. What of it is a request says strict_http.py; nothing here is marked good or bad.
Test data beside the checkout (../shared/data) is read in place, when it is there.
"""
import json
import random

from harness import ROOT

DATA = ROOT.parent / "shared" / "data"
AFTER = b"GET /after HTTP/1.1\r\nHost: after\r\n\r\n"  # smuggled, if anybody takes it for a request of its own
HEAD = b"POST /p?q=1 HTTP/1.1\r\nHost: a\r\n"
BLANKS = [b"\t", b"\x0b", b"\x0c", b"\r", b"\n", b"\0", b"\x7f", b"\x80", b"\xa0", b"\xff", b" "]


def get(lines=b"", start=b"GET /g HTTP/1.1", host=b"Host: a\r\n"):
    return start + b"\r\n" + host + lines + b"\r\n"


def good():
    """Nobody can misread these."""
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from (get(), get(b"X-A: 1\r\nX-A: 2\r\nx-empty:\r\n"), get(start=b"DELETE /d?x=y&z HTTP/1.1"), get(start=b"HEAD /h HTTP/1.1"))
    yield from (get(start=b"OPTIONS * HTTP/1.1"), get(start=b"PURGE /%7Ea//b/../c HTTP/1.1"), get(start=b"GET http://a/abs?x HTTP/1.1"),
                b"\r\n" + get())
    yield from (get(start=b"GET /old HTTP/1.0"), get(b"Connection: close\r\n") + AFTER, get(b"Connection: keep-alive\r\n", b"GET /old HTTP/1.0"))
    yield from (HEAD + b"Content-Length: 5\r\n\r\nhello", HEAD + b"content-length:   0005 \r\n\r\nhello", HEAD + b"Content-Length: 0\r\n\r\n")
    yield from (chunked + b"5\r\nhello\r\n0\r\n\r\n", chunked + b"0\r\n\r\n",
                chunked + b"005;a=b;c=\"d;\\\"e\"\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n")
    yield from (get() + get(start=b"GET /second HTTP/1.1"), HEAD + b"Content-Length: 5\r\n\r\nhello" + get(),
                chunked + b"3\r\nabc\r\n0\r\n\r\n" + get())
    yield from (get(b"Connection: X-Gone, close\r\nX-Gone: 1\r\n"),
                get(b"TE: trailers\r\nTrailer: X\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n"))
    yield from (get(b"X-Forwarded-For: 10.1.1.1\r\nx-forwarded-for: 10.2.2.2\r\n"),
                get(b"X_Forwarded_For: 10.9.9.9\r\nX-Forwarded-Proto: https\r\nmy_own: 1\r\n"))
    yield from (HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
                get(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"))
    yield from (get(b"Cookie: a=b\r\nAccept: */*\r\nUser-Agent: \xc3\xa9\r\n"),
                HEAD + b"Content-Length: 70\r\n\r\n" + AFTER + b"x" * (70 - len(AFTER)))
    yield get(b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(60)))
    yield HEAD + b"Content-Length: 20000\r\n\r\n" + b"b" * 20000


def framed_twice():
    """Length and coding together, codings that are not quite `chunked`, lengths that are not quite numbers. N5"""
    coded = [b"Transfer-Encoding: chunked", b"transfer-encoding:chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked",
             b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked",
             b"Transfer-Encoding: \"chunked\"",
             b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding: 'chunked'", b"Transfer-Encoding:", b"Transfer-Encoding: chunk",
             b"Transfer-Encoding: CHUNKED",
             b" Transfer-Encoding: chunked", b"X: y\r\n Transfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
             b"X: y\rTransfer-Encoding: chunked",
             b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
             b"Transfer-Encoding:\r\n chunked", b"Transfer_Encoding: chunked", b"Transfer-Encoding\r\n: chunked", b"TrAnSfEr-EnCoDiNg: cHuNkEd",
             b"Foo: bar\r\n\tTransfer-Encoding: chunked"]
    for blank in BLANKS:
        coded += [b"Transfer-Encoding:" + blank + b"chunked", b"Transfer-Encoding: chunked" + blank, b"Transfer-Encoding" + blank + b": chunked",
                  blank + b"Transfer-Encoding: chunked", b"Transfer-" + blank + b"Encoding: chunked", b"Transfer-Encoding: ch" + blank + b"unked"]
    for line in coded:
        yield HEAD + line + b"\r\n\r\n0\r\n\r\n" + AFTER
        for length in (b"Content-Length: 5", b"Content-Length: %d" % (5 + len(AFTER)), b"content-length : 5"):
            yield HEAD + length + b"\r\n" + line + b"\r\n\r\n0\r\n\r\n" + AFTER
        yield HEAD + line + b"\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + AFTER
    yield b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + AFTER
    for value in (b"+5", b"-5", b"5, 5", b"5,5", b"0x5", b"5 5", b"5;", b"", b" ", b"five", b"5.0", b"1e1", b"9223372036854775808",
                  b"18446744073709551621", b"00000000000000000000005",
                  b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6", b"\x0b5", b"5\x0c", b"\xb2", b"5\0", b"5\r", b"5\n", b"\r\n 5",
                  b"5\r\nContent_Length: 30"):
        yield HEAD + b"Content-Length: " + value + b"\r\n\r\nhello" + AFTER
    for method in (b"GET", b"HEAD", b"OPTIONS", b"TRACE"):
        yield method + b" /body HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(AFTER) + AFTER
        yield method + b" /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + AFTER


def odd_chunks():
    """N4"""
    sizes = [b"0x5", b"+5", b"-0", b" 5", b"5 ", b"5\t", b"00000000000000005", b"0000000000000005", b"ffffffffffffffff", b"7fffffffffffffff",
             b"10000000000000005", b"5;",
             b"5;a", b"5;=b", b"5 ;a=b", b"5; a=b", b"5;a=\"b", b"5;a=b\x00", b"5;a=\"\r\n\"", b"5;\n", b"5\rx", b"", b";a", b"g", b"5,5", b"5_0",
             b"\x0b5", b"\xb25", b"5;" + b"a" * 300]
    chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for size in sizes:
        yield chunked + size + b"\r\nhello\r\n0\r\n\r\n" + AFTER
        yield chunked + b"5\r\nhello\r\n" + size + b"\r\nhello\r\n0\r\n\r\n" + AFTER
    for body in (b"5\nhello\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"5\r\nhello\r\r\n0\r\n\r\n",
                 b"5\r\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhello\r\n0\n\r\n",
                 b"5\r\nhello\r\n0\r\n\n", b"5\r\nhello\r\n0\r\nX: y\n\r\n", b"5\r\nhello\r\n0\r\n X: y\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nX : y\r\n\r\n", b"5\r\nhello\r\n0\r\n: y\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
                 b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n", b"5\r\nhello\r\n0\r\nX\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\r\n",
                 b"5\r\nhello\r\n0;" + b"a" * 1000 + b"\r\n\r\n", b"5\r\nhello\r\n0\r\nX: " + b"a" * 9000 + b"\r\n\r\n", b"2\r\nhello\r\n0\r\n\r\n",
                 b"6\r\nhello\r\n0\r\n\r\n"):
        yield chunked + body + AFTER


def odd_heads():
    """Line ends, names, values, targets, versions and hosts. N3, N12, N13, N14, N15"""
    for line in (b"X: a\0b", b"X: a\x01", b"X: a\x7f", b"X: a\rb", b"X: a\nb", b"X: a\r\n b", b"X : a", b": a", b"X", b"X\0: a", b"X[]: a",
                 b"X\xe9: a", b"\xffX: a", b"X:\x0b", b"X;: a", b"\x00: a", b" X: a", b"X: " + b"a" * 17000,
                 b"X" * 17000 + b": a", b"Host: b", b"host:a", b"H\x00ost: b", b"Content-Length", b"Connection: content-length", b"Connection: host",
                 b"Connection: transfer-encoding", b"Connection: \x01", b"Connection: a b",
                 b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA", b"Upgrade: websocket",
                 b"Connection: upgrade\r\nUpgrade: websocket, h2c", b"Expect: 200-ok", b"Expect: 100-continue\r\nExpect: x",
                 b"X-Forwarded-For: a, b\r\nX-Forwarded_For: c", b"x_forwarded_proto: https", b"CONTENT_LENGTH: 5",
                 b"Content-Length: 5\r\n\r\nhello\r\nX: y", b"X: y\r\r", b"X: y\n", b"\r", b"Proxy: x", b"X-\xc0\x8aY: z"):
        yield get(line + b"\r\n") + AFTER
        yield get(host=line + b"\r\nHost: a\r\n") + AFTER
    for start in (b"GET  /g HTTP/1.1", b"GET /g  HTTP/1.1", b"GET\t/g HTTP/1.1", b" GET /g HTTP/1.1", b"GET /g HTTP/1.1 ", b"GET /g HTTP/1.2",
                  b"GET /g HTTP/2.0", b"GET /g HTTP/0.9", b"GET /g", b"GET /g http/1.1", b"GET /g HTTP/1,1", b"GET /g HTTP/11",
                  b"GET /g HTTP/1.1\0", b"GET /g#f HTTP/1.1", b"GET /g\x00 HTTP/1.1", b"GET /\xff HTTP/1.1", b"GET /g\x7f HTTP/1.1",
                  b"GET /a b HTTP/1.1", b"GET g HTTP/1.1", b"GET * HTTP/1.1", b"GET ?x HTTP/1.1", b"GET \\g HTTP/1.1",
                  b"GET //g HTTP/1.1", b"GET /../g HTTP/1.1", b"GET /%2e%2e/%2f%5c HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /%zz HTTP/1.1",
                  b"GET /%c0%af HTTP/1.1", b"GET http://a HTTP/1.1", b"GET http://b/ HTTP/1.1", b"GET http://a@b/ HTTP/1.1",
                  b"GET http:///g HTTP/1.1", b"GET http://a:80/g HTTP/1.1", b"GET HTTP://A/g HTTP/1.1", b"GET https://a/g HTTP/1.1",
                  b"GET ftp://a/g HTTP/1.1", b"GET http://[::1]/g HTTP/1.1", b"OPTIONS http://a HTTP/1.1", b"OPTIONS http://a?x HTTP/1.1",
                  b"CONNECT a:80 HTTP/1.1", b"PRI * HTTP/2.0", b"get /g HTTP/1.1", b"G\0T /g HTTP/1.1", b"G{T /g HTTP/1.1", b"M-SEARCH /g HTTP/1.1",
                  b"G_T /g HTTP/1.1", b"A" * 33 + b" /g HTTP/1.1", b"GET /" + b"a" * 17000 + b" HTTP/1.1", b"GET /g|\"<>`{} HTTP/1.1"):
        yield get(start=start) + AFTER
    for host in (b"", b"Host:\r\n", b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a b\r\n", b"Host: a@b\r\n", b"Host: a/b\r\n",
                 b"Host: a:99999\r\n", b"Host: a:\r\n", b"Host: a:0\r\n", b"Host: a,b\r\n", b"Host: [::1\r\n",
                 b"Host: [::1]:80\r\n", b"Host: a%00\r\n", b"Host: a\0b\r\n", b"Host: a?b\r\n", b"Host: a#b\r\n", b"Host: \xff\r\n", b"Host:\ta\r\n",
                 b"Host : a\r\n", b"Host: a\\b\r\n", b"Host: a%zz\r\n", b"H_st: a\r\n"):
        yield get(host=host) + AFTER
        yield get(host=host, start=b"GET /g HTTP/1.0") + AFTER
        yield get(host=host, start=b"GET http://a/g HTTP/1.1") + AFTER
    for end in (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n ", b"\0\r\n", b"\x85", b"\xe2\x80\xa8"):
        yield get().replace(b"\r\n", end) + AFTER
        yield get(b"X: y\r\n").replace(b"y\r\n", b"y" + end) + AFTER
        yield get()[:-2] + end + AFTER
    yield b"\r\n\r\n" + get() + AFTER
    yield b"\n" + get() + AFTER
    yield get(b"".join(b"X-%d: %d\r\n" % (i, i) for i in range(101))) + AFTER
    yield get(b"X: " + b"a" * 9000 + b"\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"b" * 9000) for i in range(8))) + AFTER


def own():
    return [*good(), *framed_twice(), *odd_chunks(), *odd_heads()]


def read_data(name):
    """A file of the data pack, or None when it is not there."""
    path = DATA / name
    return json.loads(path.read_text()) if path.exists() else None


def spelled():
    """{id: payload}: spellings of Transfer-Encoding, each beside a Content-Length; empty without the data pack."""
    return {row["id"]: row["bytes_latin1"].encode("latin-1") for row in read_data("smuggler_te_mutations.json") or []}


def of_another_parser():
    """Requests that another parser is tested with; empty without the data pack."""
    payloads = []
    for case in read_data("llhttp_cases.json") or []:
        raw = case["bytes"].encode("utf-8", "surrogateescape")
        if case["kind"] == "request":
            # Most have no Host, which is not what they are about.
            start, end, rest = raw.partition(b"\r\n")
            payloads += [raw, start + end + b"Host: a\r\n" + rest if end and b"\nhost:" not in raw.lower() else raw + b"\r\n\r\n"]
    return payloads


WORDS = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b";", b"\0", b"0", b"5", b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n",
         b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Host: b\r\n", b"chunked", b"GET / HTTP/1.1\r\n", b"\r\n ",
         b"HTTP/1.1", b"HTTP/1.0", b"Connection: close\r\n", b"_", b"-", b"/", b"?", b"#", b"%0d%0a", b"%00", b"\x0b", b"\x80", b"\xff", b"\"", b"x"]
SAFE = set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Mutator:
    """Payloads without end, the same for the same seed."""

    def __init__(self, seed, bases):
        self.random, self.bases, self.good = random.Random(seed), bases, list(good())
        self.changes = [self.split, self.duplicate, self.replace, self.delete, self.recase, self.respace, self.reencode]

    def payload(self):
        data = self.random.choice(self.good if self.random.random() < 0.7 else self.bases)
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3))):
            data = self.random.choice(self.changes)(data)
        return data

    def at(self, data):
        """Mostly in the head, where the meaning is."""
        head = data.find(b"\r\n\r\n")
        limit = head + 8 if head > 0 and self.random.random() < 0.8 else len(data)
        return self.random.randrange(min(limit, len(data)) + 1)

    def part(self, data):
        """(from, to) of a line with its end, or of a few bytes."""
        at = self.at(data)
        if self.random.random() < 0.5:
            start = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at)
            return start, end + 1 if end >= 0 else len(data)
        return at, min(len(data), at + self.random.randrange(1, 9))

    def split(self, data):
        at = self.at(data)
        return data[:at] + self.random.choice((b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\t", AFTER)) + data[at:]

    def duplicate(self, data):
        start, end = self.part(data)
        return data[:end] + data[start:end] + data[end:]

    def replace(self, data):
        start, end = self.part(data)
        end = min(end, start + self.random.choice((0, 1, 1, 2, 100)))
        return data[:start] + self.random.choice(WORDS) + data[end:]

    def delete(self, data):
        start, end = self.part(data)
        return data[:start] + data[end:]

    def recase(self, data):
        start, end = self.part(data)
        return data[:start] + bytes(c ^ 0x20 if c in SAFE and self.random.random() < 0.5 else c for c in data[start:end]) + data[end:]

    def respace(self, data):
        places = [i for i, c in enumerate(data[:400]) if c in b" \t:,;\r\n"] or [0]
        at = self.random.choice(places) + self.random.randrange(2)
        cut = self.random.randrange(2) if data[at:at + 1] in (b" ", b"\t") else 0
        return data[:at] + self.random.choice(BLANKS) * self.random.choice((1, 1, 2, 3)) + data[at + cut:]

    def reencode(self, data):
        at = self.at(data)
        byte = data[at:at + 1] or b"a"
        forms = (b"%%%02x" % byte[0], b"%%25%02x" % byte[0], bytes((0xc0 | byte[0] >> 6, 0x80 | byte[0] & 0x3f)), byte + b"\0",
                 b"\\x%02x" % byte[0], bytes((byte[0] | 0x80,)), b"&#%d;" % byte[0], b"=?utf-8?q?" + byte + b"?=")
        return data[:at] + self.random.choice(forms) + data[at + 1:]
