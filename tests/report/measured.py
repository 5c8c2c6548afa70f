"""Records with given numbers, for tests of statistics, tables and comparisons."""

from collections.abc import Mapping, Sequence

from recon.records import Circumstances, Record, Scope, Source, Subject, Word

MRI = Source("fastMRI MRI", "mri", False, "f" * 64)
SYNTHETIC = Source("embedded MRI (synthetic)", "mri", True, "e" * 64)
CT = Source("LoDoPaB-CT CT", "ct", False, "c" * 64)


def network(name: str, *, variant: str = "", kind: str = "UNet", weights: str = "") -> Subject:
    channels = {"arguments": {"channels": [64, 128, 256, 512, 1024]}}
    return Subject(name, kind, variant or name, weights or f"weights of {name}", 100, 8, channels)


def record(
    name: str,
    protocol: str,
    measures: Mapping[str, float],
    *,
    item: str = "file1",
    slice: int | None = 0,
    scope: Scope = "image",
    group: str = "",
    settings: Mapping[str, Word] | None = None,
    subject: Subject | None = None,
    source: Source = SYNTHETIC,
    seed: int = 0,
) -> Record:
    how = Circumstances(seed, {"torch": "2"}, "cpu (x86_64)", "float32")
    number = slice if scope == "image" else None
    who = subject or network(name)
    said = f"{protocol} as ever"
    return Record(protocol, scope, item, number, group, settings or {}, measures, {}, said, who, source, how)


def worst(
    name: str,
    change: float = 0.0,
    *,
    bitwise: float = 1.0,
    premise: float = 0.0,
    shifts: str = "all residues",
    item: str = "file1",
    slice: int = 0,
    source: Source = SYNTHETIC,
) -> Record:
    measures = {
        "delta_psnr": change,
        "delta_ssim": change / 100,
        "delta_psnr_ten": change / 2,
        "nmse": abs(change) / 1000,
        "bitwise": bitwise,
        "premise_nmse": premise,
    }
    settings: dict[str, Word] = {"shift": [3, 5], "shifts": shifts, "tried": 64, "period": 8}
    return record(name, "worst", measures, item=item, slice=slice, settings=settings, source=source)


def qualities(name: str, levels: Sequence[float], *, source: Source = SYNTHETIC) -> list[Record]:
    """Give the quality of volumes file1, file2, .. with these PSNRs."""
    return [
        record(
            name,
            "quality",
            {"psnr": level, "ssim": 0.8, "nmse": 0.01},
            item=f"file{number}",
            scope="volume",
            group="PD" if number % 2 else "PDFS",
            source=source,
        )
        for number, level in enumerate(levels, 1)
    ]


def equivariances(name: str, errors: Sequence[float], *, source: Source = SYNTHETIC) -> list[Record]:
    """Give the equivariance of slices 0, 1, .. of one volume with these errors."""
    return [
        record(
            name,
            "equivariance",
            {"nmse": nmse, "ssim": 1 - nmse, "max_abs": nmse, "bitwise": float(nmse == 0)},
            slice=number,
            settings={"shift": [1, number]},
            source=source,
        )
        for number, nmse in enumerate(errors)
    ]


def by_volume(name: str, errors: Sequence[float], *, group: str = "PD", source: Source = SYNTHETIC) -> list[Record]:
    """Give the equivariance of volumes file1, file2, .. with these errors."""
    return [
        record(
            name,
            "equivariance",
            {"nmse": nmse, "ssim": 1 - nmse, "max_abs": nmse, "bitwise": float(nmse == 0)},
            item=f"file{number}",
            scope="volume",
            group=group,
            source=source,
        )
        for number, nmse in enumerate(errors, 1)
    ]


def out_of_distribution(
    name: str, errors: Sequence[float], *, group: str = "natural", source: Source = SYNTHETIC
) -> list[Record]:
    """Give the equivariance of photographs 1, 2, .. with these errors."""
    return [
        record(
            name,
            "ood",
            {"nmse": nmse, "ssim": 1 - nmse, "bitwise": float(nmse == 0)},
            item=f"photograph{number}",
            group=group,
            source=source,
        )
        for number, nmse in enumerate(errors, 1)
    ]


def hard_image(name: str, nmse: float, *, item: str = "bars", bitwise: float | None = None) -> Record:
    equal = float(nmse == 0) if bitwise is None else bitwise
    settings: dict[str, Word] = {"shifts": "all residues", "tried": 64, "period": 8}
    return record(name, "hard", {"nmse": nmse, "bitwise": equal, "passes": float(equal == 1)}, item=item, slice=None,
                  settings=settings)  # fmt: skip


def cost(name: str, seconds: float, *, source: Source = SYNTHETIC) -> Record:
    settings: dict[str, Word] = {"size": [320, 256], "threads": 2, "batch_size": 8}
    return record(name, "cost", {"seconds": seconds}, item="", scope="set", settings=settings, source=source)
