"""English and Swahili, and English for everybody else."""

import re
from pathlib import Path

import notification
import pytest
from jinja2 import Environment
from mailing import Running, files, wish
from notification.accounts import PARAGRAPHS
from notification.kinds import CANCELLED, FOR_THE_ADMIN, PAYMENT_FAILED, SUBJECTS
from notification.rendering import write
from notification.swahili import SWAHILI
from notification.texts import TEXTS

FOR_CUSTOMERS = sorted(SUBJECTS.keys() - FOR_THE_ADMIN)
PLACES = re.compile(r"%\(\w+\)s|{{.*?}}")


def said() -> set[str]:
    """Every line of English that a customer may read."""
    folder = Path(notification.__file__).parent / "templates" if notification.__file__ else Path()
    sources = [path.read_text() for path in folder.iterdir() if path.stem not in FOR_THE_ADMIN]
    sources += [line for lines in PARAGRAPHS.values() for line in lines]
    sources += TEXTS.values()
    extract = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).extract_translations  # type: ignore[attr-defined]
    lines = (line if isinstance(line, str) else line[0] for source in sources for _, _, line in extract(source) if line)
    subjects = {SUBJECTS[kind] for kind in FOR_CUSTOMERS}
    return {*lines, *subjects, *CANCELLED.values(), *PAYMENT_FAILED.values(), "It will not be sent."}


def test_every_line_is_said_in_swahili_and_none_for_nothing() -> None:
    assert said() == SWAHILI.keys()


@pytest.mark.parametrize("english", SWAHILI)
def test_a_line_in_swahili_has_the_same_places_to_fill(english: str) -> None:
    swahili = SWAHILI[english]
    assert sorted(PLACES.findall(swahili)) == sorted(PLACES.findall(english))
    assert (swahili[-1] in ".:") == (english[-1] in ".:")


@pytest.mark.parametrize("kind", FOR_CUSTOMERS)
def test_whoever_reads_swahili_gets_it_in_both_forms(kind: str) -> None:
    swahili, english = write(kind, {}, language="sw"), write(kind, {}, language="en")
    assert '<html lang="sw">' in swahili.html
    for mine, theirs in zip(
        (swahili.title, swahili.text, swahili.html), (english.title, english.text, english.html), strict=True
    ):
        assert mine != theirs


@pytest.mark.parametrize("language", ["fr", "", None, "SW"])
def test_others_read_english(language: str | None) -> None:
    assert write("order_delivered", {}, language=language) == write("order_delivered", {})


@pytest.mark.parametrize("kind", sorted(FOR_THE_ADMIN))
def test_the_admin_reads_english(kind: str) -> None:
    assert write(kind, {}, language="sw") == write(kind, {})


def test_what_people_wrote_is_escaped_in_every_language() -> None:
    parcel = {"carrier": "<b>Posta</b>", "tracking_number": "<i>1</i>"}
    for language in ("en", "sw"):
        html = write("order_shipped", parcel, language=language).html
        assert "&lt;b&gt;Posta" in html
        assert "<strong>&lt;i&gt;1" in html


def test_a_parcels_number_has_a_line_of_its_own() -> None:
    text = write("order_shipped", {"carrier": "Posta", "tracking_number": "PX-77"}).text
    assert "with Posta.\nIts number: PX-77\n" in text


async def test_a_mail_goes_in_the_language_of_the_contact(mailing: Running, tmp_path: Path) -> None:
    contact = {"email": "jane@soko.example", "phone": None, "language": "sw"}
    async with mailing() as harness:
        await harness.deliver(wish(contact=contact), subject="u-1")
    assert [mail["Subject"] for mail in files(tmp_path)] == ["Oda yako SO-1 imethibitishwa"]
