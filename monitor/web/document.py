"""Style and content security policy of every page: no external assets, no foreign scripts, no frames, no forms.

`Markup` escapes everything that goes into a page, so that data cannot become markup.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Final

from markupsafe import Markup

STYLE: Final = """
:root { color-scheme: light dark;
  --ground: #f6f7f8; --card: #fff; --line: #e2e5e9; --ink: #1b1f24; --soft: #5b6570; --good: #166b3f; --bad: #b3261e;
  --warm: #8a5a00; --mark: #1f5ac8; --good-bg: #e3f4ea; --bad-bg: #fbe9e7; --warm-bg: #fbf0d9; --mark-bg: #e6eefd; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171a; --card: #1c2025; --line: #2d333b; --ink: #e4e8ec; --soft: #98a2ad; --good: #5fcf93; --bad: #ff8a80;
  --warm: #e5b567; --mark: #7aa7ff; --good-bg: #17301f; --bad-bg: #3a1d1b; --warm-bg: #33290f; --mark-bg: #1b2a47; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
.page { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1rem; margin: 0 0 .6rem; }
p { margin: 0 0 .6rem; } p:last-child { margin-bottom: 0; }
.soft { color: var(--soft); } .small { font-size: .85rem; } .bad { color: var(--bad); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin: 0 0 1rem; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; font-size: .8rem; font-weight: 600;
  color: var(--soft); background: var(--line); white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-bg); }
.badge.bad { color: var(--bad); background: var(--bad-bg); }
.badge.warm { color: var(--warm); background: var(--warm-bg); }
.badge.mark { color: var(--mark); background: var(--mark-bg); }
"""

PAGE: Final = Markup("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div class="page">
{body}
</div>
{script}</body>
</html>
""")


def document(title: str, style: str, body: Markup, script: str = "") -> bytes:
    """Returns a whole page. `style` and `script` must be those given to `page_headers`."""
    code = Markup("<script>{}</script>\n").format(Markup(script)) if script else Markup("")
    return PAGE.format(title=title, style=Markup(style), body=body, script=code).encode()


def page_headers(style: str, script: str = "") -> tuple[str, ...]:
    """Returns a policy that allows this style, this script and requests to the page's own origin, nothing else."""
    code = f"script-src {source_hash(script)}; connect-src 'self'; " if script else ""
    rules = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return (
        f"Content-Security-Policy: default-src 'none'; style-src {source_hash(style)}; {code}{rules}",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Resource-Policy: same-origin",
    )


def source_hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
