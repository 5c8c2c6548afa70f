"""PASCAL VOC's colours: what its masks' palettes show each class in."""

import numpy as np
from numpy.typing import NDArray


def voc_colours() -> NDArray[np.uint8]:
    """Give the colour of every label (256, 3): its bits 0, 3, 6 are red's highest ones, 1, 4, 7 green's, 2, 5 blue's.

    >>> voc_colours()[[0, 1, 15, 255]].tolist()
    [[0, 0, 0], [128, 0, 0], [192, 128, 128], [224, 224, 192]]
    """
    labels = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for channel in range(3):
        for place, bit in enumerate(range(channel, 8, 3)):
            colours[:, channel] |= ((labels >> bit & 1) << (7 - place)).astype(np.uint8)
    return colours
