"""DICOM series as volumes: read with their geometry, written back as derived series, received and sent by a node."""
