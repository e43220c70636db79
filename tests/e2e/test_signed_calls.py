"""Signed calls of the /v1 face on the wire: both versions, either form of a verb, and what is refused."""
import datetime
import json
import pathlib

import pytest
from signer import SignedApi, sign

LIST = "/v1/regions/local/loadBalancers/"


@pytest.fixture
def key(up):
    credentials = json.loads(pathlib.Path(up.credentials).read_text())
    return credentials["endpoint"].split("//")[1], credentials["accessKey"], credentials["secretKey"]


@pytest.mark.parametrize("version", [2, 3])
def test_a_service_is_made_with_either_version_and_either_form_of_a_verb(key, version):
    api = SignedApi(*key, version=version)
    # As the Python client sends it: path parameters again in the body, and null for what is not set.
    status, answer = api.call("POST", LIST, {"regionId": "local", "loadBalancerName": "测试", "subnetId": "subnet-default", "azs": ["local-1a"],
                                             "description": None, "chargeSpec": None, "elasticIp": None, "securityGroupIds": None})
    assert status == 200, answer
    lb = answer["result"]["loadBalancerId"]
    status, answer = api.call("POST", "/v1/regions/local/targetGroups/", {"targetGroupName": "a", "loadBalancerId": lb, "type": "ip"})
    assert status == 200, answer
    group = "/v1/regions/local/targetGroups/" + answer["result"]["targetGroupId"]
    for port, verb in ((1, "%3AregisterTargets"), (2, ":registerTargets")):
        status, answer = api.call("POST", group + verb, {"targetSpecs": [{"type": "ip", "ipAddress": "127.0.0.1", "port": port}]})
        assert status == 200, answer
    assert api.call("GET", group + ":describeTargets")[1]["result"]["totalCount"] == 2
    query = "?filters.1.name=loadBalancerNames&filters.1.values.1=%E6%B5%8B%E8%AF%95"
    assert api.call("GET", LIST + query)[1]["result"]["totalCount"] == 1


@pytest.mark.parametrize("version", [2, 3])
def test_a_call_may_be_a_quarter_of_an_hour_off_in_either_direction(key, version):
    api, now = SignedApi(*key, version=version), datetime.datetime.now(datetime.timezone.utc)
    answers = {minutes: api.call("GET", LIST, at=now + datetime.timedelta(minutes=minutes))[0] for minutes in (-16, -14, 14, 16)}
    assert answers == {-16: 401, -14: 200, 14: 200, 16: 401}


@pytest.mark.parametrize("version", [2, 3])
def test_a_repeated_or_tampered_or_old_call_is_refused_alike(key, version):
    api = SignedApi(*key, version=version)
    headers = sign("GET", key[0], LIST, "", key[1:], version=version)
    assert api.call("GET", LIST, headers=headers)[0] == 200
    repeated = api.call("GET", LIST, headers=headers)
    headers = sign("GET", key[0], LIST, "", key[1:], version=version)
    tampered = api.call("GET", LIST + "?pageSize=10", headers=headers)
    old = api.call("GET", LIST, at=datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16))
    forged = SignedApi(key[0], key[1], "another secret", version=version).call("GET", LIST)
    unknown = SignedApi(key[0], "NOBODY", key[2], version=version).call("GET", LIST)
    assert {status for status, _ in (repeated, tampered, old, forged, unknown)} == {401}
    assert len({json.dumps(answer["error"]) for _, answer in (repeated, tampered, old, forged, unknown)}) == 1


def test_the_secret_is_in_no_file_but_the_credentials(key, up):
    secret = key[2].encode()
    found = [path.name for path in pathlib.Path(up.folder).rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert found == ["credentials.json"], found
    assert (up.data / "control.key").stat().st_mode & 0o777 == 0o600
