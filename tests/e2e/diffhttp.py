#!/usr/bin/env python3
"""One byte stream to Weir, to Debian's HAProxy and to nginx, each in front of a recorder of its own that frames strictly: what arrives is compared.

Weir is judged by strict_http.py alone: what its recorder gets is, request by request, what the client framed, and never more. The two others say
where Weir may be too trusting: what it passes on and both of them refuse or read as something else is disputed, and listed.

`./dev diffhttp COUNT` sends the known payloads of http_payloads.py and COUNT mutations of them. A client has a loopback address of its own, which
every proxy tells its recorder, so that each request that arrives belongs to one payload however late it is.
"""
import argparse
import asyncio
import collections
import dataclasses
import itertools
import os
import shutil
import socket
import sys
import threading
import time

import http_payloads
from harness import SLOWNESS, Process, Up, free_port, remove, scratch, wait_for
from strict_http import Framer, difference, path_of

# Clients at work at once. Chosen because most of them wait.
AT_ONCE = 48
# A proxy that has not answered by then wants more bytes than there are.
QUIET_SECONDS = 0.3 * SLOWNESS
PATIENCE_SECONDS = 20.0
# One case at one proxy, whatever trickles. Chosen as what three waits in a row may take.
CASE_SECONDS = 3 * PATIENCE_SECONDS * SLOWNESS
RECORDED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Recorder(asyncio.Protocol):
    """One connection of a proxy. What it frames goes to `book`, by the client it comes from."""

    def __init__(self, book):
        self.book, self.framer, self.raw = book, Framer(), b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.raw += data
        for request in self.framer.feed(data):
            self.book.whole[self.book.peer_of(request)].append(request)
            self.transport.write(RECORDED)
            self.raw = b""
        if self.framer.state == "refused":
            self.book.broken.append((self.framer.why, self.raw))
        if self.framer.state == "closed" and not self.framer.is_between:
            self.book.broken.append(("bytes behind a request that ends the connection", self.framer.rest))
        if self.framer.state != "open":
            self.transport.close()

    def connection_lost(self, _):
        if self.framer.state == "open" and self.framer.partial:
            self.book.partial[self.book.peer_of(self.framer.partial)].append(self.framer.partial)
        elif self.framer.state == "open" and not self.framer.is_between:
            self.book.broken.append(("ends within a head", self.raw))


class Book:
    """All that one recorder has got."""

    def __init__(self, header):
        self.header, self.broken = header, []
        self.whole, self.partial = collections.defaultdict(list), collections.defaultdict(list)

    def peer_of(self, request):
        values = request.values(self.header)
        return values[-1].rpartition(b",")[2].strip() if values else b""


class Loop(threading.Thread):
    """Recorders and clients share one loop, beside the thread that starts programs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()
        self.start()

    def run(self):
        self.loop.run_forever()

    def do(self, coroutine, seconds=None):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def record(self, book):
        """The port of a new recorder."""
        server = self.do(self.loop.create_server(lambda: Recorder(book), "127.0.0.1", 0, backlog=1024))
        return server.sockets[0].getsockname()[1]

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join()


def program(name):
    """Where it is, or None; Debian's servers stand where the PATH of users does not lead."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


class Haproxy:
    def __init__(self, folder, target):
        self.address, self.port = "127.0.0.1", free_port()
        (folder / "haproxy.cfg").write_text(
            "global\n  nbthread 1\n  maxconn 4000\n  tune.bufsize 131072\n  tune.maxrewrite 8192\n  tune.http.maxhdr 200\n"
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n  timeout http-request 30s\n  retries 0\n"
            f"frontend f\n  bind {self.address}:{self.port}\n  default_backend b\n"
            f"backend b\n  http-request set-header X-Peer %[src]\n  http-reuse never\n  server r 127.0.0.1:{target}\n")
        self.process = Process([program("haproxy"), "-db", "-q", "-f", folder / "haproxy.cfg"], folder / "haproxy.log")


