"""What the notification service is told from outside."""

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Self

from chassis import urls
from chassis.settings import Settings as Shared
from pydantic import Field, SecretStr, field_validator, model_validator

DEMO_ADMIN = "admin@soko.example"
SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")
SCHEMES = ("smtp", "smtps", "smtp+starttls")


class Settings(Shared):
    """The shared settings, the service's own database, and how mail leaves."""

    database_url: str = Field(
        "",
        validation_alias="NOTIFICATION_DATABASE_URL",
        description="The notification service's database: postgresql://user:password@host/name.",
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Where mail goes: smtp://user:password@host:port (encrypted where the server offers it), "
        "smtp+starttls:// (encrypted or not at all) or smtps:// (encrypted from the first byte). "
        "Without it mails are .eml files under SOKO_HOME/mail.",
    )
    mail_from: str = Field("Soko <shop@soko.example>", description="Whom customers get mail from.")
    admin_email: str = Field(
        "",
        description="Who is told of new orders, of stock running low and of messages that were given up. Nobody "
        "without it, in development the demo's administrator.",
    )

    africastalking_username: str = Field(
        "", description="The application at Africa's Talking that SMS go by; `sandbox` goes to its sandbox."
    )
    africastalking_api_key: SecretStr = Field(
        SecretStr(""),
        description="Its API key. Without it, and without SMS_GATEWAY_URL, SMS are files under SOKO_HOME/sms.",
    )
    africastalking_sender: str = Field("", description="The sender that customers see, registered there.")
    africastalking_url: str = Field("", description="Its host, where that is neither the live one nor the sandbox.")
    sms_gateway_url: str = Field(
        "", description="Where SMS go instead: each is posted as JSON, `to`, `text` and `id`, the same id when again."
    )
    sms_gateway_token: SecretStr = Field(SecretStr(""), description="The bearer token for SMS_GATEWAY_URL.")
    delivery_reports_secret: SecretStr = Field(
        SecretStr(""),
        description="What makes the paths secret that providers report to: "
        "/api/v1/notifications/reports/{africastalking,gateway,mail}/{secret}. 16 to 128 letters, digits, `-` and `_`. "
        "Without it nobody can report.",
    )
    password_reset_url: str = Field(
        "",
        description="The shop's page to choose a new password on, for mails that lead there. May hold {public_url} and "
        "{token}. Without it the mail shows the token alone.",
    )

    @field_validator("smtp_url")
    @classmethod
    def _smtp(cls, url: SecretStr) -> SecretStr:
        urls.url(url.get_secret_value(), SCHEMES, "smtp://user:password@host:587, smtp+starttls://… or smtps://…")
        return url

    @field_validator("africastalking_url")
    @classmethod
    def _host(cls, value: str) -> str:
        return urls.origin(value, "https://api.africastalking.com")

    @field_validator("sms_gateway_url")
    @classmethod
    def _gateway(cls, value: str) -> str:
        return urls.url(value, ("http", "https"), "https://sms.example/send")

    @field_validator("delivery_reports_secret")
    @classmethod
    def _secret(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("must be 16 to 128 letters, digits, - and _, of chance")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.africastalking_username) != bool(self.africastalking_api_key.get_secret_value()):
            raise ValueError("AFRICASTALKING_USERNAME and AFRICASTALKING_API_KEY go together")
        if self.africastalking_username and self.sms_gateway_url:
            raise ValueError("SMS go by Africa's Talking or by SMS_GATEWAY_URL, not by both")
        return self

    @field_validator("mail_from", "admin_email")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and "@" not in parseaddr(value)[1]:
            raise ValueError("must be a mail address")
        return value

    @property
    def admin(self) -> str:
        """The admin's address, or nothing."""
        return self.admin_email or (DEMO_ADMIN if self.development else "")

    def reset_link(self, token: str) -> str:
        """The page on which this token chooses a new password."""
        return self.password_reset_url.replace("{public_url}", self.public_url).replace("{token}", token)

    @property
    def mail_folder(self) -> Path:
        """Where mails are kept as files while there is no SMTP server."""
        return self.soko_home / "mail"

    @property
    def sms_folder(self) -> Path:
        """Where SMS are kept as files while nobody sends them."""
        return self.soko_home / "sms"
