"""The judge of the differential test must find each kind of mistake that a proxy could make: here the mistakes are written by hand."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e")]

import diffhttp  # noqa: E402
from strict_http import Framer, difference  # noqa: E402

PEER, VIP = b"127.1.1.1", b"127.64.0.1"
TRACE = b"X-Forwarded-For: 127.1.1.1\r\n"


def framed(data):
    framer = Framer()
    framer.feed(data)
    assert framer.requests, framer.why
    return framer.requests[0]


def post(lines=b"", body=b"hello", start=b"POST /p HTTP/1.1"):
    return framed(start + b"\r\nHost: a\r\nContent-Length: %d\r\n" % len(body) + lines + b"\r\n" + body)


def chunked(lines=b"", trailers=b""):
    return framed(b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + lines + b"\r\n5\r\nhello\r\n0\r\n" + trailers + b"\r\n")


def get(lines=b""):
    return framed(b"GET /g HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")


def test_a_request_that_arrives_as_it_was_sent_is_no_difference():
    sent = post(b"X-A: 1\r\nX_Forwarded_For: 9\r\nConnection: keep-alive, X-Gone\r\nX-Gone: 1\r\nTE: trailers\r\n")
    assert difference(sent, post(b"X-A: 1\r\n" + TRACE), PEER, VIP) == ""
    assert difference(chunked(trailers=b"X-Sum: 1\r\n"), chunked(TRACE), PEER, VIP) == ""


@pytest.mark.parametrize("name", [b"Content_Length", b"Transfer_Encoding", b"X_Forwarded_For", b"x-forwarded_proto"])
def test_an_underscore_alias_that_arrives_is_a_difference(name):
    line = name + b": 30\r\n"
    assert "fields" in difference(post(line), post(line + TRACE), PEER, VIP)
    assert "fields" in difference(post(), post(line + TRACE), PEER, VIP)


@pytest.mark.parametrize("lines", [b"Connection: x\r\nConnection: close\r\n", b"Connection: close\r\nConnection: x\r\n", b"Connection: close\r\n",
                                   b"Keep-Alive: 5\r\n", b"TE: trailers\r\n"])
def test_any_field_of_one_connection_that_arrives_is_a_difference(lines):
    assert "of one connection" in difference(post(b"Connection: close\r\n"), post(lines + TRACE), PEER, VIP)


def test_what_the_arriving_request_names_itself_is_not_forgiven():
    assert difference(post(), post(b"X-Smuggled: 1\r\nConnection: X-Smuggled\r\n" + TRACE), PEER, VIP)


def test_an_offer_of_another_protocol_goes_on_only_if_it_was_made():
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert difference(get(offer), get(offer + TRACE), PEER, VIP) == ""
    assert "of one connection" in difference(get(b"Upgrade: websocket\r\n"), get(offer + TRACE), PEER, VIP)
    assert "of one connection" in difference(get(offer), get(b"Connection: x\r\n" + offer + TRACE), PEER, VIP)


def test_trailers_that_arrive_are_a_difference():
    assert "trailers" in difference(chunked(trailers=b"X-Sum: 1\r\n"), chunked(TRACE, b"X-Sum: 1\r\n"), PEER, VIP)


class Wire:
    """Stands for the transport of a recorder."""

    def write(self, data):
        pass

    def close(self):
        pass


def recorded(data):
    book = diffhttp.Book(b"x-forwarded-for")
    recorder = diffhttp.Recorder(book)
    recorder.connection_made(Wire())
    recorder.data_received(data)
    recorder.connection_lost(None)
    return book


def test_bytes_behind_a_request_that_ends_its_connection_are_broken():
    last = b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + TRACE + b"\r\n"
    assert recorded(last).broken == []
    assert recorded(last + b"GET /smuggled").broken


def test_a_head_that_ends_in_the_middle_is_broken():
    assert recorded(b"GET /g HTTP/1.1\r\nHo").broken


def answers(data, *statuses):
    """What is wrong when Weir answers `data` so."""
    framer = Framer()
    framer.feed(data)
    return list(diffhttp.answer_violations(diffhttp.Case(data, [data], PEER, framer, {"weir": list(statuses)})))


LAST = b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
WHOLE = b"GET /g HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED = b"GET /g HTTP/1.1\r\nHost : a\r\n\r\n"


@pytest.mark.parametrize("data, right", [
    (WHOLE, [200]), (WHOLE + WHOLE, [200, 200]), (REFUSED, [400]), (REFUSED, [431]), (WHOLE + REFUSED, [200, 400]),
    (WHOLE[:-2], []), (WHOLE + WHOLE[:-2], [200, 408]), (b"GET / HTTP/1.1\rX", []),
    (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello", ["reset"]),
    (LAST, [200]), (LAST + WHOLE, [200]), (LAST + WHOLE, [200, "reset"]),
])
def test_answers_in_good_order_are_right(data, right):
    assert answers(data, *right) == []


@pytest.mark.parametrize("data, wrong", [
    (WHOLE, []), (WHOLE, [400]), (WHOLE, [200, 200]), (WHOLE, [200, "reset"]), (WHOLE, [200, "waits"]), (WHOLE + WHOLE, [200]),
    (REFUSED, []), (REFUSED, [200]), (REFUSED, ["reset"]), (REFUSED, ["waits"]), (REFUSED, [400, "reset"]), (REFUSED, [400, 400]),
    (WHOLE + REFUSED, [200]), (WHOLE + REFUSED, [400]), (WHOLE + REFUSED, [200, 200]), (WHOLE[:-2], [200]), (WHOLE[:-2], ["waits"]),
    (LAST, [200, "reset"]), (LAST + WHOLE, ["reset"]), (LAST + WHOLE, [200, 200]), (LAST + REFUSED, [200, 400]),
])
def test_answers_out_of_order_are_found(data, wrong):
    assert answers(data, *wrong)


def test_a_proxy_that_ended_is_found():
    class Program:
        def pid(self, role):
            return {"proxy": 8}[role]

    class Arena:
        books, sent, up, vip, last_pid, proxy_pid = {"weir": diffhttp.Book(b"x-forwarded-for")}, [], Program(), VIP, None, 7

    assert any("the proxy ended" in one for one in diffhttp.violations(Arena(), []))
    Arena.proxy_pid = 8
    assert not list(diffhttp.violations(Arena(), []))
