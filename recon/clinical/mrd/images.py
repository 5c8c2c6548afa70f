"""Reconstructed images as MRD has them: pixels, a header from the raw data, attributes that say which model it was."""

from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from recon.clinical.identity import Identity
from recon.clinical.mrd.header import Encoding
from recon.clinical.mrd.layout import FLOAT, IMAGE, MAGNITUDE, VERSION, Head
from recon.clinical.sources import Made
from recon.clinical.words import MAKER, RESEARCH_ONLY

_WEIGHTS, _PROCESSING = "ReconWeightsSHA256", "ReconProcessing"
SERIES = 1  # all images of a measurement are one series
_FROM_LINE = ("measurement_uid", "position", "read_dir", "phase_dir", "slice_dir", "patient_table_position")
_TIMES = ("acquisition_time_stamp", "physiology_time_stamp", "user_int", "user_float")
_COUNTERS = ("average", "slice", "contrast", "phase", "repetition", "set")


class MRDImage(NamedTuple):
    """An image as MRD has it: pixels (channels, z, y, x) with x along the readout, a header, and attributes as XML."""

    head: Head
    attributes: str
    pixels: NDArray[np.generic]


def mrd_image(image: Tensor, line: Head, encoding: Encoding, identity: Identity, *, index: int) -> MRDImage:
    """Give a reconstructed image (rows along the readout, columns) as MRD has it; `index` counts from 1."""
    head = np.zeros((), IMAGE)
    for name in (*_FROM_LINE, *_TIMES):
        head[name] = line[name]
    for name in _COUNTERS:
        head[name] = line["idx"][name]
    attributes = attributes_of(identity, line)
    head["version"], head["data_type"], head["image_type"], head["channels"] = VERSION, FLOAT, MAGNITUDE, 1
    head["matrix_size"], head["field_of_view"] = (*image.shape, 1), encoding.field_of_view
    head["image_index"], head["image_series_index"] = index % (1 << 16), SERIES
    head["attribute_string_len"] = len(attributes.encode())
    return MRDImage(head, attributes, np.ascontiguousarray(image.numpy().T, dtype="<f4")[None, None])


def made_in(attributes: str) -> Made:
    """Give what `attributes_of` said of how an image was made."""
    try:
        entries = ElementTree.fromstring(attributes).findall("meta")
    except ElementTree.ParseError:
        return Made()
    words = {entry.findtext("name"): entry.findtext("value") or "" for entry in entries}
    return Made(words.get(_WEIGHTS, ""), words.get(_PROCESSING, ""))


def attributes_of(identity: Identity, line: Head) -> str:
    """Say of an image, in MRD's own attributes where there are some, what it is and is not."""
    words: list[tuple[str, list[str]]] = [
        ("DataRole", ["Image"]),
        ("ImageType", [MAKER.upper()]),
        ("SeriesDescriptionAdditional", [f"{MAKER} {identity.variant}"]),
        ("ImageComments", [RESEARCH_ONLY]),
        ("ImageRowDir", [f"{value:.9g}" for value in line["read_dir"].tolist()]),
        ("ImageColumnDir", [f"{value:.9g}" for value in line["phase_dir"].tolist()]),
        ("ReconUse", [RESEARCH_ONLY]),
        ("ReconModel", [identity.variant]),
        ("ReconNetwork", [identity.network]),
        (_WEIGHTS, [identity.weights]),
        *([(_PROCESSING, [identity.processing])] if identity.processing else []),
        ("ReconVersion", [identity.recon]),
        ("ReconTrainedOnSyntheticData", ["unknown" if identity.synthetic is None else str(identity.synthetic).lower()]),
    ]
    root = ElementTree.Element("ismrmrdMeta")
    for name, values in words:
        entry = ElementTree.SubElement(root, "meta")
        for tag, text in (("name", name), *(("value", value) for value in values)):
            ElementTree.SubElement(entry, tag).text = text
    return '<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root, encoding="unicode")