class Nginx:
    def __init__(self, folder, target):
        self.address, self.port = "127.0.0.1", free_port()
        user = "user root; " if os.geteuid() == 0 else ""
        temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; {user}worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log crit;\n"
            f"events {{ worker_connections 4000; }}\nhttp {{ access_log off; {temporary} \n"
            "  client_header_buffer_size 64k; large_client_header_buffers 8 64k;\n"
            f"  server {{ listen {self.address}:{self.port} backlog=1024; server_name recorded;\n"
            f"  location / {{ proxy_pass http://127.0.0.1:{target}; proxy_http_version 1.1;\n"
            "    proxy_set_header Host $host; proxy_set_header Connection \"\"; proxy_set_header X-Peer $remote_addr; } } }\n")
        self.process = Process([program("nginx"), "-e", folder / "nginx-error.log", "-p", folder, "-c", folder / "nginx.conf"], folder / "nginx.log")


@dataclasses.dataclass
class Case:
    """One payload, what of it is framed, and what became of it."""
    data: bytes
    pieces: list
    peer: bytes
    framed: Framer
    answers: dict = dataclasses.field(default_factory=dict)  # by proxy: status codes


def is_there(proxy):
    try:
        socket.create_connection((proxy.address, proxy.port), 2).close()
        return True
    except OSError:
        return False


class Arena:
    """The proxies, each with its recorder. `others` is False to leave out what Debian ships."""

    def __init__(self, others=True):
        self.folder, self.loop, self.sent, self.last_pid = scratch("diffhttp"), Loop(), [], None
        # One for each payload; addresses of load balancers begin at 127.64.
        self.peers = (b"127.%d.%d.%d" % (a, b, c) for a in range(1, 60) for b in range(1, 250) for c in range(1, 250))
        self.books = {"weir": Book(b"x-forwarded-for")}
        self.up, self.started = Up(self.folder), []
        try:
            self.up.start("--log-level", "error")
            service = self.up.service([("127.0.0.1", self.loop.record(self.books["weir"]))]).wait_healthy()
            self.proxy_pid = self.up.pid("proxy")
            self.vip = service.vip.encode() + (b"" if service.port == 80 else b":%d" % service.port)
            self.places = {"weir": (service.vip, service.port)}
            for kind in (Haproxy, Nginx) if others else ():
                self.add(kind)
        except BaseException:
            self.clear(is_kept=True)
            self.end()
            raise

    def add(self, kind):
        name = kind.__name__.lower()
        book = self.books[name] = Book(b"x-peer")
        proxy = kind(self.folder, self.loop.record(book))
        self.started.append(proxy)
        wait_for(lambda: is_there(proxy), f"{name}:\n{proxy.process.tail()}")
        self.places[name] = (proxy.address, proxy.port)

    def end(self):
        """Ends all programs: then everything has arrived that ever will."""
        self.last_pid = self.up.pid("proxy")
        for proxy in self.started:
            proxy.process.stop()  # not killed: nginx's worker would stay
        try:
            self.up.stop()
        finally:
            self.loop.stop()

    def clear(self, is_kept):
        """Removes the folder with logs and data, or says where it is left for a look."""
        if is_kept:
            print(f"left for a look: {self.folder}")
        else:
            remove(self.folder)

    def cases(self, payloads, cuts):
        """`cuts` gives the places where a payload is cut into pieces that are sent apart."""
        for data in payloads:
            peer = next(self.peers)
            framed = Framer()
            framed.feed(data)
            places = [0, *cuts(data), len(data)]
            pieces = [data[a:b] for a, b in zip(places, places[1:]) if a < b]
            self.sent.append(Case(data, pieces, peer, framed))
            yield self.sent[-1]

    def send(self, cases, patience=QUIET_SECONDS):
        """Sends each case to each proxy and waits until all have ended. `patience`: how long the others may think; Weir has all the time there is."""
        work = collections.deque((case, name, PATIENCE_SECONDS if name == "weir" else patience) for case in cases for name in self.places)

        async def client():
            while work:
                case, name, seconds = work.popleft()
                case.answers[name] = await Client(case, self.places[name], seconds).go()

        async def clients():
            await asyncio.gather(*(client() for _ in range(AT_ONCE)))
        self.loop.do(clients())


