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
  images/                               such as ImageNet's validation images, flat or in class folders
    ILSVRC2012_val_00000001.JPEG ..
    n01440764/ILSVRC2012_val_00000293.JPEG .."""
