"""How a certificate's page looks, on a screen and on paper."""

STYLE = """
:root { color-scheme: light; --ink: #1b1d20; --muted: #575d65; --line: #d8dbde; --pass: #17663a; --fail: #a52c1b; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums lining-nums; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
header { display: grid; grid-template-columns: 1fr auto; gap: .25rem 2rem; align-items: start; }
h1 { font-size: 2rem; line-height: 1.15; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .35rem; border-bottom: 1.5px solid var(--ink); }
p { margin: 0 0 .75rem; max-width: 48rem; overflow-wrap: anywhere; }
.of { color: var(--muted); margin: .3rem 0 0; }
.use { color: var(--fail); font-weight: 600; margin: .3rem 0 0; }
.verdict { grid-row: 1 / span 3; grid-column: 2; text-align: center; min-width: 9.5rem; }
.verdict strong { display: block; color: #fff; font-size: 2.5rem; line-height: 1; padding: .9rem 1.25rem;
  border-radius: 4px; }
.verdict.pass strong { background: var(--pass); }
.verdict.fail strong { background: var(--fail); }
.verdict span { display: block; color: var(--muted); font-weight: 600; font-size: .875rem; margin-top: .4rem; }
.answer { font-size: 1.15rem; margin: 1.5rem 0 .5rem; }
ul { margin: 0; padding-left: 1.2rem; max-width: 48rem; }
li { margin: .25rem 0; }
.how, .note { color: var(--muted); font-size: .875rem; }
.note { margin-top: .5rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid #0a5a8a; outline-offset: 3px; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; line-height: 1.4; }
th, td { padding: .4rem .6rem; text-align: left; vertical-align: baseline; }
th:first-child { padding-left: .25rem; }
th:last-child, td:last-child { padding-right: .25rem; }
thead th { font-weight: 600; color: var(--muted); vertical-align: bottom; border-bottom: 1px solid var(--ink); }
tbody th { font-weight: 400; }
tbody tr { border-top: 1px solid var(--line); }
tr.heading { border-top: none; }
tr.heading th { font-weight: 600; padding-top: 1rem; }
tr.failed { background: #fbf0ee; }
th.small { color: var(--muted); white-space: nowrap; width: 11rem; }
.number { text-align: right; white-space: nowrap; }
.bound { white-space: nowrap; }
.pass, .fail, .none { font-weight: 600; white-space: nowrap; }
td.pass { color: var(--pass); }
td.fail { color: var(--fail); }
td.none { color: var(--muted); }
.hash { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .8125rem;
  overflow-wrap: anywhere; }
small { display: block; font-size: .8125rem; color: var(--muted); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
figure { margin: 0; display: flex; gap: 2rem; align-items: flex-start; }
figure img { width: 20rem; max-width: 100%; height: auto; }
figcaption { font-size: .875rem; color: var(--muted); max-width: 28rem; }
figcaption strong { display: block; color: var(--ink); font-size: 1rem; margin-bottom: .35rem; }
@media (max-width: 45rem) {
  header { grid-template-columns: 1fr; }
  .verdict { grid-row: auto; grid-column: 1; margin-top: 1rem; }
  figure { flex-direction: column; }
}
@media print {
  @page { size: A4; margin: 15mm 16mm; }
  html { font-size: 9pt; }
  body { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  h2 { break-after: avoid; margin-top: 1.5rem; }
  p, tr, figure { break-inside: avoid; }
  .how { break-after: avoid; }
  th, td { padding-top: .2rem; padding-bottom: .2rem; }
}
"""
