"""nginx with the sample configuration of `deploy/`, on a free port of this machine."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectapp.db import utcnow
from tests.support.rows import eventually, missing

SAMPLE = Path(__file__).parents[2] / "deploy/nginx.conf"
AROUND = """\
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
worker_processes 1;
events {{}}
http {{
client_body_temp_path {directory}/body;
proxy_temp_path {directory}/proxy;
fastcgi_temp_path {directory}/fastcgi;
uwsgi_temp_path {directory}/uwsgi;
scgi_temp_path {directory}/scgi;
{sample}
}}
"""


def binary() -> str:
    """Where nginx is; the test is skipped without one, and fails in CI."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("no nginx found; install it to test the sample of the proxy")
    return found


def certificate(directory: Path) -> None:
    """A key and a certificate signed by itself, for ``app.test``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(utcnow() - timedelta(days=1)).not_valid_after(utcnow() + timedelta(days=1))
    signed = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("app.test")]), critical=False)
    pem = signed.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (directory / "tls.pem").write_bytes(pem)
    plain = serialization.NoEncryption()
    raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (directory / "tls.key").write_bytes(raw)


@dataclass
class Proxy:
    """A running nginx."""

    port: int
    directory: Path

    def raw(self, request: bytes) -> bytes:
        """Send these bytes over TLS and read until the proxy closes, or says nothing for two seconds."""
        context = ssl.create_default_context(cafile=str(self.directory / "tls.pem"))
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="app.test") as connection,
        ):
            connection.sendall(request)
            connection.settimeout(2)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except TimeoutError:
                pass
            return answer

    def access_log(self) -> str:
        return (self.directory / "access.log").read_text()


@contextmanager
def nginx(directory: Path, app_port: int) -> Iterator[Proxy]:
    """The sample with other ports and paths, in front of the application at `app_port`."""
    program = binary()
    certificate(directory)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sample = SAMPLE.read_text()
    for old, new in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "server_name connect.example.org;": "server_name app.test;",
        "/etc/ssl/connect.example.org.pem": str(directory / "tls.pem"),
        "/etc/ssl/connect.example.org.key": str(directory / "tls.key"),
        "/var/log/nginx/connectapp.log": str(directory / "access.log"),
        "http://127.0.0.1:6543": f"http://127.0.0.1:{app_port}",
    }.items():
        assert sample.count(old) == 1, old
        sample = sample.replace(old, new)
    configuration = directory / "nginx.conf"
    configuration.write_text(AROUND.format(directory=directory, sample=sample))
    process = subprocess.Popen([program, "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(port))
        yield Proxy(port, directory)
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
