"""A folder, where nobody carries SMS: for development."""

import asyncio
from email.utils import format_datetime

from notification.mail import write_file
from notification.providers.port import Sms
from notification.settings import Settings


class Folder:
    """One file a message."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.sms_folder

    async def send(self, sms: Sms, name: str) -> None:
        """See Provider."""
        content = f"Date: {format_datetime(sms.at)}\nTo: {sms.to}\nSubject: SMS\n\n{sms.text}\n".encode()
        await asyncio.to_thread(write_file, self._folder, content, f"{name}.txt")
