"""Pages for a person: the list of mails, and one mail. Nothing in a mail can run or fetch anything here."""

import json
import sqlite3
from collections.abc import Sequence
from html import escape

from crossdock_sandbox.mailbox.store import body, parsed

#: For our own pages: no script at all, nothing from elsewhere, and only our own frame.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'self'"
)
#: For the HTML of a mail: sandboxed, so even its links and forms do nothing.
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td { overflow-wrap: anywhere; } time { white-space: nowrap; color: #555; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f6f6f6; padding: 1rem; }
iframe { width: 100%; height: 30rem; border: 1px solid #ccc; }
a { color: #06663a; } .none { color: #555; }
"""


def list_page(rows: Sequence[sqlite3.Row], *, to: str, older: int | None) -> str:
    """Newest first, a link to the older ones below."""
    lines = [
        f"<tr><td><time>{escape(row['at'][:19].replace('T', ' '))}</time></td>"
        f"<td>{escape(', '.join(json.loads(row['recipients_json'])))}</td>"
        f'<td><a href="/messages/{row["id"]}">{escape(row["subject"] or "(no subject)")}</a></td></tr>'
        for row in rows
    ]
    table = (
        f"<table><thead><tr><th>Time (UTC)</th><th>To</th><th>Subject</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
        if rows
        else '<p class="none">No mail yet.</p>'
    )
    search = (
        '<form action="/" method="get"><label>To <input name="to" type="search" '
        f'value="{escape(to, quote=True)}"></label> <button>Show</button></form>'
    )
    more = f'<p><a href="/?before={older}&amp;to={escape(to, quote=True)}">Older</a></p>' if older else ""
    return _page("Mailbox", f"<h1>Mailbox</h1>{search}{table}{more}")


def message_page(row: sqlite3.Row) -> str:
    message = parsed(row["raw"])
    text, html = body(message, "plain"), body(message, "html")
    shown = json.loads(row["headers_json"])
    headers = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in shown)
    parts = [
        '<p><a href="/">All mails</a></p>',
        f"<h1>{escape(row['subject'] or '(no subject)')}</h1>",
        f"<p>From {escape(row['mail_from'])} to {escape(', '.join(json.loads(row['recipients_json'])))}, "
        f"<time>{escape(row['at'][:19].replace('T', ' '))} UTC</time></p>",
    ]
    if html is not None:
        parts.append(
            f'<iframe sandbox title="The mail as HTML" src="/_sandbox/messages/{row["id"]}/html"></iframe>'
        )
    if text is not None:
        parts.append(f"<h2>Text</h2><pre>{escape(text)}</pre>")
    parts.append(f"<h2>Headers</h2><table><tbody>{headers}</tbody></table>")
    parts.append(f'<p><a href="/_sandbox/messages/{row["id"]}/raw">As it came</a></p>')
    return _page(row["subject"] or "Mail", "".join(parts))


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{content}</body></html>"
    )
