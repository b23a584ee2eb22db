"""What is measured of the archive, over HTTP."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1518"
SIZE = 10_000
_STORE = {
    "Content-Type": 'multipart/related; type="application/dicom"; boundary=edge',
    "Accept": "application/dicom+json",
}
_STORED = {"Accept": "application/dicom; transfer-syntax=*"}
_FRAME = {"Accept": "application/octet-stream; transfer-syntax=*"}
_JSON = {"Accept": "application/dicom+json"}


def instance_bytes(study: int, instance: int) -> bytes:
    """Return a CT slice of about 10 kB."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = f"{ROOT}.{study}.1.{instance}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.{study}", f"{ROOT}.{study}.1"
    dataset.StudyDate, dataset.StudyTime, dataset.Modality = "20240229", "101500", "CT"
    dataset.PatientName, dataset.PatientID = f"Bench^Patient{study}", f"B{study}"
    dataset.AccessionNumber, dataset.SeriesNumber, dataset.InstanceNumber = f"A{study}", 1, instance
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 64, SIZE // 64, 1
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = (instance % 256).to_bytes() * (dataset.Rows * dataset.Columns)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def body(parts: list[bytes]) -> bytes:
    """Return a multipart body."""
    framed = [b"--edge\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts]
    return b"".join(framed) + b"--edge--\r\n"


@dataclass(frozen=True, slots=True)
class ArchiveOperations:
    """Operations on the archive at *root*, which ends in /dicomweb."""

    session: aiohttp.ClientSession
    root: str

    def store(self, bodies: list[bytes]) -> Callable[[int], Awaitable[None]]:
        """Return the storing of one body after the other."""

        async def operation(number: int) -> None:
            async with self.session.post(
                f"{self.root}/studies", data=bodies[number], headers=_STORE
            ) as response:
                await self._expect(response, 200)

        return operation

    def get(self, path: str, accept: dict[str, str]) -> Callable[[int], Awaitable[None]]:
        """Return the getting of *path*, in which {n} is replaced by 1 to 100."""

        async def operation(number: int) -> None:
            url = f"{self.root}/{path.replace('{n}', str(number % 100 + 1))}"
            async with self.session.get(url, headers=accept) as response:
                await self._expect(response, 200)

        return operation

    async def _expect(self, response: aiohttp.ClientResponse, status: int) -> None:
        content = await response.read()
        if response.status != status:
            raise RuntimeError(
                f"{response.method} {response.url} answered {response.status}: {content[:500]!r}"
            )

    def instance(self, study: int) -> Callable[[int], Awaitable[None]]:
        """Return the retrieving of one stored instance after the other."""
        return self.get(
            f"studies/{ROOT}.{study}/series/{ROOT}.{study}.1/instances/{ROOT}.{study}.1.{{n}}", _STORED
        )

    def frame(self, study: int) -> Callable[[int], Awaitable[None]]:
        """Return the retrieving of one instance's frame after the other."""
        path = f"studies/{ROOT}.{study}/series/{ROOT}.{study}.1/instances/{ROOT}.{study}.1.{{n}}/frames/1"
        return self.get(path, _FRAME)

    def metadata(self, study: int) -> Callable[[int], Awaitable[None]]:
        """Return the retrieving of a series' metadata."""
        return self.get(f"studies/{ROOT}.{study}/series/{ROOT}.{study}.1/metadata", _JSON)

    def search(self, parameters: str) -> Callable[[int], Awaitable[None]]:
        """Return a search for studies."""
        return self.get(f"studies?{parameters}", _JSON)
