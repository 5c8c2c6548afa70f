"""Files of raw data become volumes, and images go to files that ISMRMRD's own package reads."""

from pathlib import Path

import h5py
import ismrmrd
import numpy as np
import pytest
import torch

from recon.clinical.formats.files import LeftOutError
from recon.clinical.formats.mrd import sources
from recon.clinical.models import ClinicalModel, open_model
from recon.clinical.mrd.feeding import feed_of
from recon.clinical.mrd.files import write_raw
from recon.clinical.words import RESEARCH_ONLY
from recon.data.synthetic.mri import Scan, write_volume
from recon.errors import DataError
from tests.clinical.mrd.scans import acquisitions, header, kspace_of, write_file, zero_filled
from tests.data.files import cut, replace_key, write_fastmri_volume


@pytest.fixture(scope="module")
def model(mri_model_file: Path) -> ClinicalModel:
    return open_model(str(mri_model_file))


@pytest.mark.parametrize("name", ["raw.h5", "raw.mrd", "raw.hdf5"])
def test_file_of_ismrmrds_package_is_read(tmp_path: Path, name: str) -> None:
    kspace = kspace_of()
    (source,) = sources(write_file(tmp_path / name, header(), acquisitions(kspace)))
    assert (source.format, source.name, source.slices, source.modality) == ("mrd", name, 3, "mri")
    want = np.stack([zero_filled(plane, (16, 16)) for plane in kspace])[:, None]
    np.testing.assert_allclose(source.read(), want, rtol=1e-5, atol=1e-6)


def test_file_that_recon_writes_is_read_by_ismrmrds_package(tmp_path: Path) -> None:
    path = tmp_path / "volume.h5"
    write_volume(path, Scan(32, 2, "PD"), seed=(1,))
    feed = feed_of(path)
    lines = list(feed.lines)
    write_raw(tmp_path / "raw.h5", feed.xml, lines)
    with ismrmrd.Dataset(str(tmp_path / "raw.h5"), "dataset", mode="r") as file:
        assert file.read_xml_header() == feed.xml
        assert file.number_of_acquisitions() == len(lines)
        for number in (0, len(lines) - 1):
            read = file.read_acquisition(number)
            assert bytes(read.getHead()) == lines[number].head.tobytes()
            np.testing.assert_array_equal(read.data, lines[number].samples)


def test_images_are_read_by_ismrmrds_package(tmp_path: Path, model: ClinicalModel) -> None:
    (source,) = sources(write_file(tmp_path / "raw.h5", header(crop=(16, 20)), acquisitions(kspace_of())))
    outputs = model(source.read())
    source.write(outputs, model.identity, tmp_path / "out" / "images.h5")
    with ismrmrd.Dataset(str(tmp_path / "out" / "images.h5"), "dataset", mode="r") as file:
        assert file.read_xml_header() == header(crop=(16, 20))
        assert file.number_of_images("image_0") == 3
        for index in range(3):
            image = file.read_image("image_0", index)
            np.testing.assert_array_equal(image.data[0, 0], outputs[index, 0].T)
            assert (image.slice, image.image_index, tuple(image.position)) == (index, index + 1, (1, -2, 3 * index))
            assert image.meta["ReconUse"] == RESEARCH_ONLY
            assert image.meta["ReconWeightsSHA256"] == model.identity.weights
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["images.h5"]


def test_point_lies_where_the_scanner_measured_it(tmp_path: Path) -> None:
    rows, columns = np.indices((32, 20))
    place = (16 - 8 + 3, 10 - 8 + 12)  # row 3 and column 12 of the image: not its own mirror image in any way
    turns = (rows - 16) * (place[0] - 16) / 32 + (columns - 10) * (place[1] - 10) / 20
    kspace = np.exp(-2j * np.pi * turns).astype(np.complex64)[None]
    (source,) = sources(write_file(tmp_path / "raw.h5", header(slices=1), acquisitions(kspace)))
    image = source.read()[0, 0]
    assert divmod(int(image.argmax()), 16) == (3, 12)


def test_volume_of_fastmri_is_not_taken(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "v.h5")
    assert sources(path) == []
    assert sources(tmp_path) == []


@pytest.mark.parametrize("name", ["a.npy", "a.dcm"])
def test_other_files_are_not_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert sources(tmp_path / name) == []
    assert sources(tmp_path) == []


