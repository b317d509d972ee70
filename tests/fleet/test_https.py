"""Repositories behind an encrypted address: what git asks of a server, and whom it trusts, by the user's own configuration."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from prodlint.fleet import checkout
from prodlint.fleet.sources import Source
from tests.fleet.repositories import BAD, CLEAN, bare, commit, git

BACKEND = Path(subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip(), "git-http-backend")
pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason="this git brings no server for HTTP")


class _Backend(BaseHTTPRequestHandler):
    """What a git server answers: `git http-backend`, as a web server would start it."""

    root = ""
    asked: list[str] = []

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.asked.append(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": self.root,
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        answer = subprocess.run([BACKEND], input=body, env=environment, capture_output=True, check=False).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody has signed, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate, private


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server of the repositories in `served`, and the certificate to trust."""
    certificate, private = _certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    (tmp_path / "served").mkdir()
    handler = type("Backend", (_Backend,), {"root": str(tmp_path / "served"), "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{listening.server_address[1]}", certificate
        listening.shutdown()


def test_one_commit_comes_over_https(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, certificate = server
    commit(tmp_path / "orders", {"app.py": CLEAN})
    head = commit(tmp_path / "orders", {"app.py": BAD})
    bare(tmp_path / "orders", tmp_path / "served" / "orders.git")
    (tmp_path / "gitconfig").write_text(f"[http]\n\tsslCAInfo = {certificate}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.delenv("GIT_SSL_CAINFO", raising=False)

    source = Source("orders", f"{address}/orders.git", "address", "")
    assert checkout.state_of(source, str(tmp_path / "state"), 60) == head
    (tmp_path / "work").mkdir()
    tree = checkout.bring(source, str(tmp_path / "work"), 60)
    assert tree.commit == head
    assert (Path(tree.root) / "app.py").read_text() == BAD
    assert git(Path(tree.root), "rev-list", "--count", "HEAD") == "1"


def test_a_server_that_nobody_vouches_for_is_not_asked(server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, _ = server
    commit(tmp_path / "orders", {"app.py": BAD})
    bare(tmp_path / "orders", tmp_path / "served" / "orders.git")
    (tmp_path / "work").mkdir()
    with pytest.raises(checkout.Unreachable, match="certificate"):
        checkout.bring(Source("orders", f"{address}/orders.git", "address", ""), str(tmp_path / "work"), 60)
