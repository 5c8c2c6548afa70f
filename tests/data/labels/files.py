"""Small folders as CIFAR-10, ImageNet and PASCAL VOC have them, with random pictures."""

import json
import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.data.batches import Draw
from recon.data.labels.samples import Labelled, LabelledSample

Field = str | int | Sequence[int] | Sequence[str] | NDArray[np.uint8]

CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SYNSETS = ("n01440764", "n01443537", "n02102040")
BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def sample_of(data: Labelled, key: int | Draw) -> LabelledSample:
    """Read a sample that can be read."""
    sample = data[key]
    assert isinstance(sample, LabelledSample)
    return sample


def samples_of(data: Labelled) -> list[LabelledSample]:
    """Read all samples, in order."""
    return [sample_of(data, index) for index in range(len(data))]


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Give random bytes, always the same."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def python2_pickle(fields: Mapping[str, Field]) -> bytes:
    """Write a dictionary as Python 2 does at protocol 2, opcode by opcode, as CIFAR-10's batches were."""
    parts = [b"\x80\x02}q\x01("]
    for number, (name, value) in enumerate(fields.items()):
        parts += [_text(name), b"q", bytes([2 + number])]
        if isinstance(value, np.ndarray):
            rows, columns = value.shape
            parts += [
                b"cnumpy.core.multiarray\n_reconstruct\nq\x80cnumpy\nndarray\nq\x81K\x00\x85U\x01bq\x82\x87Rq\x83"
            ]
            parts += [b"(K\x01", b"M" + struct.pack("<H", rows), b"M" + struct.pack("<H", columns), b"\x86"]
            parts += [
                b"cnumpy\ndtype\nq\x84U\x02u1K\x00K\x01\x87Rq\x85(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
            ]
            parts += [b"K\x00tb\x89T" + struct.pack("<i", value.size), value.tobytes(), b"tb"]
        elif isinstance(value, str):
            parts += [_text(value)]
        elif isinstance(value, int):
            parts += [b"M" + struct.pack("<H", value)]
        else:
            parts += [b"](", *(b"K" + bytes([one]) if isinstance(one, int) else _text(one) for one in value), b"e"]
    return b"".join([*parts, b"u."])


def write_cifar(
    folder: Path, *, images: int = 20, ending: str = "", protocol: int | None = None, seed: int = 0
) -> Path:
    """Write a folder of batches with random images, evenly of ten classes.

    They are Python 2's pickles, Python 3's of a protocol, or plain bytes (ending .bin), of the same images.
    """
    place = folder / ("cifar-10-batches-bin" if ending else "cifar-10-batches-py")
    place.mkdir(parents=True)
    for number, name in enumerate(BATCHES):
        pixels = noise(images, 3072, seed=seed + number)
        labels = np.random.default_rng(number).permutation(np.arange(images) % 10).tolist()
        fields = {"batch_label": name, "labels": labels, "data": pixels, "filenames": [f"{n}.png" for n in labels]}
        if ending:
            rows = np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1)
            (place / f"{name}.bin").write_bytes(rows.tobytes())
        else:
            (place / name).write_bytes(
                python2_pickle(fields) if protocol is None else pickle.dumps(fields, protocol=protocol)
            )
    if ending:
        (place / "batches.meta.txt").write_text("".join(f"{name}\n" for name in CIFAR_NAMES) + "\n")
    else:
        (place / "batches.meta").write_bytes(
            python2_pickle({"num_cases_per_batch": images, "label_names": CIFAR_NAMES, "num_vis": 3072})
        )
    return folder


def write_imagenet(
    folder: Path, *, train: int = 3, val: int = 2, size: tuple[int, int] = (40, 48), synsets: Sequence[str] = SYNSETS
) -> Path:
    """Write class folders with random pictures (rows, columns) whose sides differ a little."""
    for part, count in (("train", train), ("val", val)):
        for number, synset in enumerate(synsets):
            for place in range(count):
                rows, columns = size[0] + 3 * place, size[1] - 5 * number
                path = folder / part / synset / f"{synset}_{place:02d}.JPEG"
                save(path, smooth(rows, columns, seed=10 * number + place + len(part)))
    return folder


def write_voc(folder: Path, *, train: int = 4, val: int = 3, size: tuple[int, int] = (30, 44)) -> Path:
    """Write VOCdevkit/VOC2012 with random pictures (rows, columns) and palette masks with all classes and borders."""
    place = folder / "VOCdevkit" / "VOC2012"
    names = [f"2007_{number:06d}" for number in range(train + val)]
    for number, name in enumerate(names):
        rows, columns = (size[0], size[1] - number) if number % 2 else (size[1] - number, size[0])
        save(place / "JPEGImages" / f"{name}.jpg", smooth(rows, columns, seed=number))
        write_mask(place / "SegmentationClass" / f"{name}.png", mask_of(rows, columns, seed=number))
    lists = {"train": names[:train], "val": names[train:], "trainval": names}
    for part, chosen in lists.items():
        write_list(place, f"{part}.txt", chosen)
    return folder


def write_list(place: Path, name: str, lines: Sequence[str]) -> None:
    """Write one of VOC's lists."""
    path = place / "ImageSets" / "Segmentation" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def write_mask(path: Path, classes: NDArray[np.uint8]) -> None:
    """Write classes as a PNG file with a palette in which no colour is its own number."""
    mask = Image.fromarray(classes)
    mask.putpalette(noise(768, seed=1).tobytes())
    path.parent.mkdir(parents=True, exist_ok=True)
    mask.save(path)


def mask_of(rows: int, columns: int, *, seed: int) -> NDArray[np.uint8]:
    """Give blocks of 4 x 4 pixels of a class each, some of them 255."""
    blocks = np.random.default_rng(seed).choice(
        np.array([*range(21), 255], np.uint8), (rows // 4 + 1, columns // 4 + 1)
    )
    return blocks.repeat(4, 0).repeat(4, 1)[:rows, :columns].copy()


def smooth(rows: int, columns: int, *, seed: int) -> NDArray[np.uint8]:
    """Give a picture (rows, columns, 3) that JPEG keeps well: noise, enlarged eight times."""
    small = Image.fromarray(noise(rows // 8 + 1, columns // 8 + 1, 3, seed=seed))
    return np.asarray(small.resize((columns, rows), Image.Resampling.BICUBIC))


def save(path: Path, pixels: NDArray[np.uint8]) -> Path:
    """Save pixels as the picture that the ending of path says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_manifest(folder: Path, classes: Sequence[str] | None = None) -> None:
    """Say that a folder is synthetic, and how its classes are called."""
    about = {"synthetic": True} | ({} if classes is None else {"classes": list(classes)})
    (folder / "synthetic.json").write_text(json.dumps(about))


def _text(word: str) -> bytes:
    return b"U" + bytes([len(word)]) + word.encode()
