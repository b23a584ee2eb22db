"""The product, free of the Functions runtime: dicom, pixels, access, flows, ports and backends."""
