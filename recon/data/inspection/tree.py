"""The folders and files that are expected; data/README.md shows the same."""

TREE = """\
data/
  fastmri/                              single-coil knee volumes
    singlecoil_train/file1000001.h5 ..
    singlecoil_val/file1000000.h5 ..
    singlecoil_test/file1000022.h5 ..
  lodopab/                              LoDoPaB-CT: all its files in one folder
    ground_truth_train_000.hdf5 ..
    observation_train_000.hdf5 ..
    ground_truth_validation_000.hdf5 ..
    observation_validation_000.hdf5 ..
    ground_truth_test_000.hdf5 ..
    observation_test_000.hdf5 ..
    patient_ids_rand_train.csv ..       optional
  cifar10/                              with data_batch_1 to data_batch_5 and test_batch
    cifar-10-batches-py/data_batch_1 ..
    cifar-10-batches-py/batches.meta
  imagenet/                             a folder a class, the same ones in both parts
    train/n01440764/n01440764_10026.JPEG ..
    val/n01440764/ILSVRC2012_val_00000293.JPEG ..
  voc/                                  PASCAL VOC 2012: pictures, masks of their classes, lists of names
    VOCdevkit/VOC2012/JPEGImages/2007_000032.jpg ..
    VOCdevkit/VOC2012/SegmentationClass/2007_000032.png ..
    VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt, val.txt
  images/                               without classes: flat, or in folders
    ILSVRC2012_val_00000001.JPEG ..
    n01440764/ILSVRC2012_val_00000293.JPEG .."""
