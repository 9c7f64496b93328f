"""The bank's page that asks a payer to confirm (3-D Secure): plain HTML, two buttons, no scripts."""

import re
from html import escape
from urllib.parse import urlsplit

from chassis.http import Money
from starlette.responses import HTMLResponse

from soko.cardsim.rules import Charge

STYLE = """
:root { color-scheme: light dark; --page: #f2f4f7; --card: #fff; --edge: #dfe3ea; --text: #1a1f29; --quiet: #566072; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171c; --card: #1e222a; --edge: #3a4150; --text: #e8eaee; --quiet: #a3acbb; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem;
       font: 1rem/1.5 system-ui, sans-serif; background: var(--page); color: var(--text); }
main { width: 100%; max-width: 24rem; padding: 2rem; background: var(--card); border: 1px solid var(--edge);
       border-radius: 1rem; }
h1 { font-size: 1.15rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; color: var(--quiet); }
.amount { font-size: 2rem; font-weight: 650; margin: 1.25rem 0; color: inherit; font-variant-numeric: tabular-nums; }
.buttons { display: grid; gap: .75rem; margin: 1.5rem 0; }
button, a.button { display: block; width: 100%; padding: .8rem 1rem; border-radius: .6rem; font: inherit;
       font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; border: 1px solid transparent; }
.yes { background: #1c6b48; color: #fff; }
.no { background: transparent; color: inherit; border-color: var(--edge); }
button:focus-visible, a:focus-visible { outline: 3px solid #6aa5ff; outline-offset: 2px; }
main > p:last-child { margin: 0; }
"""

NETLOC = re.compile(r"[A-Za-z0-9.:\[\]-]+")

OUTCOMES = {
    "authorised": "You have approved this payment.",
    "captured": "This payment is done.",
    "failed": "This payment was declined.",
    "voided": "The shop has cancelled this payment.",
    "pending": "The bank is working on this payment.",
}


def asking(charge: Charge) -> HTMLResponse:
    """The question, or how it was answered."""
    amount = Money.of(charge.amount, charge.currency)
    if charge.status == "requires_action":
        content = f"""
        <h1>Confirm your payment</h1>
        <p>Soko asks your bank for this amount.</p>
        <p class="amount">{escape(amount.currency)} {escape(amount.amount)}</p>
        <form method="post" class="buttons">
          <button class="yes" name="decision" value="approve">Approve</button>
          <button class="no" name="decision" value="decline">Decline</button>
        </form>"""
    else:
        url = escape(charge.return_url or "")
        back = f'<a class="button no" href="{url}">Back to the shop</a>' if url else ""
        content = f"""
        <h1>{escape(OUTCOMES[charge.status])}</h1>
        <p class="amount">{escape(amount.currency)} {escape(amount.amount)}</p>
        <div class="buttons">{back}</div>"""
    return _page(content, 200, charge.return_url)


def missing() -> HTMLResponse:
    """No such payment."""
    return _page("<h1>There is no such payment</h1><p>Go back to the shop and try again.</p>", 404, None)


def unclear() -> HTMLResponse:
    """The form came without a decision."""
    return _page("<h1>Approve or decline</h1><p>Go back and press one of the two buttons.</p>", 422, None)


def later() -> HTMLResponse:
    """The database cannot be reached."""
    return _page("<h1>The bank cannot be reached</h1><p>Try again in a moment.</p>", 503, None)


def _page(content: str, status: int, return_url: str | None) -> HTMLResponse:
    # Browsers hold redirects that answer a form to form-action too.
    shop = urlsplit(return_url or "")
    back = f" {shop.scheme}://{shop.netloc}" if NETLOC.fullmatch(shop.netloc) else ""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Confirm your payment</title>
  <style>{STYLE}</style>
</head>
<body>
  <main>{content}
    <p><small>A simulated bank: no money moves.</small></p>
  </main>
</body>
</html>
""",
        status,
        headers={
            "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{back}; "
            "base-uri 'none'; frame-ancestors 'self'",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
