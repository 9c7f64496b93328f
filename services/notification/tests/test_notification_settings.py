"""Where mail goes, as people write it."""

import pytest
from chassis.settings import broken
from notification.settings import Settings
from pydantic import ValidationError


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
