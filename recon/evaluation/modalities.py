"""The data that networks are evaluated on, by their words: those with images to be found, and those with labels."""

IMAGES = ("mri", "ct")
LABELS = ("cifar10", "imagenet", "voc")
KNOWN = (*IMAGES, *LABELS)

TITLES = {"mri": "MRI", "ct": "CT", "cifar10": "CIFAR-10", "imagenet": "ImageNet", "voc": "PASCAL VOC"}
