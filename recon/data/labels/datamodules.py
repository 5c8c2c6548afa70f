"""Lightning's view of labelled pictures: CIFAR-10, ImageNet and PASCAL VOC."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pytorch_lightning.utilities import rank_zero_info

from recon.data.datamodule import DataModule, Stage
from recon.data.labels.augmentation import Augmentation
from recon.data.labels.choosing import evenly, held_out
from recon.data.labels.cifar import CIFAR10Images, labels_of, read_batches
from recon.data.labels.cifar_files import TEST, TRAIN, CIFARBatch, CIFARFolder, cifar_folder
from recon.data.labels.class_folders import class_names, read_class_folders
from recon.data.labels.imagenet import ImageNetImages
from recon.data.labels.manifest import named_classes
from recon.data.labels.samples import Labelled, collate_labelled
from recon.data.labels.voc import VOCImages
from recon.data.labels.voc_files import voc_folder, voc_part
from recon.data.scanning import OnBadFile
from recon.errors import ConfigError, require_at_least, require_known
from recon.records import Word

LabelTaskName = Literal["classification", "segmentation"]


class LabelData(DataModule[Labelled]):
    """What the data sets share: how training images are moved, and how many images are taken.

    `flip` mirrors every second training image at random, and `max_images` takes at most so many of each part, for
    quick tries. `on_bad_file` says whether a file that cannot be read is an error, or is left out.
    """

    task: LabelTaskName
    collate = staticmethod(collate_labelled)

    def __init__(
        self,
        data_dir: Path | None,
        *,
        batch_size: int,
        workers: int,
        seed: int,
        cache: Path | None,
        shift_augmentation: int,
        flip: bool,
        max_images: int | None,
        on_bad_file: OnBadFile,
    ) -> None:
        """Keep the settings; nothing is read yet."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            shift_augmentation=shift_augmentation,
        )
        self.flip = flip
        self.max_images = None if max_images is None else require_at_least(max_images, 1, name="max_images")
        self.on_bad_file: OnBadFile = on_bad_file
        require_known(on_bad_file, ("error", "skip"), name="on_bad_file")

    @property
    @abstractmethod
    def classes(self) -> Sequence[str]:
        """The names of the classes, by their numbers, as the folder tells them."""

    @property
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about."""
        return {}

    @abstractmethod
    def opened(self, stage: Stage, augmentation: Augmentation | None) -> Labelled:
        """Open the data set of a stage, whose images may be moved."""

    def dataset(self, stage: Stage) -> Labelled:
        """Open the data set of a stage, its images as they are tested."""
        return self.opened(stage, None)

    def training_dataset(self) -> Labelled:
        """Open the training images, with what is drawn at random for each."""
        return self.opened("train", Augmentation(self.seed, flip=self.flip, furthest=self.shift_augmentation))


class CIFAR10Data(LabelData):
    """CIFAR-10 in Python's or in its binary format, or embedded synthetic objects where no folder is given.

    Validation is a share of the training images, `validation_share`, which are held out at random, evenly over the
    classes; which they are follows from `seed`. With a share of 0 all are trained on, and validation is the test,
    which must then choose nothing: neither the epoch nor the settings. The test is test_batch.
    """

    modality = "cifar10"
    task = "classification"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        validation_share: float = 0.1,
        batch_size: int = 256,
        workers: int = 2,
        seed: int = 0,
        cache: Path | None = None,
        shift_augmentation: int = 0,
        flip: bool = True,
        max_images: int | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Keep the settings. The batch size and the mirroring are those of MASS."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            shift_augmentation=shift_augmentation,
            flip=flip,
            max_images=max_images,
            on_bad_file=on_bad_file,
        )
        if not 0 <= validation_share < 1:
            raise ConfigError(f"validation_share must be at least 0 and less than 1, got {validation_share}")
        self.validation_share = validation_share
        self._read: dict[Path, list[CIFARBatch]] = {}  # training batches, which two stages share

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes, as batches.meta tells them."""
        return cifar_folder(self.folder).classes

    def opened(self, stage: Stage, augmentation: Augmentation | None) -> CIFAR10Images:
        """Open the images of a stage."""
        folder = cifar_folder(self.folder)
        if stage == "test" or (stage == "validation" and not self.validation_share):
            batches = read_batches(folder, TEST, self.on_bad_file)
            rows = evenly(labels_of(batches), self.max_images)
            return CIFAR10Images(folder, batches, rows=rows, augmentation=augmentation)
        batches = self._training(folder)
        labels = labels_of(batches)
        rows = evenly(labels, None)
        if self.validation_share:
            kept, held = held_out(labels, self.validation_share, seed=self.seed)
            rows = kept if stage == "train" else held
        rows = rows[evenly(labels[rows], self.max_images)]
        return CIFAR10Images(folder, batches, rows=rows, augmentation=augmentation)

    def _training(self, folder: CIFARFolder) -> list[CIFARBatch]:
        if folder.path not in self._read:
            self._read = {folder.path: read_batches(folder, TRAIN, self.on_bad_file)}
        return self._read[folder.path]


