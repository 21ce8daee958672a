"""Whom the transport trusts: TLS, and nothing of the environment."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectapp.oauth.transport import ConnectFailed, Transport
from tests.unit.oauth.wire import answering, ok, raw_server, read_request

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass
class Authority:
    """A certification authority of the test's own."""

    directory: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def bundle(self) -> str:
        path = self.directory / "ca.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def server(self, host: str = "127.0.0.1", *, expired: bool = False, trusted: bool = True) -> ssl.SSLContext:
        """A server's context with a certificate for `host`; untrusted means signed by its own key."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = (self.certificate.subject, self.key) if trusted else (_name(host), key)
        certificate = (
            _certificate(_name(host), issuer, key, NOW - DAY if expired else NOW + DAY)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
            .sign(signer, hashes.SHA256())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.directory / "server.pem"
        path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(until)
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _certificate(_name("test authority"), _name("test authority"), key, NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(tmp_path, key, certificate)


@pytest.fixture
def transport(authority: Authority) -> Iterator[Transport]:
    transport = Transport(deadline=10, ca_bundle=authority.bundle)
    yield transport
    transport.close()


def refused(transport: Transport, context: ssl.SSLContext) -> str:
    """Why the certificate is refused; nothing may have been sent."""
    requests = []

    def handle(peer: socket.socket) -> None:
        requests.append(read_request(peer))

    with raw_server(handle, context) as host, pytest.raises(ConnectFailed) as caught:
        transport.request("POST", f"https://{host}/token", body="code=1")
    assert not caught.value.sent
    assert not any(requests)
    return str(caught.value)


def test_one_handshake_serves_many_exchanges(authority: Authority, transport: Transport) -> None:
    connections = []

    def handle(peer: socket.socket) -> None:
        connections.append(peer)
        while read_request(peer):
            peer.sendall(ok())

    with raw_server(handle, authority.server()) as host:
        answers = [transport.request("POST", f"https://{host}/token", body="a=1").content for _ in range(20)]
        transport.close()
    assert answers == [b"fine"] * 20
    assert len(connections) == 1


def test_a_large_answer_over_tls(authority: Authority, transport: Transport) -> None:
    with raw_server(answering(ok(b"a" * 1_000_000)), authority.server()) as host:
        assert len(transport.request("GET", f"https://{host}/").content) == 1_000_000


@pytest.mark.row("TE-08")
def test_a_self_signed_certificate_is_refused(authority: Authority, transport: Transport) -> None:
    assert "self-signed certificate" in refused(transport, authority.server(trusted=False))


@pytest.mark.row("TE-08")
def test_a_certificate_for_another_host_is_refused(authority: Authority, transport: Transport) -> None:
    assert "mismatch" in refused(transport, authority.server("127.0.0.2"))


@pytest.mark.row("TE-08")
def test_an_expired_certificate_is_refused(authority: Authority, transport: Transport) -> None:
    assert "expired" in refused(transport, authority.server(expired=True))


@pytest.mark.row("TE-08")
def test_the_default_authorities_do_not_include_ours(authority: Authority) -> None:
    transport = Transport(deadline=10)
    assert "certificate refused" in refused(transport, authority.server())
    transport.close()


@pytest.mark.row("TE-08")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(authority: Authority, transport: Transport) -> None:
    context = authority.server()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert refused(transport, context)


@pytest.mark.row("TE-09")
def test_the_environment_changes_nothing(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies, netrc and certificate bundles that tools put into the environment."""
    requests = []

    def handle(peer: socket.socket) -> None:
        requests.append(read_request(peer).decode())
        peer.sendall(ok())

    with raw_server(answering(ok(b"the proxy"))) as proxy, raw_server(handle) as host:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy}")
            monkeypatch.setenv(name.lower(), f"http://{proxy}")
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        transport = Transport()
        answer = transport.request("GET", f"http://{host}/x", headers={"Authorization": "Bearer mine"})
        transport.close()
    assert answer.content == b"fine"
    assert "GET /x HTTP/1.1" in requests[0]
    assert requests[0].count("Authorization") == 1
    assert "Authorization: Bearer mine" in requests[0]


@pytest.mark.row("TE-09")
def test_certificates_and_key_logs_from_the_environment_are_not_used(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, authority.bundle)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    transport = Transport(deadline=10)
    assert "certificate refused" in refused(transport, authority.server())
    transport.close()
    assert not (tmp_path / "keys.log").exists()


def test_a_configured_proxy_is_used_and_gets_its_password(authority: Authority) -> None:
    """The tunnel is the proxy's, TLS and the request are the provider's."""
    seen: list[bytes] = []

    def handle(peer: socket.socket) -> None:
        seen.append(read_request(peer))
        peer.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with authority.server("127.0.0.9").wrap_socket(peer, server_side=True) as inner:
            seen.append(read_request(inner))
            inner.sendall(ok())

    with raw_server(handle) as proxy:
        transport = Transport(deadline=10, ca_bundle=authority.bundle, proxy=f"http://me:p%40ss@{proxy}")
        assert transport.request("POST", "https://127.0.0.9/token", body="code=1").content == b"fine"
        transport.close()
    assert seen[0].startswith(b"CONNECT 127.0.0.9:443")
    assert b"Basic bWU6cEBzcw==" in seen[0]  # me:p@ss
    assert b"Proxy-Authorization" not in seen[1]


def test_a_proxy_that_refuses_was_sent_no_request(authority: Authority) -> None:
    with raw_server(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        transport = Transport(deadline=10, proxy=f"http://{proxy}")
        with pytest.raises(ConnectFailed) as caught:
            transport.request("POST", "https://provider.test/token", body="code=1")
        transport.close()
    assert not caught.value.sent
