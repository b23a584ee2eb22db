"""Start SeaweedFS for the tests that need an S3 service, and make the certificates that https needs."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.seaweedfs import SeaweedFs
from tests.free_ports import free_ports

START_SECONDS = 60


@contextmanager
def running_seaweedfs(folder: Path, *, https: bool = False) -> Iterator[SeaweedFs]:
    """Run SeaweedFS on free ports of loopback, with data and log in *folder*."""
    certificate = self_made_certificate(folder) if https else None
    seaweedfs = SeaweedFs(free_ports(11), certificate)
    data = folder / "seaweedfs"
    data.mkdir()
    with (folder / "seaweedfs.log").open("wb") as log:
        process = subprocess.Popen(
            seaweedfs.command(data),
            env=seaweedfs.environment(os.environ),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        asyncio.run(asyncio.wait_for(seaweedfs.answering(), START_SECONDS))
        yield seaweedfs
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def self_made_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that nobody vouches for but itself, with its key; return the former's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "server.crt").write_bytes(certificate.public_bytes(encoding))
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(private)
    return folder / "server.crt"