class ImageNetData(LabelData):
    """ImageNet's class folders, or embedded synthetic objects where no folder is given.

    Trains on train; validation and test are val, since the test's classes are not public. Defaults are those of
    torchvision's training of ResNet-18.
    """

    modality = "imagenet"
    task = "classification"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        crop: int = 224,
        resize: int = 256,
        batch_size: int = 256,
        workers: int = 2,
        seed: int = 0,
        cache: Path | None = None,
        shift_augmentation: int = 0,
        flip: bool = True,
        max_images: int | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Keep the settings. Tested are the middle `crop` x `crop` of images whose shorter side is `resize`."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            shift_augmentation=shift_augmentation,
            flip=flip,
            max_images=max_images,
            on_bad_file=on_bad_file,
        )
        self.crop, self.resize = crop, resize

    @property
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about."""
        return {"crop": self.crop, "resize": self.resize}

    @property
    def classes(self) -> Sequence[str]:
        """The names of the class folders, or those that a synthetic set's manifest gives them."""
        return named_classes(self.folder) or class_names(self.folder)

    def opened(self, stage: Stage, augmentation: Augmentation | None) -> ImageNetImages:
        """Open the images of a stage."""
        return ImageNetImages(
            read_class_folders(self.folder, "train" if stage == "train" else "val"),
            crop=self.crop,
            resize=self.resize,
            max_images=self.max_images,
            augmentation=augmentation,
            on_bad_file=self.on_bad_file,
        )


class VOCData(LabelData):
    """PASCAL VOC 2012's segmentation, or embedded synthetic scenes where no folder is given.

    Trains on train, or on the augmented set (train_aug.txt and SegmentationClassAug) where it is there; validation and
    test are val, as in the papers. A network's period must divide `crop`.
    """

    modality = "voc"
    task = "segmentation"

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        crop: int = 512,
        batch_size: int = 16,
        workers: int = 2,
        seed: int = 0,
        cache: Path | None = None,
        shift_augmentation: int = 0,
        flip: bool = True,
        max_images: int | None = None,
        on_bad_file: OnBadFile = "error",
    ) -> None:
        """Keep the settings. Images are squares of `crop` x `crop`, which 500 x 500 of VOC's fit into."""
        super().__init__(
            data_dir,
            batch_size=batch_size,
            workers=workers,
            seed=seed,
            cache=cache,
            shift_augmentation=shift_augmentation,
            flip=flip,
            max_images=max_images,
            on_bad_file=on_bad_file,
        )
        self.crop = crop

    @property
    def settings(self) -> Mapping[str, Word]:
        """How inputs come about."""
        return {"crop": self.crop}

    @property
    def classes(self) -> Sequence[str]:
        """The names of the classes, of which 0 is the background."""
        return voc_folder(self.folder).classes

    def opened(self, stage: Stage, augmentation: Augmentation | None) -> VOCImages:
        """Open the pictures of a stage; say where they are small in their squares."""
        images = VOCImages(
            voc_part(voc_folder(self.folder), "train" if stage == "train" else "val"),
            crop=self.crop,
            max_images=self.max_images,
            augmentation=augmentation,
            on_bad_file=self.on_bad_file,
        )
        if stage != "validation" and (told := images.room()):  # in training it is of the same pictures
            rank_zero_info(told)
        return images
