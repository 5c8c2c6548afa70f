"""Labelled pictures, read as they are on disk: CIFAR-10, ImageNet and PASCAL VOC."""
