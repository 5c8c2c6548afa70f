"""What can be evaluated: every kind of it, its name, and what is refused."""

from pathlib import Path
from shutil import copy

import pytest
import torch
import yaml

import recon
from recon.errors import ConfigError, DataError
from recon.evaluation.loading import UNTOUCHED, Found, Place, find_models, variant_of
from recon.nn import Classifier, Segmenter, UNet
from recon.records import Word
from tests.evaluation.labels.small import classifier, segmenter, write_label_run
from tests.evaluation.small import CHANNELS, PERIOD, unet, write_run

SAMPLINGS = sorted((Path(__file__).parents[2] / "configs" / "sampling").glob("*.yaml"))


def found(*specs: str | Path, checkpoint: str = "best") -> list[Found]:
    return find_models([str(spec) for spec in specs], Place(checkpoint=checkpoint))


def names(*specs: str | Path) -> list[str]:
    return [one.model.name for one in found(*specs)]


def test_a_run_says_what_it_is(aps_run: Path, knees: Path) -> None:
    (one,) = found(aps_run)
    subject = one.model.subject
    assert (subject.name, subject.variant, subject.kind, subject.period) == ("aps", "aps", "UNet", PERIOD)
    assert subject.weights == recon.checkpoints.read_about(aps_run / "checkpoints" / "best.safetensors").sha256
    assert subject.parameters == sum(parameter.numel() for parameter in unet("aps").parameters())
    assert one.modalities == ("mri",)
    assert one.data is not None
    assert one.data["folder"] == str(knees)
    details = subject.details
    assert isinstance(details["data"], dict)
    assert "folder" not in details["data"]  # records are shared, folders are not
    assert details["run"] == "aps"


def test_a_run_gives_its_network_s_outputs(aps_run: Path) -> None:
    (one,) = found(aps_run)
    images = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        wanted = unet("aps", seed=1).to(memory_format=torch.channels_last)(images)
        assert torch.equal(one.model(images), wanted)
    assert one.model.module is one.model.function
    assert not one.model.module.training


def test_the_checkpoint_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    recon.save(unet(seed=7), run / "checkpoints" / "last.safetensors")
    (best,), (last,) = found(run), found(run, checkpoint="last")
    assert best.model.subject.weights != last.model.subject.weights


def test_a_network_s_file_is_a_network(aps_run: Path) -> None:
    (file,), (run,) = found(aps_run / "checkpoints" / "best.safetensors"), found(aps_run)
    assert file.model.subject.weights == run.model.subject.weights
    assert (file.model.name, file.modalities) == ("aps", ("mri",))


def test_a_network_that_says_nothing_fits_all_data(tmp_path: Path) -> None:
    recon.save(unet("mass"), tmp_path / "x.safetensors")
    recon.save(unet("mass"), tmp_path / "y.safetensors", about={"data": {"folder": "x"}})
    for name in "xy":
        (one,) = found(tmp_path / f"{name}.safetensors")
        assert (one.model.name, one.data, one.modalities) == ("mass", None, ("mri", "ct"))


@pytest.mark.parametrize(
    ("network", "modalities", "period"), [(classifier("mass"), ("cifar10", "imagenet"), 4), (segmenter(), ("voc",), 16)]
)
def test_networks_for_labels_are_for_labelled_data(
    network: Classifier | Segmenter, modalities: tuple[str, ...], period: int, tmp_path: Path
) -> None:
    recon.save(network, tmp_path / "x.safetensors")
    (one,) = found(tmp_path / "x.safetensors")
    assert (one.modalities, one.model.subject.kind) == (modalities, type(network).__name__)
    assert (one.model.subject.variant, one.model.subject.period) == (network.sampling.name, period)
    run = write_label_run(tmp_path / "run", network, modality=modalities[-1], folder=None)
    assert found(run)[0].modalities == modalities[-1:]


def test_a_file_says_where_its_weights_are_from(tmp_path: Path) -> None:
    conversion: Word = {"from": "plain", "weights": "a1"}
    start: Word = {"variant": "plain", "weights": "a1"}
    network = classifier("mass")
    for name, about in (("moved", {"conversion": conversion}), ("tuned", {"training": {"start": start}})):
        write_label_run(tmp_path / name, network, modality="cifar10", folder=None, **about)
    moved, tuned = (one.model.subject for one in found(tmp_path / "moved", tmp_path / "tuned"))
    assert (moved.name, tuned.name) == ("mass-transferred", "mass-tuned")
    assert moved.details["conversion"] == conversion
    assert tuned.details["training"] == {"start": start}
    assert "conversion" not in tuned.details


@pytest.mark.parametrize(("name", "modalities"), UNTOUCHED.items())
def test_what_leaves_its_input_needs_no_file(name: str, modalities: tuple[str, ...]) -> None:
    (one,) = found(name)
    images = torch.randn(2, 1, 4, 4)
    assert torch.equal(one.model(images), images)
    assert (one.model.name, one.model.subject.kind, one.modalities) == (name, "built-in", modalities)


def test_functions_are_found_by_their_names() -> None:
    (one,) = found("torch:relu")
    assert one.model.name == "torch:relu"
    assert one.model(-torch.ones(1, 1, 4, 4)).abs().max() == 0


def test_a_name_before_the_equals_sign_is_the_name(aps_run: Path) -> None:
    assert names(f"ours={aps_run}", "torch:relu", "none=identity", "f=torch:abs") == ["ours", "torch:relu", "none", "f"]
    (one,) = found(f"ours={aps_run}")
    assert one.model.subject.variant == "aps"


