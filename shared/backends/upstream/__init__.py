"""An upstream DICOMweb service by aiohttp: the Azure DICOM service, Orthanc or any other."""
