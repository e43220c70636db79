"""HTTP/1 requests as strictly as the product promises to read them, written a second time: what a client has framed, and what of it a server may see.

`Framer` takes the bytes of one connection as they come. It shares no code with the product; where the two differ, one of them is wrong.
Source: RFC 9110, RFC 9112, with every ambiguity refused.
"""
import ipaddress
import re

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!\"$-~]+) HTTP/1\.([01])")
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|(?:[-._~!$&'()*+,;=0-9A-Za-z]|%[0-9A-Fa-f]{2})+)(?::([0-9]{1,5}))?")
ABSOLUTE = re.compile(rb"(https?)://([^/?]*)([^?]*)(\?.*)?", re.I)
QUOTED = rb"\"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*\""
SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;%b(?:=(?:%b|%b))?)*" % (TOKEN.pattern, TOKEN.pattern, QUOTED))
LENGTH_MAX = 2 ** 63 - 1
LINE_MAX, HEAD_MAX, FIELDS_MAX, CHUNK_LINE_MAX, TRAILERS_MAX = 16384, 65536, 100, 256, 8192
METHOD_MAX, OPTIONS_MAX = 32, 16

FORWARDING = {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-lbip", b"x-forwarded-host", b"x-forwarded-client-port"}
FRAMING = {b"content-length", b"transfer-encoding"}
# RFC 9110, 7.6.1: of one connection.
HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade", b"http2-settings", b"trailer"}
# What a proxy writes itself, if anybody does.
WRITTEN = FRAMING | HOP | {b"host", b"x-forwarded-for"}


class Refused(Exception):
    """These bytes frame no request."""


class Request:
    """A request with its head checked; `body` grows while it is read, then `trailers` do."""

    def __init__(self, method, target, minor, fields):
        self.method, self.target, self.minor, self.fields = method, target, minor, fields
        self.body, self.framing, self.length, self.trailers = b"", "none", 0, []

    def values(self, name):
        return [value for key, value in self.fields if key.lower() == name]

    @property
    def options(self):
        """The members of Connection."""
        return [one.strip(b" \t").lower() for value in self.values(b"connection") for one in value.split(b",")]

    @property
    def persists(self):
        return b"close" not in self.options and (self.minor == 1 or b"keep-alive" in self.options)

    def __repr__(self):
        trailers = f" trailers {self.trailers!r}" if self.trailers else ""
        return f"{self.method!r} {self.target!r} {self.fields!r} body {self.body!r}{trailers}"


def check_authority(text):
    found = HOST.fullmatch(text)
    if not found or (found.group(2) and not 0 < int(found.group(2)) <= 65535):
        raise Refused("authority")
    if found.group(1).startswith(b"["):
        try:
            ipaddress.IPv6Address(found.group(1)[1:-1].decode())
        except ValueError:
            raise Refused("address in brackets") from None
    return found.group(1).lower(), found.group(2)


def read_head(text):
    """The request whose head is `text`, empty line left out; `text` begins with the request line."""
    lines = text.split(b"\r\n")
    start = REQUEST_LINE.fullmatch(lines[0])
    if not start or start.group(1) == b"CONNECT" or len(lines[0]) + 2 > LINE_MAX or len(start.group(1)) > METHOD_MAX:
        raise Refused("request line")
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value) or len(line) + 2 > LINE_MAX:
            raise Refused("field")
        fields.append((name, value.strip(b" \t")))
    if len(fields) > FIELDS_MAX:
        raise Refused("number of fields")
    request = Request(start.group(1), start.group(2), int(start.group(3)), fields)
    check_target(request)
    check_framing(request)
    options = [one for one in request.options if one]
    if len(options) > OPTIONS_MAX or not all(TOKEN.fullmatch(one) for one in options) or len(request.values(b"expect")) > 1:
        raise Refused("connection or expectation")
    return request


def check_target(request):
    hosts, target = request.values(b"host"), request.target
    if len(hosts) > 1 or (request.minor == 1 and not hosts):
        raise Refused("number of hosts")
    for host in hosts:
        check_authority(host)
    if target.startswith(b"/") or (target == b"*" and request.method == b"OPTIONS"):
        return
    absolute = ABSOLUTE.fullmatch(target)
    if not absolute:
        raise Refused("target")
    (name, port), default = check_authority(absolute.group(2)), b"443" if absolute.group(1).lower() == b"https" else b"80"
    for host in hosts:
        if (name, int(port or default)) != ((other := check_authority(host))[0], int(other[1] or default)):
            raise Refused("host and target differ")


def check_framing(request):
    lengths, codings = request.values(b"content-length"), request.values(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Refused("framed twice")
    if codings:
        if request.minor == 0 or codings[0].lower() != b"chunked":
            raise Refused("transfer coding")
        request.framing = "chunked"
    if lengths:
        if not re.fullmatch(rb"[0-9]+", lengths[0]) or int(lengths[0]) > LENGTH_MAX:
            raise Refused("content length")
        request.framing, request.length = "length", int(lengths[0])


class Framer:
    """Requests off one connection. `requests` are whole; `partial` is the one whose head is whole and whose body is not; `state` is "open", "closed"
    (the last request ends the connection: what follows is nobody's) or "refused"."""

    def __init__(self):
        self.requests, self.partial, self.state, self.why = [], None, "open", ""
        self._rest, self._left, self._phase = b"", 0, "head"

    def feed(self, data):
        """Takes bytes in; returns the requests that they made whole."""
        self._rest += data
        before = len(self.requests)
        try:
            while self.state == "open" and self._step():
                pass
        except Refused as refused:
            self.state, self.why = "refused", str(refused)
        return self.requests[before:]

    @property
    def rest(self):
        """What has come and belongs to no request yet."""
        return self._rest

    @property
    def is_between(self):
        """Nothing of a further request has come."""
        return self._phase == "head" and not self._rest

    def _step(self):
        return {"head": self._head, "length": self._payload, "chunk": self._payload, "size": self._size, "end": self._chunk_end,
                "trailers": self._trailers}[self._phase]()

    def _line(self, limit):
        """The next line, or None when its end has not come; a lone CR or LF is refused when its line is judged."""
        line, end, rest = self._rest.partition(b"\r\n")
        if not end:
            if len(line) > limit or b"\n" in line:
                raise Refused("line")
            return None
        if len(line) + 2 > limit or b"\n" in line or b"\r" in line:
            raise Refused("line")
        self._rest = rest
        return line

    def _head(self):
        text = self._rest[2:] if self._rest.startswith(b"\r\n") else self._rest  # RFC 9112, 2.2: one empty line
        head, end, rest = text.partition(b"\r\n\r\n")
        if (b"\r" in head.replace(b"\r\n", b"").removesuffix(b"\r")) or b"\n" in head.replace(b"\r\n", b"") or text.startswith(b"\r\n"):
            raise Refused("line end")
        if len(self._rest) - len(rest) > HEAD_MAX:
            raise Refused("size of the head")
        if not end:
            return False
        self.partial, self._rest = read_head(head), rest
        self._left = self.partial.length
        self._phase = {"none": "length", "length": "length", "chunked": "size"}[self.partial.framing]
        return True

    def _payload(self):
        part, self._rest = self._rest[: self._left], self._rest[self._left:]
        self.partial.body += part
        self._left -= len(part)
        if self._left:
            return False
        if self._phase == "chunk":
            self._phase = "end"
            return True
        return self._whole()

    def _size(self):
        line = self._line(CHUNK_LINE_MAX)
        if line is None:
            return False
        size = SIZE_LINE.fullmatch(line)
        if not size or int(size.group(1), 16) > LENGTH_MAX:
            raise Refused("chunk size")
        self._left = int(size.group(1), 16)
        self._phase, self._trailer_size = ("chunk", 0) if self._left else ("trailers", 0)
        return True

    def _chunk_end(self):
        if len(self._rest) < 2 and b"\r\n".startswith(self._rest):
            return False
        if not self._rest.startswith(b"\r\n"):
            raise Refused("end of a chunk")
        self._rest, self._phase = self._rest[2:], "size"
        return True

    def _trailers(self):
        line = self._line(TRAILERS_MAX)
        if line is None:
            return False
        if not line:
            return self._whole()
        self._trailer_size += len(line) + 2
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value) or self._trailer_size > TRAILERS_MAX:
            raise Refused("trailer")
        self.partial.trailers.append((name, value.strip(b" \t")))
        return True

    def _whole(self):
        request, self.partial, self._phase = self.partial, None, "head"
        self.requests.append(request)
        self.state = "open" if request.persists else "closed"
        return True


def path_of(request):
    """The target as a server is asked for it: never in absolute form (RFC 9112, 3.2)."""
    absolute = None if request.target.startswith(b"/") else ABSOLUTE.fullmatch(request.target)
    if absolute is None:
        return request.target
    path, query = absolute.group(3), absolute.group(4) or b""
    if not path:
        path = b"*" if request.method == b"OPTIONS" and not query else b"/"
    return path + query


def is_alias(name):
    """Whether a program that reads _ as - takes it for a field about framing or forwarding."""
    return b"_" in name and name.lower().replace(b"_", b"-") in FORWARDING | FRAMING


def is_expectation(name, value):
    return name.lower() == b"expect" and value.lower() == b"100-continue"


def to_pass_on(sent):
    """The fields of a client's request that go on as they came, in their order."""
    kept_back = WRITTEN | set(sent.options) - {b"close", b"keep-alive", b"upgrade"}
    return [(name, value) for name, value in sent.fields
            if name.lower() not in kept_back and not is_alias(name) and not is_expectation(name, value)]


def passed_on(seen):
    """The fields that a server got but for those that a proxy writes: no alias and nothing that the request itself names is left out here."""
    return [(name, value) for name, value in seen.fields if name.lower() not in WRITTEN and not is_expectation(name, value)]


def own_difference(sent, seen):
    """What of the fields of one connection is wrong: there are none, or those that pass on the offer of another protocol."""
    own = sorted((name.lower(), value.lower()) for name, value in seen.fields if name.lower() in HOP)
    offer = [(b"connection", b"upgrade"), (b"upgrade", b"".join(sent.values(b"upgrade")).lower())]
    if own and not (own == offer and b"upgrade" in sent.options and sent.framing == "none"):
        return f"fields of one connection {own!r}"
    return f"trailers {seen.trailers!r}" if seen.trailers else ""


def difference(sent, seen, peer, vip):
    """What in `seen`, a request that a server got, is not explained by `sent`, the request that the client framed; empty when all is."""
    if (seen.method, seen.target, seen.minor) != (sent.method, path_of(sent), 1):
        return f"request line {seen.method!r} {seen.target!r} HTTP/1.{seen.minor}"
    hosts = sent.values(b"host") or [vip]
    if not sent.target.startswith(b"/") and (absolute := ABSOLUTE.fullmatch(sent.target)):
        hosts = [absolute.group(2)]
    if seen.values(b"host") != hosts:
        return f"host {seen.values(b'host')!r}"
    before = [value for value in sent.values(b"x-forwarded-for") if value] if b"x-forwarded-for" not in sent.options else []
    if seen.values(b"x-forwarded-for") != [b", ".join([*before, peer])]:
        return f"x-forwarded-for {seen.values(b'x-forwarded-for')!r}"
    if (left := passed_on(seen)) != (wanted := to_pass_on(sent)):
        return f"fields {left!r}, wanted {wanted!r}"
    if seen.framing != sent.framing or (seen.framing == "length" and seen.length != sent.length):
        return f"framing {seen.framing} {seen.length}"
    if seen.values(b"expect") and not sent.values(b"expect"):
        return "an expectation"
    return own_difference(sent, seen)
