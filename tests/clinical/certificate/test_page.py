"""The certificate as people read it: what stands first, in whose words, and what a screen reader gets."""

import re
from html.parser import HTMLParser

import pytest

from recon.clinical.certificate.drawing import map_figure
from recon.clinical.certificate.quantities import SHARE
from recon.clinical.certificate.spelling import identity_lines, number_text, unmet
from recon.clinical.certificate.words import mapping, rows, text
from tests.clinical.certificate.conftest import Certified


class Read(HTMLParser):
    """What a page says, element by element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []  # the element, and the words that are directly in it
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Refuse what closes another element."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the words."""
        if data.strip():
            self.told.append((self._open[-1] if self._open else "", data.strip()))

    def words(self, *tags: str) -> list[str]:
        """Give what stands in such elements."""
        return [words for tag, words in self.told if tag in tags]


def page_of(one: Certified) -> Read:
    return Read((one.out / "certificate.html").read_text(encoding="utf-8"))


def test_verdict_and_what_is_not_met_come_first(plain: Certified) -> None:
    page = page_of(plain)
    visible = [words for tag, words in page.told if tag not in ("style", "title")]
    before = visible[: visible.index("Requirements, stated beforehand")]
    assert "FAIL" in before
    assert "2 of 3 required tolerances are not met." in before
    assert [words for words in before if "it must be ≤ 1.0·10⁻¹⁰" in words] == unmet(plain.words)
    assert text(plain.words, "use") in before


def test_page_has_no_words_of_its_program(plain: Certified) -> None:
    names = {str(row["name"]) for row in rows(plain.words, "numbers")}  # stand there for the file of tolerances
    names |= {told for name, told in identity_lines(plain.words) if name == "Processor"}  # x86_64
    told = [words for tag, words in page_of(plain).told if tag not in ("style", "title") and words not in names]
    found = [words for words in told if re.search(r"`|\w_\w|\*\*|\^|\bNone\b|\bG\(", words)]
    assert found == []


def test_nothing_is_explained_twice(plain: Certified) -> None:
    long = [words for words in page_of(plain).words("p", "figcaption") if len(words) > 60]
    assert len(long) > 10
    assert len(set(long)) == len(long)


def test_tables_and_pictures_are_told_to_who_cannot_see_them(plain: Certified) -> None:
    page = page_of(plain)
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")
    assert len(page.words("caption")) == sum(tag == "table" for tag, _ in page.tags) > 10
    assert all(attributes.get("scope") in ("row", "col", "rowgroup") for tag, attributes in page.tags if tag == "th")


def test_where_the_identity_comes_from_stands_beside_it(aps: Certified) -> None:
    page = page_of(aps)
    words = text(mapping(aps.words, "certified"), "identity_words")
    visible = [told for _, told in page.told]
    assert visible.index("What is certified") < visible.index(words) < visible.index("Intended use and limits")


def test_map_of_an_exact_network_says_so(aps: Certified, plain: Certified) -> None:
    exact, other = map_figure(aps.words), map_figure(plain.words)
    assert exact is not None
    assert other is not None
    assert exact.result == "Every one of 16 shifts changes the PSNR by exactly 0 dB."
    assert exact.result in page_of(aps).words("strong")
    assert other.result.startswith("16 shifts change the PSNR by ")


@pytest.mark.parametrize(
    ("value", "told"), [(1.0, "100 %"), (0.0, "0 %"), (0.125, "12.5 %"), (0.99999, "99.9 %"), (0.5, "50 %")]
)
def test_share_that_is_not_all_is_never_written_as_all(value: float, told: str) -> None:
    assert number_text(value, SHARE) == told
