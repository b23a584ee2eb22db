"""SeaweedFS, an S3 service for this machine: how it is started and reached, with a bucket for each container."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.azurite import CONTAINERS
from client.errors import ClientError

ACCESS_KEY_ID = "local-access"
# Chosen for loopback alone; it protects nothing.
SECRET_ACCESS_KEY = "local-secret-key"  # noqa: S105
_PARTS = ("s3", "master", "volume", "filer", "admin")


@dataclass(frozen=True, slots=True)
class SeaweedFs:
    """One SeaweedFS on loopback: S3 at *s3_port*, its other parts at the nine ports after it."""

    s3_port: int
    certificate: Path | None = None
    """With its key beside it, under the same name with the ending `.key`: S3 is then spoken over https."""
    buckets: tuple[str, ...] = CONTAINERS

    @property
    def ports(self) -> tuple[int, ...]:
        """Name the ports it takes: of each part, one for HTTP and one for gRPC; one more beside https."""
        return tuple(range(self.s3_port, self.s3_port + 2 * len(_PARTS) + (self.certificate is not None)))

    @property
    def endpoint(self) -> str:
        """Name the address of S3."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.s3_port}"

    def command(self, folder: Path) -> list[str]:
        """Say how it is started on data in *folder*, reachable from this machine only and without telemetry.

        Raises:
            ClientError: It is not installed.
        """
        program = Path(sys.executable).parent / "weed"
        if not program.exists():
            raise ClientError(
                f"SeaweedFS is not installed: {program} is missing; `make run STORE=s3` installs it"
            )
        http = dict(zip(_PARTS, self.ports[::2], strict=False))
        grpc = dict(zip(_PARTS, self.ports[1::2], strict=False))
        flags = [f"-{part}.port={port}" for part, port in http.items()]
        flags += [f"-{part}.port.grpc={port}" for part, port in grpc.items()]
        if self.certificate is not None:
            # The plain port cannot be left out.
            flags[0] = f"-s3.port={self.ports[-1]}"
            flags += [f"-s3.port.https={self.s3_port}", f"-s3.cert.file={self.certificate}"]
            flags += [f"-s3.key.file={self.certificate.with_suffix('.key')}"]
        return [
            str(program),
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *flags,
            f"-bucket={','.join(self.buckets)}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-webdav=false",
            "-volume.preStopSeconds=0",
            "-admin.ui=false",
            "-master.telemetry=false",
        ]

    def environment(self, surroundings: Mapping[str, str]) -> dict[str, str]:
        """Say what it finds in its environment: the keys that it asks for."""
        return {
            **{name: value for name, value in surroundings.items() if not name.startswith(("AWS_", "S3_"))},
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        }

    def settings(self) -> dict[str, str]:
        """Say how the app is told to keep its objects here."""
        return {
            "DICOM_OBJECT_STORE": "s3",
            "DICOM_S3_ENDPOINT": self.endpoint,
            "DICOM_S3_KEYS": "folders",
            "DICOM_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "DICOM_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            **({"DICOM_S3_CA_BUNDLE": str(self.certificate)} if self.certificate else {}),
        }

    def client(self) -> Any:
        """Return a client of boto3 that writes past the app."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            verify=str(self.certificate) if self.certificate else None,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    async def answering(self) -> None:
        """Wait until all buckets are there."""
        from botocore.exceptions import BotoCoreError
        from botocore.exceptions import ClientError as RefusedError

        s3 = await asyncio.to_thread(self.client)
        while True:
            # Not listening yet, or listening but not ready.
            with contextlib.suppress(BotoCoreError, RefusedError):
                made = {bucket["Name"] for bucket in (await asyncio.to_thread(s3.list_buckets))["Buckets"]}
                if made >= set(self.buckets):
                    return
            await asyncio.sleep(0.1)
