"""MRI raw data as scanners' open interfaces speak them (MRD, ISMRMRD): files, streams, and a server between them."""