def test_runs_of_one_variant_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path / name, "mass") for name in ("lr-0.1", "lr-0.2"))
    third = write_run(tmp_path / "x", "plain")
    assert names(first, second, third) == ["lr-0.1", "lr-0.2", "plain"]
    assert names(f"{first}/", second, f"a={first}") == ["lr-0.1", "lr-0.2", "a"]


def test_a_path_with_an_equals_sign_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(Path("lr=0.1"), "mass")
    write_run(Path("lr=0.2"), "mass")
    assert names("lr=0.1", "lr=0.2") == ["lr=0.1", "lr=0.2"]
    assert names("a=lr=0.1") == ["a"]
    assert names(tmp_path / "lr=0.1", "b=identity") == ["mass", "b"]


def test_the_same_twice_needs_names(aps_run: Path, tmp_path: Path) -> None:
    for specs in ((aps_run, aps_run), ("identity", "identity"), (f"identity={aps_run}", "identity")):
        with pytest.raises(ConfigError, match=r"name of its own, got .* twice; write NAME=PATH"):
            found(*specs)
    assert names(aps_run, f"again={aps_run}") == ["aps", "again"]


def test_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be something to evaluate"):
        found()


def test_a_run_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"without checkpoints/best\.safetensors; train it"):
        found(tmp_path)
    run = write_run(tmp_path / "run")
    (run / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(DataError, match=r"without checkpoints/best\.safetensors; pass --checkpoint last"):
        found(run)


def test_names_longer_than_a_file_s_are_names() -> None:
    name = "n" * 300
    assert names(f"{name}=identity") == [name]
    with pytest.raises(DataError, match="n must be a run, a file"):
        found(name)


def test_wrong_names_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"zero-filing must be a run, .*did you mean zero-filling"):
        found("zero-filing")
    write_run(tmp_path / "mri-plain")
    with pytest.raises(DataError, match=f"there is none; did you mean {tmp_path}/mri-plain"):
        found(tmp_path / "mri-plian")
    with pytest.raises(DataError, match=r"there is none$"):
        found(tmp_path / "nowhere" / "x")


def test_files_that_are_no_networks_are_refused(tmp_path: Path, aps_run: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"no network")
    with pytest.raises(DataError, match=r"x\.safetensors"):
        found(tmp_path / "x.safetensors")
    damaged = Path(copy(aps_run / "checkpoints" / "best.safetensors", tmp_path / "y.safetensors"))
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(DataError, match="are not those that were saved"):
        found(damaged)


def config_of(path: Path) -> tuple[dict[str, Word], dict[str, Word]]:
    """Give the network's arguments and what training would say of a config."""
    content = yaml.safe_load(path.read_text())
    arguments = UNet(channels=CHANNELS, **content["network"]).arguments
    training = dict(content.get("model", {}))
    training |= content.get("data", {}).get("init_args", {})
    return arguments, training  # type: ignore[return-value]


VARIANTS = {
    "aps-ddac3": "aps-adaptive-3",
    "aps2": "aps-rect-2",
    "aps3": "aps-tri-3",
    "aps5": "aps-bin-5",
    "ddac3": "lpf-adaptive-3",
    "lpf2": "lpf-rect-2",
    "lpf3": "lpf-tri-3",
    "lpf5": "lpf-bin-5",
    "lps-ddac3": "lps-adaptive-3",
    "lps3": "lps-tri-3",
    "mass-ddac3": "mass-adaptive-3",
    "mass3": "mass-tri-3",
}


@pytest.mark.parametrize("path", SAMPLINGS, ids=lambda path: path.stem)
def test_every_config_has_its_variant(path: Path) -> None:
    assert variant_of(*config_of(path)) == VARIANTS.get(path.stem, path.stem)


def test_variants_of_all_configs_differ() -> None:
    assert len({variant_of(*config_of(path)) for path in SAMPLINGS}) == len(SAMPLINGS) > 10


def test_a_sampling_of_one_s_own_is_called_by_its_name() -> None:
    own = recon.Sampling("own", "By the largest value.", selection="norm", p=float("inf"), blur="tri-3")
    arguments = UNet(channels=CHANNELS, sampling=own).arguments
    assert variant_of(arguments, {"shift_augmentation": 3, "equivariance_weight": 0.5}) == "own-tri-3-shifts-penalty"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sampling", "training", "conversion", "wanted"),
    [
        ("mass", {}, {"from": "plain"}, "mass-transferred"),
        ("mass", {"start": {"variant": "plain"}}, None, "mass-tuned"),
        ("mass", {"start": {"variant": "plain", "part": "backbone"}}, None, "mass"),
        ("mass", {"start": {"variant": "plain"}}, {"from": "plain"}, "mass-tuned"),
        ("lpf", {"start": None, "shift_augmentation": 4}, {"from": "plain"}, "lpf-tri-3-shifts-transferred"),
        ("none", {}, None, "none"),
    ],
)
def test_where_weights_are_from_ends_the_variant(
    sampling: str, training: dict[str, Word], conversion: dict[str, Word] | None, wanted: str
) -> None:
    assert variant_of({"sampling": sampling}, training, conversion) == wanted


def test_a_named_network_of_recon_s_knows_its_period(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"import recon\n\n\ndef network():\n    return recon.UNet(channels={CHANNELS!r})\n\n\nmade = network()\n"
    (tmp_path / "named_unet.py").write_text(f"{code}\n\ndef same(images):\n    return images\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    periods = [one.model.subject.period for one in found("named_unet:network()", "named_unet:made", "named_unet:same")]
    assert periods == [PERIOD, PERIOD, 0]
