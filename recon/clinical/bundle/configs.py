"""The configurations that MONAI's commands run: of inference, and of training on."""

from collections.abc import Mapping

from recon.clinical.bundle.networks import TARGET, Bundled, network_words
from recon.clinical.identity import Identity
from recon.records import Word

Config = dict[str, Word]

_TOOLS = "recon.clinical.bundle"  # where what MONAI has nothing of lies
_DEVICE = "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"
_LOADED = "torch.load({path}, map_location=@device, weights_only=True)"


def inference_config(network: Bundled, identity: Identity) -> Config:
    """Give configs/inference.json: `--input` is a file or folder, `--output` the folder of the results."""
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "input": "$@bundle_root + '/input'",
        "output": "$@bundle_root + '/eval'",
        "dataset_dir": "@input",  # the name by which MONAI's programs know it
        "checkpoint": "$@bundle_root + '/models/model.pt'",
        "device": _DEVICE,
        "network_def": network_words(network, identity),
        "network": "$@network_def.to(@device)",
        "preprocessing": {TARGET: "Compose", "transforms": [_of("transforms.LoadSlicesd", keys="image")]},
        "dataset": {
            TARGET: "Dataset",
            "data": _of("transforms.inputs_in", folder="@dataset_dir"),
            "transform": "@preprocessing",
        },
        "dataloader": {TARGET: "DataLoader", "dataset": "@dataset", "batch_size": 1, "shuffle": False},
        "inferer": {TARGET: "SliceInferer", "roi_size": [-1, -1], "spatial_dim": 2, "sw_batch_size": 8},
        "postprocessing": {
            TARGET: "Compose",
            "transforms": [
                _of(
                    "transforms.SaveSlicesd",
                    keys="pred",
                    source_key="image",
                    output_dir="@output",
                    model=f"{identity.variant} {identity.weights[:12]}",
                )
            ],
        },
        "evaluator": {
            TARGET: "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "initialize": [f"$@network.load_state_dict({_LOADED.format(path='@checkpoint')})"],
        "run": ["$@evaluator.run()"],
    }


def training_config(network: Bundled, identity: Identity) -> Config:
    """Give configs/train.json: it trains on with `--dataset_dir`, fastMRI's or LoDoPaB's, and MONAI's own trainer.

    Data are scaled where they are read, so the network is trained without its scaling; what is saved has it again.
    """
    return {
        "imports": ["$import torch", "$import monai"],
        "bundle_root": ".",
        "dataset_dir": None,  # none is the embedded synthetic data
        "ckpt_dir": "$@bundle_root + '/trained'",  # the bundle's own weights stay
        "checkpoint": "$@bundle_root + '/models/model.pt'",  # "" begins with new weights
        "device": _DEVICE,
        "seed": 0,
        "epochs": 10,
        "batch_size": 4,
        "num_workers": 0,
        "val_interval": 1,
        "network_def": network_words(network, identity),
        "network": "$@network_def.to(@device)",
        "data": {TARGET: _data(identity), "data_dir": "@dataset_dir", **_settings(identity)},
        "optimizer": {TARGET: "torch.optim.Adam", "params": "$@network.parameters()", "lr": 1e-4},
        "loss": {TARGET: "torch.nn.L1Loss"},
        "metric": "$monai.handlers.from_engine(['pred', 'label'])",
        "train": _train(),
        "validate": _validate(),
        "initialize": [
            "$monai.utils.set_determinism(seed=@seed)",
            f"$@network.load_state_dict({_LOADED.format(path='@checkpoint')}) if @checkpoint else None",
        ],
        "run": ["$@train#trainer.run()"],
    }


def _train() -> Config:
    return {
        "dataset": _of("pairs.Pairs", data="@data", stage="train"),
        "dataloader": _loader("@train#dataset", shuffle=True),
        "inferer": {TARGET: "SimpleInferer"},
        "handlers": [
            {
                TARGET: "ValidationHandler",
                "validator": "@validate#evaluator",
                "epoch_level": True,
                "interval": "@val_interval",
            },
            {
                TARGET: "StatsHandler",
                "tag_name": "train_loss",
                "output_transform": "$monai.handlers.from_engine(['loss'], first=True)",
            },
        ],
        "trainer": {
            TARGET: "SupervisedTrainer",
            "max_epochs": "@epochs",
            "device": "@device",
            "train_data_loader": "@train#dataloader",
            "network": "$@network.network",
            "loss_function": "@loss",
            "optimizer": "@optimizer",
            "inferer": "@train#inferer",
            "train_handlers": "@train#handlers",
        },
    }


def _validate() -> Config:
    return {
        "dataset": _of("pairs.Pairs", data="@data", stage="validation"),
        "dataloader": _loader("@validate#dataset", shuffle=False),
        "inferer": {TARGET: "SimpleInferer"},
        "key_metric": {"val_mse": {TARGET: "MeanSquaredError", "output_transform": "@metric"}},
        "handlers": [
            {TARGET: "StatsHandler", "iteration_log": False},
            {
                TARGET: "CheckpointSaver",
                "save_dir": "@ckpt_dir",
                "save_dict": {"model": "@network"},
                "save_key_metric": True,
                "key_metric_filename": "model.pt",
                "key_metric_negative_sign": True,
            },
        ],
        "evaluator": {
            TARGET: "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@validate#dataloader",
            "network": "$@network.network",
            "inferer": "@validate#inferer",
            "key_val_metric": "@validate#key_metric",
            "metric_cmp_fn": "$lambda error, best: error < best",
            "val_handlers": "@validate#handlers",
        },
    }


def _of(name: str, **arguments: Word) -> Config:
    return {TARGET: f"{_TOOLS}.{name}", **arguments}


def _loader(dataset: str, *, shuffle: bool) -> Config:
    return {
        TARGET: "DataLoader",
        "dataset": dataset,
        "batch_size": "@batch_size",
        "shuffle": shuffle,
        "num_workers": "@num_workers",
    }


def _data(identity: Identity) -> str:
    return f"recon.data.datamodules.{'MRIData' if identity.modality == 'mri' else 'CTData'}"


def _settings(identity: Identity) -> Mapping[str, Word]:
    """Give how the training data were read, where that is known; the data module's own ways elsewhere."""
    data = identity.training.get("data")
    settings = data.get("settings") if isinstance(data, Mapping) else None
    return settings if isinstance(settings, Mapping) else {}
