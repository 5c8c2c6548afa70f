"""What a bundle has for people: how to use it, and its licence."""

import json

from recon import __version__
from recon.clinical.bundle.metadata import COPYRIGHT, data_text
from recon.clinical.identity import Identity
from recon.clinical.words import RESEARCH_ONLY

POSTFIX = "recon"  # behind the names of results

LICENCE = f"""MIT License

{COPYRIGHT}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

_README = """# {variant}: {kind} reconstruction

**{use}**

A {network} with the sampling `{variant}`, for slices of {taken}. {data}
It takes and gives {units}: they are scaled as in training inside the network, and scaled back. Heights and widths must
be multiples of {multiple}; others are refused, or padded circularly (see below), which makes equivariance approximate.

The weights' SHA-256 is `{weights}`.

## What it takes

`pip install '.[clinical,bundle]'` in recon's folder, version {version} or later: the configurations name its classes.

## Reconstruct

```
python -m monai.bundle run --config_file configs/inference.json --meta_file configs/metadata.json \\
    --bundle_root . --input IMAGES --output RESULTS
```

`IMAGES` is the folder of a DICOM series, a NIfTI file, a `.npy` file of (H, W) or (N, H, W), or a folder of these. A
result is called like its source, with `_{postfix}` behind: `.npy` for `.npy`, and `.nii.gz` for NIfTI, on the grid of
the source, and for DICOM. For a DICOM series as a result use `recon reconstruct`. Pad sizes that are no multiples with
`--network_def#network#pad circular`.

## Train on

```
python -m monai.bundle run --config_file configs/train.json --meta_file configs/metadata.json \\
    --bundle_root . --dataset_dir {folder}
```

The best weights are written to `trained/model.pt`; `--checkpoint trained/model.pt` reconstructs with them. The bundle's
own weights stay. `--checkpoint ""` begins with new ones. Without `--dataset_dir` it trains on synthetic images.

## Check and export

```
python -m monai.bundle verify_net_in_out network_def --config_file configs/inference.json \\
    --meta_file configs/metadata.json --n 4
python -m monai.bundle ckpt_export network_def --config_file configs/inference.json \\
    --meta_file configs/metadata.json --ckpt_file models/model.pt --filepath models/model.ts \\
    --use_trace True --input_shape "[2, 1, {side}, {side}]"
```

## What it was made of

```json
{training}
```
"""


def readme(identity: Identity) -> str:
    """Give docs/README.md."""
    mri = identity.modality == "mri"
    return _README.format(
        variant=identity.variant,
        kind="MR" if mri else "CT",
        use=RESEARCH_ONLY,
        network=identity.network,
        taken="zero-filled MR magnitudes" if mri else "filtered back-projections",
        data=data_text(identity),
        units="magnitudes in any unit" if identity.scaling.units == "any" else identity.scaling.units,
        multiple=identity.multiple,
        weights=identity.weights,
        version=__version__,
        postfix=POSTFIX,
        folder="FASTMRI" if mri else "LODOPAB",
        side=8 * identity.multiple,
        training=json.dumps(identity.training, indent=2, sort_keys=True),
    )