class Client:
    """Sends one case on one connection. It ends its side only once it has got all the answers that it can expect, or nothing comes any more."""

    def __init__(self, case, place, patience):
        self.case, self.place, self.patience, self.answer, self.is_ended, self.is_reset = case, place, patience, b"", False, False

    async def go(self):
        """The status codes that came; "waits" where the connection stayed open all the same, "reset" where it ended so."""
        with socket.socket() as self.socket:
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.bind((self.case.peer.decode(), 0))
            try:
                await asyncio.wait_for(self.talk(asyncio.get_running_loop()), CASE_SECONDS)
            except asyncio.TimeoutError:
                return statuses(self.answer) + ["waits"]
            except OSError:
                return statuses(self.answer) + ["reset"]
            return statuses(self.answer) + (["reset"] if self.is_reset else [])

    async def talk(self, loop):
        await loop.sock_connect(self.socket, self.place)
        try:
            for piece in self.case.pieces:
                await loop.sock_sendall(self.socket, piece)
                await asyncio.sleep(0.001)  # so that the pieces mostly arrive apart
        except ConnectionError:
            self.is_reset = True  # what was answered before is there all the same
        part = b"-"
        while part:
            if not self.is_ended and self.has_all and self.case.framed.is_between:
                self.end()
            try:
                part = await asyncio.wait_for(loop.sock_recv(self.socket, 65536), self.wait)
            except asyncio.TimeoutError:
                if self.is_ended:
                    raise
                self.end()
            else:
                self.answer += part

    def end(self):
        self.is_ended = True
        self.socket.shutdown(socket.SHUT_WR)

    @property
    def has_all(self):
        return len(statuses(self.answer)) >= len(self.case.framed.requests)

    @property
    def wait(self):
        """What is neither a request nor refused is waited for but shortly: nothing can come."""
        return self.patience if self.is_ended or not self.has_all else QUIET_SECONDS


def statuses(answer):
    """Final ones; bodies of these answers never hold such a line."""
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return [int(line[9:12]) for line in lines if not line[9:10] == b"1"]


def violations(arena, cases):
    """What Weir's recorder got and no client framed, in words with the payload."""
    book = arena.books["weir"]
    for why, raw in book.broken:
        yield f"what arrived is not framed strictly ({why}): {raw[-2000:]!r}"
    # 127.0.0.1 is the harness itself, which waited for a first answer.
    for peer in {*book.whole, *book.partial} - {case.peer for case in arena.sent} - {b"127.0.0.1"}:
        yield f"requests of nobody: {book.whole[peer] + book.partial[peer]}"
    if (pid := arena.last_pid or arena.up.pid("proxy")) != arena.proxy_pid:
        yield f"the proxy ended: process {arena.proxy_pid} began, now it is {pid}"
    for case in cases:
        for what in (*case_violations(case, book, arena.vip), *answer_violations(case)):
            yield told(case, what)


def case_violations(case, book, vip):
    framed, whole, partial = case.framed, book.whole.get(case.peer, []), book.partial.get(case.peer, [])
    if len(whole) > len(framed.requests):
        yield f"{len(whole)} requests arrived, {len(framed.requests)} were framed; the last: {whole[-1]}"
    for sent, seen in zip(framed.requests, whole):
        what = difference(sent, seen, case.peer, vip) or ("" if seen.body == sent.body else f"body {seen.body!r}")
        if what:
            yield f"what arrived was not sent: {what}"
    begun = [*framed.requests, *([framed.partial] if framed.partial else [])][len(whole):]
    if len(partial) > 1 or (partial and not begun):
        yield f"part of a request arrived that nobody began: {partial}"
    elif partial:
        what = difference(begun[0], partial[0], case.peer, vip) or ("" if begun[0].body.startswith(partial[0].body) else "body")
        if what:
            yield f"part of a request arrived that was not sent: {what} of {partial[0]}"


def ends_within_a_line(case):
    """Whether all that is refused is a line that has no end; a connection that ends there may be closed without a word."""
    lines = Framer()
    lines.feed(case.data[:case.data.rfind(b"\n") + 1])
    return lines.state == "open"


def answer_violations(case):
    """What Weir said to the client and should not have: each request has its 200, what is refused one error, and the connection ends in good order."""
    if "weir" not in case.answers:
        return  # never sent, because sending failed as a whole
    framed, answers = case.framed, case.answers["weir"]
    served, rest = answers[:len(framed.requests)], answers[len(framed.requests):]
    if served != [200] * len(framed.requests):
        yield f"{len(framed.requests)} requests were framed, answered with {answers}"
    has_error = len(rest) == 1 and isinstance(rest[0], int) and rest[0] >= 400
    if framed.state == "refused":
        is_right = has_error or (not rest and ends_within_a_line(case))
    elif framed.state == "open" and framed.partial:
        is_right = has_error or rest in ([], ["reset"])  # the client ended within a body
    elif framed.state == "open" and not framed.is_between:
        is_right = has_error or not rest
    else:
        # Whoever sends on behind the request that ends the connection may meet a closed one.
        is_right = not rest or (rest == ["reset"] and not framed.is_between)
    if not is_right:
        yield f"what is no request was answered with {rest}"


