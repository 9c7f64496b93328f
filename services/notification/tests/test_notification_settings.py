"""Where mail goes, as people write it."""

import pytest
from chassis.settings import broken
from notification.calls import calls_by
from notification.mail import SECONDS
from notification.settings import Settings
from pydantic import SecretStr, ValidationError


@pytest.mark.parametrize("url", ["", "smtp://localhost", "smtps://me:p%40ss@mail.example:465", "smtp+starttls://m:587"])
def test_a_mail_server_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    assert Settings().smtp_url.get_secret_value() == url


@pytest.mark.parametrize("environment", ["development", "testing", "staging", "production"])
@pytest.mark.parametrize("url", ["nonsense", "smtp://", "mail.example:25", "https://mail.example", "smtp://me:secret@"])
def test_what_is_no_mail_server_is_refused_in_one_line_everywhere(
    monkeypatch: pytest.MonkeyPatch, environment: str, url: str
) -> None:
    monkeypatch.setenv("SOKO_ENV", environment)
    monkeypatch.setenv("SMTP_URL", url)
    with pytest.raises(ValidationError) as refused:
        Settings()
    (line,) = broken(refused.value)
    assert line.startswith("SMTP_URL: must be an address such as smtp://user:password@host:587")
    assert "secret" not in line


def test_a_mail_by_smtp_is_not_taken_for_lost_while_a_slow_server_may_still_answer() -> None:
    by_smtp, to_a_file = (
        calls_by(Settings(smtp_url=SecretStr(url))).named("mail").lease.total_seconds() for url in ("smtp://m", "")
    )
    assert to_a_file < SECONDS < by_smtp
