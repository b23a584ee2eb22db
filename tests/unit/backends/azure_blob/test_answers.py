"""shared/backends/azure_blob/answers.py."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.backends.azure_blob.answers import infos_of_listing, quoted
from shared.records import ObjectInfo, ObjectKey

# As "List Blobs" of the Azure Storage REST reference shows it: no quotes around etags.
LISTING = """<?xml version="1.0" encoding="utf-8"?>
<EnumerationResults ServiceEndpoint="https://a.blob.core.windows.net/" ContainerName="images">
  <Blobs>
    <Blob>
      <Name>a &amp; b.dcm</Name>
      <Properties>
        <Last-Modified>Wed, 09 Sep 2009 09:20:02 GMT</Last-Modified>
        <Etag>0x8CBFF45D8A29A19</Etag>
        <Content-Length>100</Content-Length>
        <Content-MD5 />
      </Properties>
      <Metadata />
    </Blob>
    <Blob>
      <Name Encoded="true">a%01%25</Name>
      <Properties>
        <Last-Modified>Wed, 09 Sep 2009 09:20:03 GMT</Last-Modified>
        <Etag>"0x2"</Etag>
        <Content-Length>0</Content-Length>
      </Properties>
      <Metadata><Hdi_isfolder>true</Hdi_isfolder></Metadata>
    </Blob>
    <Blob>
      <Name>folder</Name>
      <Properties>
        <Last-Modified>Wed, 09 Sep 2009 09:20:03 GMT</Last-Modified>
        <Etag>0x3</Etag>
        <ResourceType>directory</ResourceType>
        <Content-Length>0</Content-Length>
      </Properties>
    </Blob>
  </Blobs>
  <NextMarker />
</EnumerationResults>"""


def test_a_listing_is_read() -> None:
    """Names are decoded where Azure encodes them, etags are as in headers, folders of both kinds are known."""
    second = datetime(2009, 9, 9, 9, 20, 3, tzinfo=UTC)
    expected = [
        ObjectInfo(ObjectKey("images", "a & b.dcm"), 100, '"0x8CBFF45D8A29A19"', second.replace(second=2)),
        ObjectInfo(ObjectKey("images", "a\x01%"), 0, '"0x2"', second, is_folder=True),
        ObjectInfo(ObjectKey("images", "folder"), 0, '"0x3"', second, is_folder=True),
    ]
    assert expected == list(infos_of_listing("images", LISTING.encode()))


def test_etags_are_quoted_once() -> None:
    """An etag means the same from a header and from a listing."""
    assert [quoted(etag) for etag in ("0x1", '"0x1"', 'W/"1"')] == ['"0x1"', '"0x1"', 'W/"1"']
