"""Tables 1 to 4 of Chaman and Dokmanic (2021) in the paper's own columns, with the published figures beside ours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from recon.records import Record, Subject
from recon.report.cells import (
    decibel_text,
    error,
    error_text,
    number,
    published_cell,
    quality_error_text,
    similarity_text,
    size_text,
    word,
)
from recon.report.parts import Cell, Table
from recon.report.published import Part, differences, published_of
from recon.report.selection import Group
from recon.report.statistics import largest, mean
from recon.report.tables import Column, as_published, caption_of, measured, notes_of, of_natural_images, table

Text = Callable[[float], str]

# protocol, measure, published name, heading, how it is written, whether low is better
_MEASURES: tuple[tuple[str, str, str, str, Text, bool], ...] = (
    ("equivariance", "nmse", "equiv_nmse", "equivariance NMSE", error_text, True),
    ("equivariance", "ssim", "equiv_ssim", "equivariance SSIM", similarity_text, False),
    ("quality", "nmse", "nmse", "NMSE", quality_error_text, True),
    ("quality", "psnr", "psnr", "PSNR (dB)", decibel_text, False),
    ("quality", "ssim", "ssim", "SSIM", similarity_text, False),
)


def table1(group: Group) -> Table | None:
    """Table 1: MRI; equivariance under one random shift and quality, by volume, PD and PDFS apart."""
    if group.source.modality != "mri":
        return None
    records = [*group.of("equivariance", scope="volume"), *group.of("quality", scope="volume")]
    kinds = sorted({record.group for record in records}, key=lambda kind: (kind != "PD", kind != "PDFS", kind))
    columns, names = [], []
    for protocol, measure, published, heading, text, low in _MEASURES:
        for kind in kinds:
            columns.append(_mean_column(group, protocol, measure, f"{heading} {kind}".strip(), text, low, kind=kind))
            names.append((f"{published}_{kind.lower()}", text))
    what = (
        "Equivariance under one random circular shift an image by up to 16 pixels along each axis, NMSE and SSIM "
        "between T(G(x)) and G(T(x)), and quality against the target; means over volumes (fastMRI's convention)."
    )
    return _with_published(group, "table1", "Table 1: equivariance and quality, MRI", what, columns, names, records)


def table2(group: Group) -> Table | None:
    """Table 2: MRI; the largest change of PSNR by ten random shifts of each slice."""
    if group.source.modality != "mri":
        return None
    records = group.of("worst")

    def ours(subject: Subject) -> Cell:
        sizes = measured([_sized(record) for record in group.of("worst", subject.name)], "delta_psnr_ten")
        return number(size_text(largest(sizes)), largest(sizes))

    def theirs(subject: Subject) -> Cell:
        return published_cell(published_of("mri", subject).get("worst_delta_psnr"), size_text)

    what = (
        "Largest absolute change of any slice's PSNR by ten random circular shifts by up to 16 pixels along each axis."
    )
    return table(
        group,
        "table2",
        "Table 2: worst change of PSNR, MRI",
        caption=caption_of(group, what, records),
        columns=(Column("change of PSNR (dB)", ours, "low"), Column("published (dB)", theirs)),
        notes=[*_differences(group, "mri", records), *notes_of(group, "worst", ["delta_psnr_ten"])],
    )


def table3(group: Group) -> Table | None:
    """Table 3: networks trained for MRI on natural images."""
    if group.source.modality != "mri":
        return None
    records = of_natural_images(group)
    columns = []
    for _, measure, published, heading, text, low in _MEASURES[:2]:
        columns.append(_mean_column(group, "ood", measure, heading, text, low, kind="natural"))
        columns.append(Column(f"{heading}, published", _published_cell("natural", published, text)))
    what = "Equivariance on natural images of networks trained on MRI: one random circular shift an image; means."
    return table(
        group,
        "table3",
        "Table 3: natural images",
        caption=caption_of(group, what, records, images="images"),
        columns=columns,
        notes=[*_differences(group, "natural", records), *notes_of(group, "ood", by_set=True)],
    )


def table4(group: Group) -> Table | None:
    """Table 4: CT; equivariance under one random shift and quality, by image."""
    if group.source.modality != "ct":
        return None
    records = [*group.of("equivariance", scope="image"), *group.of("quality", scope="image")]
    columns = [
        _mean_column(group, protocol, measure, heading, text, low)
        for protocol, measure, _, heading, text, low in _MEASURES
    ]
    names = [(published, text) for _, _, published, _, text, _ in _MEASURES]
    what = (
        "Equivariance under one random circular shift an image by up to 16 pixels along each axis, NMSE and SSIM "
        "between T(G(x)) and G(T(x)), and quality against the target; means over images (dival's convention)."
    )
    return _with_published(group, "table4", "Table 4: equivariance and quality, CT", what, columns, names, records)


def _mean_column(
    group: Group, protocol: str, measure: str, heading: str, text: Text, low: bool, *, kind: str | None = None
) -> Column:
    """Show the mean of a measure: over volumes for MRI, over images otherwise."""

    def cell(subject: Subject) -> Cell:
        records = as_published(group, protocol, subject.name)
        value = mean(measured([one for one in records if kind is None or one.group == kind], measure))
        return error(value) if text is error_text else number(text(value), value)

    return Column(heading, cell, "low" if low else "high")


def _published_cell(part: Part, name: str, text: Text) -> Callable[[Subject], Cell]:
    def cell(subject: Subject) -> Cell:
        return published_cell(published_of(part, subject).get(name), text)

    return cell


def _with_published(
    group: Group,
    name: str,
    title: str,
    what: str,
    columns: Sequence[Column],
    names: Sequence[tuple[str, Text]],
    records: Sequence[Record],
) -> Table | None:
    """Make a table with a row of published figures below each network that has them."""
    part: Part = "mri" if group.source.modality == "mri" else "ct"
    notes = [*_differences(group, part, records), *notes_of(group, "equivariance"), *notes_of(group, "quality")]
    made = table(group, name, title, caption=caption_of(group, what, records), columns=columns, notes=notes)
    if made is None:
        return None
    subjects = {subject.name: subject for subject in group.subjects}
    rows: list[Sequence[Cell]] = []
    for row in made.rows:
        rows.append(row)
        figures: Mapping[str, float] = published_of(part, subjects[row[0].text])
        theirs = [published_cell(figures.get(key), text) for key, text in names]
        if any(cell.kind == "published" for cell in theirs):
            rows.append([word(f"{row[0].text}, published"), *theirs])
    return Table(made.name, made.title, made.caption, made.columns, rows, made.notes)


def _differences(group: Group, part: Part, records: Sequence[Record]) -> list[str]:
    """Say how the published data differ, if any network has published figures."""
    with_figures = [subject for subject in group.subjects if published_of(part, subject)]
    if not with_figures:
        return []
    slices = [record for record in records if record.scope == "image"] or group.of("equivariance", scope="image")
    images = len({(record.item, record.slice) for record in slices})
    return differences(part, group.source, images, with_figures)


def _sized(record: Record) -> Record:
    """Take sizes of changes."""
    return replace(record, measures={name: abs(value) for name, value in record.measures.items()})