def test_files_of_a_folder_are_taken_in_the_order_of_their_names(tmp_path: Path, model: ClinicalModel) -> None:
    for name in ("b.h5", "a.mrd"):
        write_file(tmp_path / name, header(), acquisitions(kspace_of()))
    write_fastmri_volume(tmp_path / "c.h5")
    (tmp_path / "d.h5").write_bytes(b"nothing")
    first, _ = sources(tmp_path)
    first.write(model(first.read()), model.identity, tmp_path / "e.h5")  # images alone are left out
    assert [source.name for source in sources(tmp_path)] == ["a.mrd", "b.h5"]


def test_images_alone_are_refused(tmp_path: Path, model: ClinicalModel) -> None:
    (source,) = sources(write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of())))
    source.write(model(source.read()), model.identity, tmp_path / "images.h5")
    with pytest.raises(LeftOutError, match="MRD images and no raw data"):
        sources(tmp_path / "images.h5")


def test_images_say_with_which_weights_they_were_made(tmp_path: Path, model: ClinicalModel) -> None:
    (source,) = sources(write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of())))
    source.write(model(source.read()), model.identity, tmp_path / "images.h5")
    assert source.made_with(tmp_path / "images.h5").weights == model.identity.weights
    assert source.made_with(tmp_path / "raw.h5").weights == ""


def test_file_without_a_header_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of()))
    replace_key(path, "dataset/xml", None)
    with pytest.raises(DataError, match="must have the XML header of its raw data, got none"):
        sources(path)


def test_header_that_is_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"raw\.h5: the MRD header must be XML"):
        sources(write_file(tmp_path / "raw.h5", b"", acquisitions(kspace_of())))


def test_wrong_matrix_is_refused_with_the_files_name(tmp_path: Path) -> None:
    path = write_file(tmp_path / "raw.h5", header(size=(40, 20)), acquisitions(kspace_of()))
    (source,) = sources(path)
    assert torch.is_tensor(source.read())  # 32 samples around sample 16 lie in a matrix of 40: a partial readout
    path = write_file(tmp_path / "small.h5", header(size=(28, 20)), acquisitions(kspace_of()))
    (source,) = sources(path)
    with pytest.raises(DataError, match=r"small\.h5: a line's samples must lie in the 28"):
        source.read()


def test_several_coils_are_refused_by_a_look_at_the_headers(tmp_path: Path) -> None:
    def add_coils(one: ismrmrd.Acquisition) -> None:
        one.resize(32, 4)

    with pytest.raises(DataError, match=r"raw\.h5: lines must be of a single coil"):
        sources(write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of(), change=add_coils)))


def test_file_with_noise_alone_is_refused(tmp_path: Path) -> None:
    noise = ismrmrd.Acquisition.from_array(kspace_of((4, 9)))
    noise.setFlag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
    with pytest.raises(DataError, match="must be lines of k-space, got none"):
        sources(write_file(tmp_path / "raw.h5", header(), [noise]))


def test_cut_file_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path / "raw.mrd", header(), acquisitions(kspace_of()))
    with pytest.raises(DataError, match="truncated"):
        sources(cut(path))


def test_samples_that_are_missing_are_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of()))
    with h5py.File(path, "r+") as file:
        line = file["dataset/data"][3]
        line["data"] = line["data"][:-2]
        file["dataset/data"][3] = line
    (source,) = sources(path)
    with pytest.raises(DataError, match=r"raw\.h5: an acquisition must have .* 1 x 32, got 31"):
        source.read()


def test_nothing_is_written_where_the_target_cannot_be(tmp_path: Path, model: ClinicalModel) -> None:
    (source,) = sources(write_file(tmp_path / "raw.h5", header(), acquisitions(kspace_of())))
    outputs = model(source.read())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be written"):
        source.write(outputs, model.identity, tmp_path / "file" / "images.h5")


def test_header_of_a_volume_that_is_not_of_its_kspace_is_refused(tmp_path: Path) -> None:
    path = write_fastmri_volume(tmp_path / "v.h5")
    replace_key(path, "ismrmrd_header", header(size=(48, 38), crop=(24, 24)))
    with pytest.raises(DataError, match="the header must be of its k-space 48 x 40"):
        feed_of(path)


def test_volume_whose_header_is_broken_cannot_be_sent(tmp_path: Path) -> None:
    path = replace_key(write_fastmri_volume(tmp_path / "v.h5"), "ismrmrd_header", b"<a")
    with pytest.raises(DataError, match="must be XML"):
        feed_of(path)


def test_other_hdf5_files_cannot_be_sent(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = 1
    with pytest.raises(DataError, match="must be MRD raw data or a volume of fastMRI"):
        feed_of(tmp_path / "a.h5")
