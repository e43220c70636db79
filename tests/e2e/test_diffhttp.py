"""What no client has framed reaches no target. Faults N4 (malformed chunks) and N5 (request smuggling), with N3, N12, N13, N14 and N15 as far as
bytes on one connection go; figure 13. The method is in diffhttp.py; `./dev diffhttp` sends more than this does."""
import os
import re

import pytest

import diffhttp
import http_payloads

SEED = int(os.environ.get("WEIR_SEED", 13))
MUTATIONS = 2000
# What Weir passes on though one of the others refuses it, each for a reason of its own, with why Weir does. Where both refuse the same request, such a
# reason must be here for each of them; what both refuse for one reason never is.
HAPROXY_ALONE = [
    (lambda r: b"websocket" in b",".join(r.values(b"upgrade")).lower() and [len(key) for key in r.values(b"sec-websocket-key")] != [24],
     "wants a key of 24 bytes in a WebSocket offer; it is the target's to judge (RFC 6455, 4.2.1), and there is no tunnel without its 101"),
    # The one reason that is about framing. HAProxy refuses it because an old server may read that body as its next request. No target of Weir sees an
    # old request: what Weir sends is HTTP/1.1 with the framing written anew, whatever the client's version was. The risk that is left is before Weir:
    # something there that reads no body with such a method, yet passes the length on over a connection that it keeps.
    (lambda r: r.minor == 0 and r.method in (b"GET", b"HEAD", b"DELETE") and r.framing != "none", "a body with such a method in HTTP/1.0"),
]
NGINX_ALONE = [
    (lambda r: re.search(rb"[^A-Z_-]", r.method), "knows methods of capital letters only; any token is one (RFC 9110, 9.1)"),
    (lambda r: re.search(rb"%(00|(?![0-9A-Fa-f]{2}))|(^|/)(\.|%2e){2}(/|[?]|$)", r.target, re.I),
     "decodes paths before it passes them on; Weir passes on what stands there"),
]
# The six of 750 spellings that are no Transfer-Encoding at all.
PLAIN_LENGTH = {"underjoin1", "contentEnc", "xprespace-09", "xprespace-20", "xprespace-a0", "xprespace-ff"}


def is_reviewed(request):
    return all(any(applies(request) for applies, _ in reasons) for reasons in (HAPROXY_ALONE, NGINX_ALONE))


@pytest.fixture(scope="module")
def arena(request):
    arena, late = diffhttp.Arena(others=not diffhttp.missing()), ["the programs did not end"]
    try:
        yield arena
        arena.end()
        late = list(diffhttp.violations(arena, arena.sent))
    finally:
        arena.clear(is_kept=bool(late) or getattr(request.node, "has_failed", False))
        print("\n".join(diffhttp.summary(arena)))
    assert not late, "\n".join(late[:5])


def judge(arena, payloads, random):
    cases = list(arena.cases(payloads, diffhttp.cut_places(random)))
    wrong = diffhttp.judge(arena, cases, is_reviewed)
    assert not wrong, f"{len(wrong)} wrong, seed {SEED}:\n" + "\n".join(wrong[:5])
    return cases


def compared():
    """Without the others Weir is judged all the same, but that is no pass."""
    if diffhttp.missing():
        pytest.skip(f"judged, but not compared: {' and '.join(diffhttp.missing())} not installed")


def mutator():
    return http_payloads.Mutator(SEED, [*http_payloads.own(), *http_payloads.spelled().values(), *http_payloads.of_another_parser()])


def test_figure_13_good_requests_arrive_whole_however_they_are_cut(arena):
    for _ in range(3):
        for case in judge(arena, http_payloads.good(), mutator().random):
            seen = arena.books["weir"].whole[case.peer]
            assert seen and len(seen) == len(case.framed.requests), case
    compared()


def test_figure_13_known_attacks_on_framing_arrive_as_framed_or_not_at_all(arena):
    judge(arena, http_payloads.own(), mutator().random)
    compared()


def test_figure_13_of_750_spellings_of_transfer_encoding_744_are_refused(arena):
    spelled = http_payloads.spelled()
    if not spelled:
        pytest.skip(f"no {http_payloads.DATA}")
    cases = judge(arena, spelled.values(), mutator().random)
    passed = {name for name, case in zip(spelled, cases) if arena.books["weir"].whole.get(case.peer)}
    assert passed == PLAIN_LENGTH
    assert all(case.answers["weir"] == [400] for name, case in zip(spelled, cases) if name not in passed)
    compared()


def test_figure_13_requests_of_another_parser_arrive_as_framed_or_not_at_all(arena):
    payloads = http_payloads.of_another_parser()
    if not payloads:
        pytest.skip(f"no {http_payloads.DATA}")
    judge(arena, payloads, mutator().random)
    compared()


def test_figure_13_mutated_requests_arrive_as_framed_or_not_at_all(arena):
    random_payloads = mutator()
    cases = judge(arena, [random_payloads.payload() for _ in range(MUTATIONS)], random_payloads.random)
    # A mutator that breaks everything would prove nothing.
    assert sum(bool(case.framed.requests) for case in cases) > MUTATIONS // 10
    compared()
