"""Small made-up records of every protocol, and the pictures of a worst case, for tests of figures and pages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from recon.records import Circumstances, Record, Scope, Source, Subject, Word
from recon.report.parts import Cell, Figure, Report, Section, Table

PERIOD = 4
SUBJECTS = (
    Subject("plain", "UNet", variant="plain", weights="aa", parameters=121_033, period=PERIOD),
    Subject("lpf-tri-3", "UNet", variant="lpf-tri-3", weights="bb", parameters=121_033, period=PERIOD),
    Subject("aps", "UNet", variant="aps", weights="cc", parameters=121_033, period=PERIOD),
    Subject("aps-tri-3", "UNet", variant="aps-tri-3", weights="dd", parameters=121_033, period=PERIOD),
    Subject("zero-filling", "built-in", variant="zero-filling", parameters=0, period=1),
)
SIZES = {"plain": 1e-3, "lpf-tri-3": 1e-5, "aps": 0.0, "aps-tri-3": 0.0, "zero-filling": 0.0}
PSNRS = {"plain": 30.1, "lpf-tri-3": 30.4, "aps": 30.2, "aps-tri-3": 30.6, "zero-filling": 25.0}
LAYERS = ("stem.0", "stem.1", "downs.0.pool", "downs.0.block", "middle", "ups.0.up", "ups.0.block", "head")


def source(*, synthetic: bool = True, modality: str = "mri") -> Source:
    name = f"embedded {modality.upper()} (synthetic)" if synthetic else f"fastMRI {modality.upper()}"
    return Source(name, modality, synthetic, f"f-{modality}")


def made_up(*, synthetic: bool = True, modality: str = "mri", subjects: Sequence[Subject] = SUBJECTS) -> list[Record]:
    """Give records of quality, equivariance, worst, subpixel, border, layers and cost."""
    where = source(synthetic=synthetic, modality=modality)
    return [record for subject in subjects for record in _of(subject, where)]


def write_pictures(folder: Path, records: Sequence[Record], *, size: tuple[int, int] = (24, 20)) -> Path:
    """Write the archive of a worst case of the records' networks, as the evaluation does."""
    generator = np.random.default_rng(0)
    names = list(dict.fromkeys(record.subject.name for record in records))
    target = generator.random(size, dtype=np.float32)
    outputs = np.stack([target + 0.05 * generator.random(size, dtype=np.float32) for _ in names])
    errors = np.array([SIZES.get(name, 1e-4) for name in names], dtype=np.float32)[:, None, None]
    about = {
        "shift": [8, 5],
        "item": "file1",
        "slice": 3,
        "group": "PD",
        "source": records[0].source.name,
        "synthetic": records[0].source.synthetic,
        "psnr": [30.0 for _ in names],
        "shifted_psnr": [30.0 - 100 * SIZES.get(name, 1e-4) for name in names],
        "delta_psnr": [-100 * SIZES.get(name, 1e-4) for name in names],
    }
    path = folder / "pictures" / f"worst-{records[0].source.modality}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        input=target,
        shifted_input=np.roll(target, (8, 5), (0, 1)),
        target=target,
        outputs=outputs,
        shifted_outputs=(outputs + errors * generator.standard_normal(outputs.shape, dtype=np.float32)),
        names=np.array(names),
        about=np.array(json.dumps(about)),
    )
    return path


