"""PASCAL VOC's pictures and the classes of their pixels, in squares of one size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from recon.data.batches import Draw, draw_of
from recon.data.labels.augmentation import Augmentation
from recon.data.labels.choosing import spread
from recon.data.labels.names import IMAGENET_DEVIATION, IMAGENET_MEAN
from recon.data.labels.pictures import normalised, pixels_of, read_mask, read_picture
from recon.data.labels.samples import IGNORED, Labelled, LabelledSample, require_index
from recon.data.labels.voc_files import VOCPart
from recon.data.samples import Origin, Skipped
from recon.data.scanning import OnBadFile, warn_of_skipped
from recon.errors import DataError, require_at_least, require_known

_SCALES = (0.5, 2.0)  # of training images, as DeepLab's
_LOOKED_AT = 16  # pictures, to know about how large they are
_PERIOD = 32  # that the periods of most networks divide


class VOCImages(Labelled):
    """Pictures and masks, in squares of `crop` pixels: around a picture lie the mean colour and pixels not judged.

    For evaluation a picture is made smaller where it does not fit into the square, and put in its middle, so that
    circular shifts are defined. With an augmentation it is scaled at random by 0.5 to 2, and a random part of it
    fills the square; where it is smaller than the square, it lies anywhere in it. A network's period must divide
    `crop`.
    """

    group_size = 64

    def __init__(
        self,
        part: VOCPart,
        *,
        crop: int = 512,
        max_images: int | None = None,
        augmentation: Augmentation | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Take all pictures of a part, or `max_images` of them, evenly over its list."""
        self.crop = require_at_least(crop, 1, name="crop")
        self.on_bad_file = require_known(on_bad_file, ("error", "skip"), name="on_bad_file")
        self.part, self.augmentation = part, augmentation
        self.classes, self.synthetic = part.folder.classes, part.folder.synthetic
        chosen = [part.names[place] for place in spread(len(part.names), max_images)]
        self.names = tuple(_there(part, chosen, on_bad_file))

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.names)

    @property
    def files(self) -> Sequence[Path]:
        """The pictures' and the masks' files."""
        return [path for name in self.names for path in (self.part.picture(name), self.part.mask(name))]

    def __getitem__(self, key: int | Draw) -> LabelledSample | Skipped:
        """Read a picture and the classes of its pixels."""
        draw = draw_of(key)
        name = self.names[require_index(draw.index, len(self))]
        try:
            picture, mask = self._read(name)
        except DataError as error:
            if self.on_bad_file == "skip":
                return Skipped(str(error))
            raise
        image, target = self._fitted(picture, mask) if self.augmentation is None else self._varied(picture, mask, draw)
        path = self.part.picture(name)
        return LabelledSample(image, target, Origin("PASCAL VOC", path.name, 0, "", "", self.synthetic))

    def room(self) -> str:
        """Say where no picture fills even half of the square's side, and what to do; nothing where one does."""
        sides = []
        for place in spread(len(self), _LOOKED_AT):
            try:
                sides.append(max(read_picture(self.part.picture(self.names[place])).size))
            except DataError:  # it is told, or left out, when it is read
                continue
        fits = -(-max(sides, default=self.crop) // _PERIOD) * _PERIOD
        if 2 * fits > self.crop:
            return ""
        return (
            f"the pictures lie in squares of {self.crop} x {self.crop}, but have at most {max(sides)} pixels a side "
            f"({len(sides)} were looked at); crop={fits} (--data.init_args.crop {fits}) leaves a network "
            f"{round((self.crop / fits) ** 2)} times less to compute"
        )

    def _read(self, name: str) -> tuple[Image.Image, Image.Image]:
        picture = read_picture(self.part.picture(name), upright=False)  # as the mask is
        path = self.part.mask(name)
        mask = read_mask(path)
        if mask.size != picture.size:
            raise DataError(
                f"{path} must be of the size of its picture, got {_size(mask)} for {_size(picture)}; unpack them again"
            )
        wrong = {number for _, number in mask.getcolors() or ()} - {*range(len(self.classes)), IGNORED}
        if wrong:
            raise DataError(
                f"{path} must have classes from 0 to {len(self.classes) - 1}, or {IGNORED} where none is judged, got "
                f"{min(wrong)}; unpack it again"
            )
        return picture, mask

    def _fitted(self, picture: Image.Image, mask: Image.Image) -> tuple[Tensor, Tensor]:
        scale = min(1.0, self.crop / max(picture.size))
        image, target = _scaled(picture, mask, scale)
        rows, columns = ((self.crop - n) // 2 for n in target.shape)
        return self._in_square(image, target, (rows, columns))

    def _varied(self, picture: Image.Image, mask: Image.Image, draw: Draw) -> tuple[Tensor, Tensor]:
        assert self.augmentation is not None  # or this is not called
        random = self.augmentation.random(draw)
        image, target = _scaled(picture, mask, random.uniform(*_SCALES))
        rests = [self.crop - n for n in target.shape]
        rows, columns = (int(random.integers(min(rest, 0), max(rest, 0), endpoint=True)) for rest in rests)
        move = self.augmentation.move(draw)
        image, target = self._in_square(image, target, (rows, columns))
        return move(image), move(target)

    def _in_square(self, image: Tensor, target: Tensor, corner: tuple[int, int]) -> tuple[Tensor, Tensor]:
        return in_square(image, corner, self.crop, fill=0), in_square(target, corner, self.crop, fill=IGNORED)


def in_square(image: Tensor, corner: tuple[int, int], size: int, *, fill: float) -> Tensor:
    """Lay an image (..., H, W) into a square of `size`, its corner at (row, column), which may lie outside."""
    square = image.new_full((*image.shape[:-2], size, size), fill)
    (top, left), (height, width) = corner, image.shape[-2:]
    rows, columns = slice(max(top, 0), min(top + height, size)), slice(max(left, 0), min(left + width, size))
    shown = image[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    square[..., rows, columns] = shown
    return square


def _scaled(picture: Image.Image, mask: Image.Image, scale: float) -> tuple[Tensor, Tensor]:
    """Resize a picture (bilinear, antialiased) and its mask (the nearest pixel), and give them as tensors."""
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
        mask = mask.resize(size, Image.Resampling.NEAREST)
    image = normalised(pixels_of(picture), IMAGENET_MEAN, IMAGENET_DEVIATION)
    return image, torch.from_numpy(np.asarray(mask).astype(np.int64))


def _there(part: VOCPart, names: Sequence[str], on_bad_file: OnBadFile) -> list[str]:
    """Give the names whose files are there; another is an error, or left out with a warning."""
    found, skipped = [], []
    for name in names:
        lacking = next((path for path in (part.picture(name), part.mask(name)) if not path.is_file()), None)
        if lacking is None:
            found.append(name)
            continue
        reason = f"{lacking} must be there, as its list says, got nothing; unpack the archive again"
        if on_bad_file == "error":
            raise DataError(reason)
        skipped.append(reason)
    if not found:
        raise DataError(f"{part.folder.path} must have a picture of its list, got none: {skipped[0]}")
    warn_of_skipped(skipped)
    return found


def _size(image: Image.Image) -> str:
    return f"{image.height} x {image.width}"