def stricter(arena, cases):
    """Payloads of which Weir passed on less than the client framed."""
    book = arena.books["weir"]
    return [case for case in cases if len(book.whole.get(case.peer, [])) < len(case.framed.requests)]


def meaning(request):
    return request.method, path_of(request), request.body


def disputed(arena, cases):
    """(case, request as it was sent) that Weir passed on, and that each of the others refused or took for another one."""
    others = [name for name in arena.places if name != "weir"]
    for case in cases:
        for number, (_, request) in enumerate(zip(arena.books["weir"].whole.get(case.peer, []), case.framed.requests)):
            seen = [arena.books[name].whole.get(case.peer, [])[number:number + 1] for name in others]
            if others and not any(one and meaning(one[0]) == meaning(request) for one in seen):
                yield case, request
                break


def cut_places(random):
    """Half of the payloads arrive in two or three pieces."""
    def places(data):
        return sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 2))))
    return places


def missing():
    return [name for name in ("haproxy", "nginx") if not program(name)]


def doubts(arena, cases, is_reviewed):
    """What is disputed and stays so when the others are asked again, with nobody beside; `is_reviewed` takes out what has been judged."""
    first = [case for case, _ in disputed(arena, cases)]
    again = [Case(case.data, [case.data], next(arena.peers), case.framed) for case in first]
    arena.sent += again
    arena.send(again, PATIENCE_SECONDS)
    return [(case, request) for case, request in disputed(arena, again) if not is_reviewed(request)]


def told(case, text):
    framed = case.framed
    return f"{text}\n   sent {case.data[:3000]!r}\n   framed {framed.requests} {framed.partial} {framed.why}\n   answers {case.answers}"


def judge(arena, cases, is_reviewed):
    """Sends the cases and returns all that is wrong, in words."""
    arena.send(cases)
    wrong = list(violations(arena, cases))
    wrong += [told(case, f"DISPUTED {request}") for case, request in doubts(arena, cases, is_reviewed)]
    return wrong + [told(case, "REFUSED though it is framed") for case in stricter(arena, cases)]


def summary(arena):
    for name, book in arena.books.items():
        whole = sum(len(book.whole.get(case.peer, [])) for case in arena.sent)
        refused = sum(any(isinstance(s, int) and s >= 400 for s in case.answers.get(name, [])) for case in arena.sent)
        yield (f"{name:8} {len(arena.sent)} payloads, {whole} requests passed on, {refused} payloads refused, "
               f"{len(book.broken)} messages that the recorder refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=20_000, help="mutations beside the known payloads (default 20000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the mutations (default: the clock)")
    options = parser.parse_args()
    from test_diffhttp import is_reviewed
    print(f"seed {options.seed}", flush=True)
    if missing():
        print(f"not compared with {' and '.join(missing())}: not installed")
    if not http_payloads.spelled():
        print(f"without the data pack: no {http_payloads.DATA}")
    known = [*http_payloads.own(), *http_payloads.spelled().values(), *http_payloads.of_another_parser()]
    mutator = http_payloads.Mutator(options.seed, known)
    payloads = iter([*known, *(mutator.payload() for _ in range(options.count))])
    arena, wrong, started = Arena(others=not missing()), [], time.monotonic()
    try:
        while batch := list(arena.cases(itertools.islice(payloads, 2000), cut_places(mutator.random))):
            found = judge(arena, batch, is_reviewed)
            print("\n".join([*found, f"   {len(arena.sent)} payloads, {time.monotonic() - started:.0f} s"]), flush=True)
            wrong += found
        arena.end()
        wrong += [one for one in violations(arena, arena.sent) if one not in wrong]
    except BaseException:
        arena.end()
        arena.clear(is_kept=True)
        raise
    arena.clear(is_kept=bool(wrong))
    print("\n".join(summary(arena)))
    print(f"seed {options.seed}: {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
