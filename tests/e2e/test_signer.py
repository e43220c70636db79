"""The signer of these tests gives the published answers."""
import hashlib

import signer

HEADERS = {"x-jdcloud-date": "20190214T104514Z", "x-jdcloud-nonce": "testnonce", "x-my-header": "test", "x-my-header_blank": " blank"}
TARGET = "/v1/resource:action?p1=p1&p0=p0&o=%&u=u"


def test_every_step_of_the_test_vector():
    canonical = signer.canonical_request("POST", TARGET, HEADERS, sorted(HEADERS), b"body data")
    assert hashlib.sha256(canonical.encode()).hexdigest() == "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c"
    assert [key.hex() for key in signer.key_chain("TESTSK", "20190214", "cn-north-1", "test")] == [
        "dbbdee87f18afeedd6456923587f5323b90c3a77fbc6e381b243c90c672d5daf",
        "78e1da51757851329da8e31a6bad9f509c4816cacb8d5b2b9d171e49498ce4b6",
        "44050ec21c8e839f36ff5b2d44ec4a5876f4ffd6ef9a7a692a3eba40396bdb68",
        "a4e50bcb6001be0008696b173c30172b5ce22a77db00d21c6a9d69de2ba33b7d"]
    header = signer.authorization("POST", TARGET, HEADERS, sorted(HEADERS), b"body data", ("TESTAK", "TESTSK"), ("cn-north-1", "test"))
    assert header.endswith("Signature=2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf")


def test_version_three_gives_the_answer_of_its_clients():
    headers = {"content-type": "application/json", "host": "apigw-internal-dev.cn-north-1.jcloudcs.com:8000",
               "x-jdcloud-date": "20190917T064708Z", "x-jdcloud-nonce": "  X-Jdcloud-  -Nonce  "}
    header = signer.authorization("GET", "/v1/regions/cn-north-1/instances", headers, sorted(headers), b"", ("ak", "sk"),
                                  ("cn-north-1", "apigatewaytestproductline"), 3)
    assert header.endswith("Signature=a03bb8d755cb93e4d8846fe5fcad180f319fa50356f63e8afdc749bd1a95695f")


def test_a_call_has_the_headers_of_its_version():
    two = signer.sign("POST", "h:1", "/v1/a", "{}", ("AK", "SK"))
    assert "SignedHeaders=content-type;host;x-jdcloud-date;x-jdcloud-nonce," in two["Authorization"]
    three = signer.sign("POST", "h:1", "/v1/a", "{}", ("AK", "SK"), version=3)
    assert "SignedHeaders=content-type;host," in three["Authorization"]
    assert three["x-jdcloud-content-sha256"] == hashlib.sha256(b"{}").hexdigest()
