"""ImageNet's images and classes, cropped as they are trained on and as they are tested."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from recon.data.batches import Draw, draw_of
from recon.data.labels.augmentation import Augmentation, random_part
from recon.data.labels.choosing import evenly
from recon.data.labels.class_folders import ClassFolders
from recon.data.labels.names import IMAGENET_DEVIATION, IMAGENET_MEAN
from recon.data.labels.pictures import normalised, pixels_of, read_picture, resized_middle
from recon.data.labels.samples import Labelled, LabelledSample, require_index
from recon.data.samples import Origin, Skipped
from recon.data.scanning import OnBadFile
from recon.errors import ConfigError, DataError, require_at_least, require_known


class ImageNetImages(Labelled):
    """The images of a part, read when they are asked for, normalised by ImageNet's mean and deviation.

    With an augmentation, a random part of the image (8 to 100 % of its area) is resized to the crop, as He et al.
    (2016) and torchvision train. Without one, the shorter side becomes `resize`, and the middle is kept.
    """

    def __init__(
        self,
        part: ClassFolders,
        *,
        crop: int = 224,
        resize: int = 256,
        max_images: int | None = None,
        augmentation: Augmentation | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Take all images of a part, or `max_images` of them, evenly over the classes."""
        self.crop = require_at_least(crop, 1, name="crop")
        self.resize = require_at_least(resize, 1, name="resize")
        if resize < crop:
            raise ConfigError(f"resize must be at least crop, which is cut out of it, got {resize} for {crop}")
        self.on_bad_file = require_known(on_bad_file, ("error", "skip"), name="on_bad_file")
        self.folder, self.classes, self.synthetic = part.folder, part.classes, part.synthetic
        self.augmentation = augmentation
        rows = evenly(part.labels, max_images)
        self.labels = part.labels[rows]
        self._files = part.files if len(rows) == len(part.files) else tuple(part.files[row] for row in rows)

    def __len__(self) -> int:
        """Count the images."""
        return len(self._files)

    @property
    def files(self) -> Sequence[Path]:
        """The images' files."""
        return [self.folder / file for file in self._files]

    def __getitem__(self, key: int | Draw) -> LabelledSample | Skipped:
        """Read an image and its class."""
        draw = draw_of(key)
        file = self._files[require_index(draw.index, len(self))]
        try:
            image = read_picture(self.folder / file)
        except DataError as error:
            if self.on_bad_file == "skip":
                return Skipped(str(error))
            raise
        origin = Origin("ImageNet", file, 0, "", "", self.synthetic)
        return LabelledSample(self._input(image, draw), torch.tensor(int(self.labels[draw.index])), origin)

    def wide(self, index: int) -> Tensor | None:
        """Read the image (3, resize, resize) out of whose middle the input is cropped; None where that is all of it."""
        if self.resize == self.crop:
            return None
        image = read_picture(self.folder / self._files[require_index(index, len(self))])
        return _normalised(resized_middle(image, self.resize, self.resize))

    def _input(self, image: Image.Image, draw: Draw) -> Tensor:
        if self.augmentation is None:
            return _normalised(resized_middle(image, self.resize, self.crop))
        part = image.crop(random_part(image.size, self.augmentation.random(draw)))
        resized = part.resize((self.crop, self.crop), Image.Resampling.BILINEAR)
        return self.augmentation.move(draw)(_normalised(resized))


def _normalised(image: Image.Image) -> Tensor:
    return normalised(pixels_of(image), IMAGENET_MEAN, IMAGENET_DEVIATION)
