"""What all figures share: size, fonts and ink, and how a drawing becomes SVG and PNG."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from io import BytesIO, StringIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.transforms import Bbox

from recon.report.parts import Figure
from recon.report.selection import Group

WIDTH = 7.2  # inches
LONGEST = 26  # letters of a network's name
INK = "#1b1d20"  # in SVG it becomes currentColor, so nothing else may have this colour
FAINT = 0.16  # opacity of lines that only guide the eye
MARK = "synthetic data"
STYLE: Mapping[str, object] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "text.color": INK,
    "text.parse_math": False,  # names of networks and layers are not formulas
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "svg.hashsalt": "recon",
    "axes.unicode_minus": True,
}
_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_DOTS_PER_INCH = 200
_MARK_HEIGHT = 0.16  # inches

styled = mpl.rc_context(dict(STYLE))  # type: ignore[arg-type]  # a decorator: the function draws in this style


def canvas(height: float, width: float = WIDTH) -> Canvas:
    """Give an empty drawing, in inches."""
    drawing = Canvas(figsize=(width, height))
    FigureCanvasAgg(drawing)
    return drawing


def finished(drawing: Canvas, group: Group, name: str, *, title: str, caption: str, alt: str) -> Figure:
    """Write a drawing as SVG and PNG; where the data are synthetic, drawing, caption and description say so."""
    extent = _extent(drawing)
    if group.source.synthetic:
        low = (extent.y0 - 0.04) / drawing.get_figheight()
        drawing.text(1, low, MARK, ha="right", va="top", size=7, alpha=0.7)
        extent = Bbox.from_extents(extent.x0, extent.y0 - _MARK_HEIGHT, extent.x1, extent.y1)
        caption, alt = f"{caption} Synthetic data.", f"{alt} Synthetic data."
    full = f"{name}-{group.key}"
    return Figure(full, title, caption, _svg(drawing, extent, full, alt), _png(drawing, extent), alt)


def guides(axes: Axes, which: str) -> None:
    """Draw faint lines across the axes at the ticks of x or y."""
    axes.grid(visible=True, axis="x" if which == "x" else "y", color=INK, alpha=FAINT, linewidth=0.6)


def heading(axes: Axes, text: str) -> None:
    """Write what an axis shows above its left end: that reads better than turned letters."""
    axes.annotate(text, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", ha="left", va="bottom")


def without_y_axis(axes: Axes) -> None:
    """Leave out the y axis."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def left_for(names: Iterable[str]) -> float:
    """Give the left margin that rows with these names need, as a part of the width."""
    return (0.2 + 0.076 * min(LONGEST, max(map(len, names)))) / WIDTH


def _extent(drawing: Canvas) -> Bbox:
    """Give what is drawn, and always the whole width, so that letters are of one size in all figures."""
    tight = drawing.get_tightbbox()
    width = drawing.get_figwidth()
    return Bbox.from_extents(min(0, tight.x0), tight.y0, max(width, tight.x1), tight.y1)


def _png(drawing: Canvas, extent: Bbox) -> bytes:
    file = BytesIO()
    drawing.savefig(
        file,
        format="png",
        dpi=_DOTS_PER_INCH,
        facecolor="white",
        bbox_inches=extent.padded(0.08),
        metadata={"Software": None},
    )
    return file.getvalue()


def _svg(drawing: Canvas, extent: Bbox, name: str, alt: str) -> str:
    file = StringIO()
    none = {"Date": None, "Creator": None, "Format": None, "Type": None}
    drawing.savefig(file, format="svg", transparent=True, bbox_inches=extent.padded(0.02), metadata=none)
    return _embeddable(file.getvalue(), name, alt)


def _embeddable(svg: str, name: str, alt: str) -> str:
    """Make matplotlib's SVG fit to stand in a page: ink of the page, no style for others, identifiers of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r"font: ([^;\"]*?px) [^;\"]*", rf"font: \1 {_FONTS}", svg)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r"(url\(|href=\")#", rf"\1#{name}-", svg)
    label = f'role="img" aria-label="{escape(alt)}" stroke-linejoin="round" stroke-linecap="butt"'
    return svg.replace("<svg ", f"<svg {label} ", 1).strip() + "\n"
