"""Where results go, and what is refused before any work."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from recon.clinical.formats.files import Reading
from recon.clinical.planning import planned
from recon.clinical.reconstruct import run
from recon.clinical.sources import Source
from recon.clinical.targets import name_of, targets_of
from recon.errors import ConfigError, DataError
from tests.clinical.formats.models import WEIGHTS, known_model
from tests.clinical.volumes import MadeUp, MadeUpSeries


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{WEIGHTS}\n\n0\n")
    return path


def places(sources: Sequence[Source], out: Path, *inputs: Path) -> list[str]:
    return [target.relative_to(out.parent).as_posix() for target in targets_of(sources, out, inputs)]


def test_single_file_goes_to_a_file_that_ends_alike(tmp_path: Path) -> None:
    path = touch(tmp_path / "a.npy")
    assert places([MadeUp(path)], tmp_path / "b.npy", path) == ["b.npy"]


def test_single_file_goes_into_a_folder(tmp_path: Path) -> None:
    path = touch(tmp_path / "a.npy")
    assert places([MadeUp(path)], tmp_path / "out", path) == ["out/a.npy"]
    (tmp_path / "folder.npy").mkdir()
    assert places([MadeUp(path)], tmp_path / "folder.npy", path) == ["folder.npy/a.npy"]


def test_folder_is_mirrored(tmp_path: Path) -> None:
    paths = [touch(tmp_path / "in" / name) for name in ("x.npy", "a/x.npy", "a/b/x.npy")]
    found = places([MadeUp(path) for path in paths], tmp_path / "out", tmp_path / "in")
    assert found == ["out/x.npy", "out/a/x.npy", "out/a/b/x.npy"]


def test_files_and_folders_go_side_by_side(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name) for name in ("one/x.npy", "two/y.npy", "z.npy")]
    found = places([MadeUp(path) for path in paths], tmp_path / "out", tmp_path / "one", tmp_path / "two", paths[2])
    assert found == ["out/x.npy", "out/y.npy", "out/z.npy"]


def test_another_ending_is_replaced(tmp_path: Path) -> None:
    path = touch(tmp_path / "in" / "scan.raw.mrd")
    assert places([MadeUp(path)], tmp_path / "out", tmp_path / "in") == ["out/scan.raw.npy"]


def test_volumes_of_one_file_are_numbered(tmp_path: Path) -> None:
    path = touch(tmp_path / "in" / "scan.npy")
    found = places([MadeUp(path), MadeUp(path)], tmp_path / "out", tmp_path / "in")
    assert found == ["out/scan-1.npy", "out/scan-2.npy"]


def test_series_go_into_folders_of_their_own(tmp_path: Path) -> None:
    first, second = (touch(tmp_path / "in" / name / "1.dcm").parent for name in ("a", "b"))
    out = tmp_path / "out"
    assert places([MadeUpSeries(first), MadeUpSeries(second)], out, tmp_path / "in") == ["out/a", "out/b"]
    assert places([MadeUpSeries(first)], out, first) == ["out"]
    assert places([MadeUpSeries(first), MadeUpSeries(first)], out, first) == ["out/a-1", "out/a-2"]
    assert places([MadeUpSeries(first), MadeUpSeries(first)], out, tmp_path / "in") == ["out/a-1", "out/a-2"]
    assert places([MadeUpSeries(first / "1.dcm")], out, first / "1.dcm") == ["out/1"]


def test_series_beside_others_is_not_mixed_with_them(tmp_path: Path) -> None:
    inner = touch(tmp_path / "in" / "a" / "b" / "1.dcm").parent
    other = touch(tmp_path / "in" / "x.npy")
    sources = [MadeUpSeries(tmp_path / "in"), MadeUpSeries(inner.parent), MadeUpSeries(inner), MadeUp(other)]
    assert places(sources, tmp_path / "out", tmp_path / "in") == ["out/in", "out/a/a", "out/a/b", "out/x.npy"]


def test_two_inputs_with_one_target_are_refused(tmp_path: Path) -> None:
    paths = [touch(tmp_path / name / "x.npy") for name in ("one", "two")]
    with pytest.raises(ConfigError, match=r"must not both be written to .*out/x\.npy"):
        targets_of([MadeUp(path) for path in paths], tmp_path / "out", [tmp_path / "one", tmp_path / "two"])


@pytest.mark.parametrize("out", ["in", "in/../in", "link"])
def test_input_is_never_replaced(tmp_path: Path, out: str) -> None:
    path = touch(tmp_path / "in" / "x.npy")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    with pytest.raises(ConfigError, match="must not replace an input"):
        planned([MadeUp(path)], known_model(), tmp_path / out, inputs=[tmp_path / "in"], force=True)


def test_series_never_replaces_a_folder_around_an_input(tmp_path: Path) -> None:
    path = touch(tmp_path / "study" / "series" / "1.dcm").parent
    for out in (path, path.parent):
        with pytest.raises(ConfigError, match="must not replace an input"):
            targets_of([MadeUpSeries(path)], out, [path])


@pytest.mark.parametrize("name", ["out.h5", "out.nii.gz", "OUT.NPY"])
def test_file_name_for_several_volumes_is_refused(tmp_path: Path, name: str) -> None:
    paths = [touch(tmp_path / "in" / f"{number}.npy") for number in range(2)]
    with pytest.raises(ConfigError, match="name a folder"):
        targets_of([MadeUp(path) for path in paths], tmp_path / name, [tmp_path / "in"])


def test_file_name_with_another_ending_is_refused(tmp_path: Path) -> None:
    path = touch(tmp_path / "x.npy")
    with pytest.raises(ConfigError, match=r"end as that is written \(\.npy\), got y\.nii for one volume"):
        targets_of([MadeUp(path)], tmp_path / "y.nii", [path])


def test_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path, out = touch(tmp_path / "in" / "x.npy"), touch(tmp_path / "out")
    with pytest.raises(ConfigError, match="must be a folder for one volume, got a file"):
        targets_of([MadeUp(path)], out, [tmp_path / "in"])


def test_results_that_are_there_are_an_error(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / "in" / f"{number}.npy")) for number in range(3)]
    inputs, out = [tmp_path / "in"], tmp_path / "out"
    touch(out / "1.npy")
    with pytest.raises(DataError, match=r"1\.npy must not be there yet, got 1 of 3 .* or --resume to do the 2 others"):
        planned(sources, known_model(), out, inputs=inputs)
    with pytest.raises(DataError, match=r"got one that is; pass --force to overwrite$"):
        planned(sources[1:2], known_model(), out, inputs=inputs)


def test_broken_link_in_the_place_of_a_result_is_something(tmp_path: Path) -> None:
    source = MadeUp(touch(tmp_path / "in" / "x.npy"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x.npy").symlink_to(tmp_path / "nothing")
    with pytest.raises(DataError, match="must not be there yet"):
        planned([source], known_model(), tmp_path / "out", inputs=[tmp_path / "in"])


def test_empty_folder_is_nothing_and_another_is_not(tmp_path: Path) -> None:
    source = MadeUpSeries(touch(tmp_path / "in" / "1.dcm").parent)
    (tmp_path / "out").mkdir()
    assert planned([source], known_model(), tmp_path / "out", inputs=[tmp_path / "in"]).jobs
    touch(tmp_path / "out" / "notes.txt")
    with pytest.raises(DataError, match="must not be there yet"):
        planned([source], known_model(), tmp_path / "out", inputs=[tmp_path / "in"])


def test_forced_plan_does_all(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / "in" / f"{number}.npy")) for number in range(3)]
    touch(tmp_path / "out" / "1.npy")
    plan = planned(sources, known_model(), tmp_path / "out", inputs=[tmp_path / "in"], force=True)
    assert (len(plan.jobs), plan.slices, plan.kept) == (3, 6, ())


def test_resumed_plan_leaves_out_what_is_there(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / "in" / f"{number}.npy")) for number in range(3)]
    inputs, out, model = [tmp_path / "in"], tmp_path / "out", known_model()
    run(planned(sources[1:2], model, out, inputs=inputs), model)
    plan = planned(sources, model, out, inputs=inputs, resume=True)
    assert [job.name for job in plan.jobs] == ["0.npy", "2.npy"]
    assert plan.kept == (out / "1.npy",)


def test_results_of_other_weights_are_not_gone_on_with(tmp_path: Path) -> None:
    source = MadeUp(touch(tmp_path / "in" / "x.npy"))
    touch(tmp_path / "out" / "x.npy")
    with pytest.raises(DataError, match="from the same weights to go on, got 0123456789ab, not ffffffffffff"):
        planned([source], known_model(weights="f" * 64), tmp_path / "out", inputs=[tmp_path / "in"], resume=True)


def test_results_that_were_made_in_another_way_are_not_gone_on_with(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / "in" / "x.npy"))]
    inputs, out, model = [tmp_path / "in"], tmp_path / "out", known_model()
    run(planned(sources, model, out, inputs=inputs), model)
    other = known_model(pad="reflect", multiple=3)
    with pytest.raises(DataError, match=r"made in the same way to go on, got model \w+, float32, not .*pad reflect"):
        planned(sources, other, out, inputs=inputs, resume=True)
    touch(out / "x.npy")  # by a recon that did not say it
    with pytest.raises(DataError, match="got a result that does not say, not model"):
        planned(sources, model, out, inputs=inputs, resume=True)


def test_volumes_are_called_by_their_place_in_the_input(tmp_path: Path) -> None:
    paths = [touch(tmp_path / "in" / name / "IM1") for name in ("a", "b")]
    series = [touch(tmp_path / "in" / "c" / "1.dcm").parent, tmp_path / "in", touch(tmp_path / "d" / "x.npy")]
    sources = [*map(MadeUp, paths), MadeUpSeries(series[0]), MadeUpSeries(series[1]), MadeUp(series[2])]
    found = [name_of(source, [tmp_path / "in", series[2]]) for source in sources]
    assert found == ["a/IM1", "b/IM1", "c", "in", "x.npy"]


def test_data_of_another_modality_are_refused(tmp_path: Path) -> None:
    path = touch(tmp_path / "in" / "x.npy")
    with pytest.raises(ConfigError, match=r"x\.npy must be CT, on which aps was trained, got MRI"):
        planned([MadeUp(path, modality="mri")], known_model("ct"), tmp_path / "out")
    with pytest.raises(ConfigError, match="must be CT, on which aps was trained, got MRI"):
        planned([MadeUp(path)], known_model("ct"), tmp_path / "out", modality="mri")


def test_volume_of_another_modality_does_not_stop_the_others(tmp_path: Path) -> None:
    paths = [touch(tmp_path / "in" / f"{number}.npy") for number in range(3)]
    sources = [MadeUp(paths[0], modality="mri"), MadeUp(paths[1], modality="ct"), MadeUp(paths[2])]
    plan = planned(sources, known_model("ct"), tmp_path / "out")
    assert [job.source.name for job in plan.jobs] == ["1.npy", "2.npy"]
    assert [name for name, _ in plan.refused] == ["0.npy"]


def test_size_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / "in" / f"{number}.npy")) for number in range(3)]
    sources[0].size, sources[1].size = (16, 17), (16, 24)
    plan = planned(sources, known_model(multiple=8), tmp_path / "out")
    assert [job.source.name for job in plan.jobs] == ["1.npy", "2.npy"]
    assert "0.npy: images must have heights and widths that are multiples of 8, got 16 x 17" in plan.refused[0][1]
    with pytest.raises(ConfigError, match="got 16 x 17; pass --pad"):
        planned(sources[:1], known_model(multiple=8), tmp_path / "out")


def test_volumes_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    sources = [MadeUp(touch(tmp_path / f"{number}.npy"), modality="mri") for number in range(3)]
    with pytest.raises(ConfigError, match=r"0\.npy must be CT.*\(3 volumes do not fit\)"):
        planned(sources, known_model("ct"), tmp_path / "out")


def test_option_without_a_use_is_refused(tmp_path: Path) -> None:
    source = MadeUp(touch(tmp_path / "x.npy"))
    with pytest.raises(ConfigError, match="--undersample is for fastMRI files"):
        planned([source], known_model(), tmp_path / "out", reading=Reading(undersample=True))
    with pytest.raises(ConfigError, match="--slice-axis is for NIfTI files"):
        planned([source], known_model(), tmp_path / "out", reading=Reading(slice_axis=0))


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="something to reconstruct"):
        planned([], known_model(), tmp_path / "out")
