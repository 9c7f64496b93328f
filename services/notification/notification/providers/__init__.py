"""Who carries SMS: the port, and the adapter that the settings choose."""

from notification.providers.africastalking import AfricasTalking
from notification.providers.folder import Folder
from notification.providers.plain import PlainGateway
from notification.providers.port import Provider
from notification.settings import Settings


def provider_for(settings: Settings) -> Provider:
    """Africa's Talking, another gateway over HTTP, or a folder where there is neither."""
    if settings.africastalking_api_key.get_secret_value():
        return AfricasTalking(settings)
    return PlainGateway(settings) if settings.sms_gateway_url else Folder(settings)
