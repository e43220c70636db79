"""The API as other machines and people meet it: TLS, and no start without it where others could listen in; passwords and console sessions."""
import json
import os
import pathlib
import signal
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from harness import PROGRAM, Process, free_port, remove, scratch, wait_for


def make_certificate(folder, name):
    """A certificate for localhost, signed by itself; (certificate, key)."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Secure:
    """`weir control` that answers inside TLS."""

    def __init__(self, folder):
        self.folder, self.data, self.port = folder, folder / "data", free_port()
        self.certificate, self.key = make_certificate(folder, "api")
        self.issuer = folder / "issuer.pem"
        self.issuer.write_bytes(self.certificate.read_bytes())
        self.url = f"https://localhost:{self.port}"
        self.start()

    def start(self):
        self.control = Process([PROGRAM, "control", "--data-dir", self.data, "--api-listen", f"127.0.0.1:{self.port}", "--api-host", "localhost",
                                "--api-tls-certificate", self.certificate, "--api-tls-key", self.key], self.folder / "control.log")
        wait_for(lambda: self.call("GET", "/livez")[0] == 200 and (self.data / "credentials.json").exists(), f"control:\n{self.control.tail()}")

    def call(self, method, path, body=None, headers=None, issuer=None):
        """(status, headers, body) of one call that believes the issuer alone."""
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json", **(headers or {})}, method=method)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=issuer or self.issuer)))
        try:
            with opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers, answer.read().decode()

    def cli(self, *arguments, ca=None, text=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WEIR_")}
        return subprocess.run([str(PROGRAM), *map(str, arguments), "--credentials", str(self.data / "credentials.json"), *(["--ca", str(ca)] if ca else [])],
                              capture_output=True, text=True, timeout=60, env=environment, input=text)


@pytest.fixture
def secure():
    folder = scratch("secure")
    service = Secure(folder)
    try:
        yield service
    finally:
        service.control.stop()
        remove(folder)


def test_commands_and_programs_reach_the_api_inside_tls_and_verify_it(secure):
    assert json.loads((secure.data / "credentials.json").read_text())["endpoint"] == secure.url
    assert secure.cli("create", "vpc", "net", ca=secure.issuer).returncode == 0
    assert "net" in secure.cli("get", "vpc", ca=secure.issuer).stdout
    doubted = secure.cli("get", "vpc")
    assert doubted.returncode == 6 and "is not to be trusted: self-signed certificate" in doubted.stderr, doubted.stderr
    # Another certificate, read when the service is told to.
    for new, old in zip(make_certificate(secure.folder, "next"), (secure.certificate, secure.key)):
        os.replace(new, old)
    secure.control.signal(signal.SIGHUP)
    wait_for(lambda: secure.cli("get", "vpc", ca=secure.certificate).returncode == 0, "the new certificate")
    assert secure.cli("get", "vpc", ca=secure.issuer).returncode == 6


def test_control_does_not_start_where_others_could_listen_in(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text("api:\n  listen: 0.0.0.0:0\n")
    for command in (["control", "--api-listen", "0.0.0.0:0"], ["up", "--config", config], ["check-config", config]):
        data = [] if command[0] == "check-config" else ["--data-dir", tmp_path / "data"]
        refused = subprocess.run([str(c) for c in (PROGRAM, *command, *data)], capture_output=True, text=True, timeout=30)
        said = refused.stderr + refused.stdout
        assert refused.returncode in (1, 2) and "api.tls-certificate" in said and "api.allow-plain-http: true" in said, said
    assert not pathlib.Path(tmp_path / "data").exists()


def test_a_person_logs_in_works_and_is_out_when_the_session_or_the_password_ends(secure):
    def log_in(password):
        return secure.call("POST", "/weir/v1/session", {"account": "shop", "user": "ann", "password": password})

    def page_of(answer):
        status, headers, body = answer
        assert status == 201, body
        cookie = headers["Set-Cookie"]
        assert cookie.startswith("__Host-weir-session=") and all(part in cookie for part in ("; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/")), cookie
        return {"Cookie": cookie.split(";")[0], "X-Weir-Csrf": json.loads(body)["csrfToken"]}

    made = secure.cli("create", "user", "ann", "--role", "operator", "--account", "shop", ca=secure.issuer)
    assert made.returncode == 0, made.stderr
    assert log_in("correct horse battery")[0] == 401, "without a password nobody logs in"
    short = secure.cli("user", "set-password", "ann", ca=secure.issuer, text="short\n")
    assert short.returncode == 2 and "at least 12 characters" in short.stderr, short.stderr
    assert secure.cli("user", "set-password", "ann", ca=secure.issuer, text="correct horse battery\n").returncode == 0
    page = page_of(log_in("correct horse battery"))
    vpc = {"name": "net", "spec": {}}
    assert secure.call("POST", "/weir/v1/vpc", vpc, {"Cookie": page["Cookie"]})[0] == 403, "a page of another site"
    assert secure.call("POST", "/weir/v1/vpc", vpc, page)[0] == 201
    # Sessions outlive control.
    assert secure.control.stop() == 0
    secure.start()
    assert secure.call("GET", "/weir/v1/vpc", headers=page)[0] == 200
    second = page_of(log_in("correct horse battery"))
    assert secure.call("DELETE", "/weir/v1/session/current", headers=page)[0] == 200
    assert secure.call("GET", "/weir/v1/vpc", headers=page)[0] == 401
    assert secure.call("GET", "/weir/v1/vpc", headers=second)[0] == 200
    assert secure.cli("user", "set-password", "ann", ca=secure.issuer, text="another horse battery\n").returncode == 0
    assert secure.call("GET", "/weir/v1/vpc", headers=second)[0] == 401
    statuses = [log_in("correct horse battery")[0] for _ in range(8)]
    assert statuses[0] == 401 and statuses[-1] == 429, statuses
    status, headers, _ = log_in("another horse battery")
    assert status == 429 and int(headers["Retry-After"]) <= 4
    wait_for(lambda: log_in("another horse battery")[0] == 201, "the end of the delay")
    rows = json.loads(secure.cli("audit", "-o", "json", "-n", 100, ca=secure.issuer).stdout)
    assert {row["operation"] for row in rows if row["who"].startswith("ann/session-")} >= {"log in", "create vpc", "end session"}
    refused = {row["result"] for row in rows if row["operation"] == "log in" and row["who"] == "unauthenticated" and row["account"] == "shop"}
    assert refused == {"refused: ACCESS_ERROR", "refused: RATE_LIMIT"}
    for word in (b"correct horse", b"another horse"):
        for file in secure.folder.rglob("*"):
            assert not file.is_file() or word not in file.read_bytes(), file
