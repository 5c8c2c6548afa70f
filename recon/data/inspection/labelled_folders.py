"""Labelled data sets opened by their readers, so far as that goes, with what is wrong with them in words."""

from recon.data.inspection.kinds import DataFolder
from recon.data.inspection.labelled_parts import voc_place
from recon.data.labels.cifar_files import CIFARFolder, cifar_folder
from recon.data.labels.manifest import is_synthetic, named_classes
from recon.data.labels.names import CIFAR10_CLASSES, VOC_CLASSES
from recon.data.labels.voc_files import VOCFolder, voc_folder
from recon.errors import DataError

Wrong = tuple[str, ...]


def opened_cifar10(found: DataFolder) -> tuple[CIFARFolder, Wrong]:
    """Open the batches; where the names of the classes cannot be read, they are CIFAR-10's."""
    try:
        return cifar_folder(found.path), ()
    except DataError as error:
        place, ending = found.files[0].parent, found.files[0].suffix
        return CIFARFolder(place, ending, CIFAR10_CLASSES, is_synthetic(place, place.absolute().parent)), (str(error),)


def opened_voc(found: DataFolder) -> tuple[VOCFolder, Wrong]:
    """Open the tree; where the names of the classes cannot be read, they are VOC's."""
    try:
        return voc_folder(found.path), ()
    except DataError as error:
        return VOCFolder(voc_place(found.path) or found.path, VOC_CLASSES, is_synthetic(found.path)), (str(error),)


def class_folders(found: DataFolder) -> tuple[dict[str, str], Wrong]:
    """Give the class folders of all parts, each with its class's name: its own, or what the manifest says."""
    folders = sorted({path.parent.name for path in found.files})
    try:
        names = named_classes(found.path)
    except DataError as error:
        return dict(zip(folders, folders, strict=True)), (str(error),)
    if names is None or len(names) != len(folders):  # a check tells of it
        names = tuple(folders)
    return dict(zip(folders, names, strict=True)), ()
