"""What MONAI has no transforms for: images of any format as slices the way they are shown, and back again."""

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.image_reader import ImageReader, NibabelReader, NumpyReader, PydicomReader
from monai.data.image_writer import NibabelWriter
from monai.data.meta_tensor import MetaTensor
from monai.transforms.io.array import LoadImage, SaveImage
from monai.transforms.spatial.array import Orientation
from monai.transforms.transform import MapTransform
from pydicom.misc import is_dicom

from recon.clinical.bundle.documents import POSTFIX
from recon.clinical.words import RESEARCH_ONLY
from recon.errors import DataError
from recon.files import written_whole

_NIFTI = (".nii", ".nii.gz")
_ENDS = ("LR", "PA", "IS")  # of the axes of the world: where a falling and a rising index leads
_DESCRIPTION = 79  # characters that a NIfTI header has room for
_NAME = "filename_or_obj"  # by which MONAI's metadata call the source


def inputs_in(folder: str) -> list[dict[str, str]]:
    """List what is to be reconstructed: a file, a folder of one DICOM series, or every file and series in a folder."""
    path = Path(folder)
    if not path.exists():
        raise DataError(f"the input must be a DICOM series' folder, a NIfTI or .npy file, got nothing at {path}")
    found = [path] if path.is_file() or _is_series(path) else [one for one in sorted(path.iterdir()) if _is_image(one)]
    if not found:
        raise DataError(f"{path} must hold DICOM series, NIfTI or .npy files, got none of them")
    return [{"image": str(one)} for one in found]


class LoadSlicesd(MapTransform):
    """Read a DICOM series, NIfTI or .npy file by MONAI's readers as (1, rows, columns, slices) in float32.

    DICOM slices and arrays (H, W), (N, H, W) or (N, 1, H, W) are as they are. Those of NIfTI are turned to be as they
    are shown: rows to the back or the feet, columns to the patient's left or back.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Read what the keys name."""
        return {**data, **{key: _loaded(Path(data[key])) for key in self.key_iterator(dict(data))}}


class SaveSlicesd(MapTransform):
    """Write slices as what they were read from: .npy as .npy, NIfTI and DICOM as NIfTI on the grid of the source.

    What is written says which model made it, and that it is for research only: in the header's description, or in a
    file of JSON beside an array.

    Args:
        keys: of the slices.
        source_key: of what they were made from.
        output_dir: the folder.
        model: what the results say of the model.
    """

    def __init__(self, keys: KeysCollection, *, source_key: str, output_dir: str, model: str) -> None:
        super().__init__(keys)
        self.source_key, self.output_dir, self.model = source_key, Path(output_dir), model

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write what the keys have."""
        source = data[self.source_key]
        path = Path(source.meta[_NAME])
        for key in self.key_iterator(dict(data)):
            slices = MetaTensor(torch.as_tensor(data[key]).detach().cpu().float(), meta=dict(source.meta))
            slices.affine = source.affine
            if path.suffix.lower() == ".npy":
                self._write_array(slices, path)
            else:
                self._write_nifti(slices, path)
        return dict(data)

    def _write_array(self, slices: MetaTensor, path: Path) -> None:
        """Write an array of the shape that its source has."""
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
        target = self.output_dir / f"{path.stem}_{POSTFIX}.npy"
        with written_whole(target) as partial, partial.open("wb") as file:
            np.save(file, slices.as_tensor()[0].movedim(-1, 0).numpy().reshape(shape))
        with written_whole(target.with_name(f"{target.name}.json")) as partial:
            partial.write_text(json.dumps({"model": self.model, "use": RESEARCH_ONLY}) + "\n", encoding="utf-8")

    def _write_nifti(self, slices: MetaTensor, path: Path) -> None:
        """Turn slices of NIfTI back onto their grid, and write."""
        if path.name.lower().endswith(_NIFTI):
            affine = _nifti(path).affine
            slices = _turned(slices, "".join(nibabel.aff2axcodes(affine)))
            slices.affine = torch.as_tensor(affine)
        save = SaveImage(
            output_dir=self.output_dir,
            output_postfix=POSTFIX,
            output_ext=".nii.gz",
            resample=False,
            separate_folder=False,
            print_log=False,
            writer=_MarkedWriter,
        )
        save.set_options(write_kwargs={"words": f"{self.model}; {RESEARCH_ONLY}"[:_DESCRIPTION]})
        save(slices)


class _MarkedWriter(NibabelWriter):
    """MONAI's writer of NIfTI, with a description in the header."""

    @classmethod
    def create_backend_obj(cls, *arguments: Any, words: str = "", **options: Any) -> Any:  # noqa: ANN401
        """Make the image, and describe it."""
        image = super().create_backend_obj(*arguments, **options)
        image.header["descrip"] = words.encode("ascii", "replace")
        return image


def _loaded(path: Path) -> MetaTensor:
    """Read an image as slices."""
    image = LoadImage(reader=_reader(path), ensure_channel_first=True, dtype=np.float32)(path)
    image.meta[_NAME] = str(path)
    if path.suffix.lower() == ".npy":
        return MetaTensor(image.as_tensor().reshape(1, -1, *image.shape[-2:]).movedim(1, -1), meta=image.meta)
    if image.ndim == 3:
        image = image[..., None]
    if image.ndim != 4 or len(image) != 1:
        raise DataError(f"{path} must hold one volume of one channel, got the shape {tuple(image.shape)}; split it")
    return _turned(image, _shown(path)) if path.name.lower().endswith(_NIFTI) else image


def _shown(path: Path) -> str:
    """Name the directions of rows, columns and slices of a NIfTI file as they are shown."""
    image = _nifti(path)
    axes = nibabel.io_orientation(image.affine)
    told = image.header.get_dim_info()[2]
    last = 2 if told is None else int(told)
    rows, columns = sorted({0, 1, 2} - {last}, key=lambda axis: -axes[axis, 0])  # rows go down the body
    names = [_ENDS[int(axes[axis, 0])] for axis in (rows, columns, last)]
    return names[0][0] + names[1][0] + names[2][int(axes[last, 1] > 0)]


def _turned(slices: MetaTensor, codes: str) -> MetaTensor:
    """Turn the axes to lead where the codes say."""
    turned = Orientation(axcodes=codes)(slices)
    assert isinstance(turned, MetaTensor)  # as it is one before
    return turned


def _nifti(path: Path) -> Any:  # noqa: ANN401  # what it holds has no types
    return nibabel.load(path)


def _reader(path: Path) -> ImageReader:
    name = path.name.lower()
    if path.is_file() and name.endswith(_NIFTI):
        return NibabelReader()
    if path.is_file() and name.endswith(".npy"):
        return NumpyReader()
    return PydicomReader(swap_ij=False)


def _is_image(path: Path) -> bool:
    return path.name.lower().endswith((*_NIFTI, ".npy")) if path.is_file() else _is_series(path)


def _is_series(path: Path) -> bool:
    return path.is_dir() and any(is_dicom(one) for one in path.iterdir() if one.is_file())
