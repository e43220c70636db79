"""A short run of the calls that `./dev apifuzz` makes by the hundred thousand, and the judge against planted mistakes."""
import random

import api_fuzz
from openapi import Document, Wire

CALLS = 3000


def test_broken_calls_of_both_faces_are_refused_in_order_and_the_program_lives(up):
    seed = random.randrange(10**6)
    statuses, slowest, findings = api_fuzz.run(up.credentials, CALLS, seed, 2)
    assert not findings, f"seed {seed}\n" + "\n".join(findings)
    assert sum(statuses.values()) == CALLS, f"seed {seed}: {statuses}"
    # Calls that are all refused at the door would prove nothing.
    assert statuses[200] + statuses[201] > CALLS // 10 and statuses[400] > CALLS // 10, f"seed {seed}: {statuses}"
    # Nor would calls that find a limit of an earlier call.
    assert statuses[201] > CALLS // 100 and statuses[201] > statuses[429], f"seed {seed}: {statuses}"
    assert slowest < api_fuzz.LATE
    assert up.process.alive() and up.api.get("version")


def test_the_judge_finds_what_must_not_be(up):
    wire = Wire(up.credentials)
    document = Document(wire.call("GET", "/weir/v1/openapi.json")[2])
    wire.close()
    judge = api_fuzz.Judge(document, random.Random(1))
    version = next(one for one in document.operations if one.id == "getVersion")
    envelope = '{"requestId": "x", "error": {"code": %d, "status": "X", "message": "m"}}'
    good = '{"build": "x", "epoch": 1, "revision": 2}'

    def wrong(status, text, seconds=0.1):
        return [found for _ in range(50) if (found := judge.wrong(version, "/weir/v1/version", status, text, seconds))]

    assert not wrong(200, good) and not wrong(404, envelope % 404)
    assert wrong(500, envelope % 500) and wrong(503, envelope % 503) and wrong(200, "x") and wrong(404, envelope % 400) and wrong(404, "{}")
    assert wrong(200, good, api_fuzz.LATE + 1) and wrong(200, '{"build": "x", "epoch": 1}') and wrong(200, good[:-1] + ', "more": 1}')