def _of(subject: Subject, where: Source) -> Iterator[Record]:
    generator = np.random.default_rng(len(subject.name))
    size, psnr = SIZES.get(subject.name, 1e-4), PSNRS.get(subject.name, 30.0)
    bitwise = float(size == 0)

    def record(
        protocol: str,
        scope: Scope,
        item: str,
        measures: Mapping[str, float],
        *,
        slice: int | None = None,
        settings: Mapping[str, Word] | None = None,
        arrays: Mapping[str, Sequence[float]] | None = None,
    ) -> Record:
        how = Circumstances(0, {"recon": "0.1.0", "torch": "2.9"}, "cpu (test)", "float32")
        convention = f"{protocol} as the test has it"
        return Record(
            protocol, scope, item, slice, "PD", settings or {}, measures, arrays or {}, convention, subject, where, how
        )

    whole: Scope = "volume" if where.modality == "mri" else "image"
    for volume in ("file1", "file2"):
        number = None if whole == "volume" else 0
        yield record("quality", whole, volume, {"nmse": 0.01, "psnr": psnr, "ssim": 0.8}, slice=number)
        errors = {"nmse": size, "ssim": 1 - size, "max_abs": size, "bitwise": bitwise}
        if whole == "volume":
            yield record("equivariance", "volume", volume, errors)
        for number in (0, 1):
            one = errors | {"nmse": size * 2 * float(generator.random())}
            yield record("equivariance", "image", volume, one, slice=number, settings={"shift": [3, -5]})
            measures, settings, arrays = _worst(subject, size, psnr, bitwise, generator)
            yield record("worst", "image", volume, measures, slice=number, settings=settings, arrays=arrays)
            for f in (0.25, 1 / 3, 0.5):
                for shift in ([f, 0.0], [0.0, f], [f, f]):
                    nmse = 1e-4 * (1 + 20 * size**0.5) * sum(shift)
                    yield record("subpixel", "image", volume, {"nmse": nmse}, slice=number, settings={"shift": shift})
            for step in (1, 3):
                distance = np.arange(20.0)
                fall = 0.1 * step * np.exp(-distance) + size
                fall[fall < 1e-7] = 0
                yield record(
                    "border",
                    "image",
                    volume,
                    {"nmse": size},
                    slice=number,
                    settings={"step": [step, step]},
                    arrays={"distance": distance.tolist(), "error": fall.tolist()},
                )
    whole_network = {"nmse": size, "bitwise": bitwise}
    yield record("layers", "set", "", whole_network, settings={"first": "" if bitwise else LAYERS[2], "period": PERIOD})
    for index, layer in enumerate(LAYERS if size > 0 else ()):
        grid = size * (1 + index) * generator.random(PERIOD**2) * (index >= 2)
        grid[0] = 0
        place: dict[str, Word] = {"index": index, "stride": 1, "kind": "Conv2d"}
        maps = {"nmse": grid.tolist()}
        yield record("layers", "set", layer, {"nmse": float(grid.max())}, settings=place, arrays=maps)
    yield record("cost", "set", "one image", {"parameters": 1e5, "seconds": 0.01 + psnr / 1e4, "peak_memory": 1e8})


def _worst(
    subject: Subject, size: float, psnr: float, bitwise: float, generator: np.random.Generator
) -> tuple[dict[str, float], dict[str, Word], dict[str, list[float]]]:
    """Give measures, settings and arrays under all shifts below the period."""
    period = subject.period
    rows, columns = np.divmod(np.arange(period**2), period)
    odd = 1.0 * ((rows + columns) % period > 0)
    nmse, change = size * odd * (0.5 + generator.random(period**2)), 100 * size * odd * generator.normal(size=period**2)
    largest = int(np.abs(change).argmax())
    measures = {
        "psnr": psnr,
        "ssim": 0.8,
        "delta_psnr": float(change[largest]),
        "delta_ssim": size,
        "delta_psnr_ten": float(change[largest]),
        "lowest_psnr": psnr + float(change.min()),
        "highest_psnr": psnr + float(change.max()),
        "nmse": float(nmse.max()),
        "max_abs": size,
        "bitwise": bitwise,
        "premise_nmse": 0.0,
    }
    settings: dict[str, Word] = {
        "shift": [int(rows[largest]), int(columns[largest])],
        "shifts": "all residues",
        "tried": period**2,
        "period": period,
    }
    arrays = {
        "rows": rows.tolist(),
        "columns": columns.tolist(),
        "delta_psnr": change.tolist(),
        "nmse": nmse.tolist(),
    }
    return measures, settings, arrays


def report_by_hand(figures: Sequence[Figure], *, synthetic: bool = True) -> Report:
    """Give a report with all kinds of cells, and text that would break a page that does not escape it."""
    kinds = (
        Cell("aps <b>&amp;", kind="word"),
        Cell("0", 0.0, best=True),
        Cell("exact", kind="pass"),
        Cell("0.0016", 0.0016, "published"),
    )
    other = (
        Cell("plain", kind="word"),
        Cell("1.2·10⁻⁴", 1.2e-4),
        Cell("not exact", kind="fail"),
        Cell("-", kind="none"),
    )
    table = Table(
        "table1",
        "Table 1: equivariance",
        "One random shift of each image. Synthetic data.",
        ("network", "NMSE", "verdict", "paper"),
        [kinds, other],
        ["Best values are bold."],
    )
    wide = Table(
        "wide",
        "A wide table",
        "Twelve columns. Synthetic data.",
        ("network", *(f"measure {number}" for number in range(11))),
        [(Cell("plain-with-a-long-name", kind="word"), *(Cell(f"{number}.123456", number) for number in range(11)))],
    )
    words = ("Conventions in words, with `code` & <angles>.", "recon report runs/evaluation --out report.html")
    return Report(
        "Shift equivariance of MRI reconstruction",
        synthetic,
        ["Use aps-tri-3: it is exact, bit for bit, and loses no PSNR against the plain network."],
        [
            Section("table-1", "Equivariance", ["One random shift of each image."], [table, wide]),
            Section("pictures", "In pictures", [], figures),
            Section("how", "Conventions, data and versions", words),
        ],
    )
