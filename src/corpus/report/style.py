"""The style of the HTML report: light and dark by the reader's setting, a phone's width, paper.

The palette of eight follows Okabe and Ito (2008, jfly.uni-koeln.de/color), with yellow and black replaced by shades that hold on
both backgrounds.
"""

STYLE = """\
:root {
  color-scheme: light dark;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --page: #ffffff; --ink: #1b1f24; --soft: #5a6370; --rule: #c9ced6; --grid: #e6e9ee; --panel: #f5f6f8;
  --good: #00694c; --bad: #a83a00; --plain: #8b94a1;
  --c0: #0072b2; --c1: #d98200; --c2: #009e73; --c3: #d55e00; --c4: #4aa8e0; --c5: #bb5f96; --c6: #a39500; --c7: #6b7280;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171c; --ink: #e7eaee; --soft: #a4adb9; --rule: #4a525e; --grid: #2a3038; --panel: #1d2229;
    --good: #4fd0a4; --bad: #ff9a62; --plain: #838d9a;
    --c0: #4ba3e3; --c1: #f0a63a; --c2: #2fc49a; --c3: #f07c3c; --c4: #8fd0f7; --c5: #e08fc0; --c6: #d8cb45; --c7: #aab2bd;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 var(--sans); }
header, nav, main { max-width: 1040px; margin: 0 auto; padding: 0 16px; }
header { padding-top: 28px; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.4em 0 .6em; padding-top: .5em; border-top: 1px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 1.6em 0 .5em; }
p { max-width: 44em; margin: .6em 0; overflow-wrap: anywhere; }
.quiet, header p { color: var(--soft); font-size: .9rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0; margin: 12px 0 0; font-size: .9rem; }
a { color: var(--c0); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 20em); font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .8em 0 .3em; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--grid); text-align: right; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td:first-child, th:first-child, .words td, .words th { text-align: left; }
td { max-width: 34em; overflow-wrap: break-word; }
table:not(.words) td:not(:first-child) { white-space: nowrap; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 16px 40px; margin: 1em 0; }
figure { margin: 0; max-width: 580px; break-inside: avoid; }
h2, h3, caption, figcaption { break-after: avoid; }
tr { break-inside: avoid; }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: 4px; }
figure .quiet { margin: 2px 0 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12.5px var(--sans); fill: var(--soft); }
svg text.label { fill: var(--ink); }
svg text.group { fill: var(--ink); font-weight: 600; }
svg text.phase { fill: var(--ink); font-size: 11.5px; }
.grid { stroke: var(--grid); } .rule { stroke: var(--rule); } .whisker { stroke: var(--ink); stroke-width: 1.4; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); }
.plain { --c: var(--plain); } .ink { --c: var(--ink); }
.curve path { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; }
.mark * { fill: var(--c); stroke: var(--c); } .mark .hollow { fill: var(--page); stroke-width: 1.6; }
.area path { fill: var(--c); stroke: var(--page); stroke-width: .6; } .bar rect { fill: var(--c); }
.band rect { fill: var(--c); opacity: .1; } .band .strip { opacity: 1; }
.legend { display: flex; flex-wrap: wrap; gap: 0 14px; list-style: none; margin: 0 0 4px; padding: 0; }
.legend li { font-size: .82rem; color: var(--soft); }
.legend svg { display: inline-block; width: 12px; height: 12px; vertical-align: -1px; margin-right: 4px; }
.legend b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 14px; }
.card { background: var(--panel); border-left: 4px solid var(--bad); border-radius: 4px; padding: 10px 14px; }
.card { min-width: 0; font-size: .9rem; break-inside: avoid; }
.card.right { border-color: var(--good); }
.card > * { overflow-wrap: anywhere; }
.card .verdict { font-weight: 700; color: var(--bad); } .card.right .verdict { color: var(--good); }
.card .problem { font-size: .98rem; margin: .4em 0; unicode-bidi: isolate; }
.card ol { margin: .4em 0; padding-left: 1.4em; } .card ul { list-style: none; margin: .4em 0; padding: 0; }
.card li.picked { font-weight: 700; } .card li span { color: var(--soft); font-weight: 400; }
code, pre { font: .86em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
pre { background: var(--panel); padding: 10px 12px; border-radius: 4px; overflow-x: auto; }
summary { cursor: pointer; font-weight: 600; }
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --ink: #000000; --soft: #444444; --rule: #aaaaaa; --grid: #dddddd; --panel: #f5f6f8;
    --good: #00694c; --bad: #a83a00; --plain: #8b94a1;
    --c0: #0072b2; --c1: #d98200; --c2: #009e73; --c3: #d55e00; --c4: #4aa8e0; --c5: #bb5f96; --c6: #a39500; --c7: #6b7280;
  }
  main, nav { max-width: none; }
  nav { display: none; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  pre { white-space: pre-wrap; overflow: visible; }
  .scroll { overflow: visible; }
  body { font-size: 12px; }
  table { font-size: 10.5px; }
  th, td { padding: 2px 9px 2px 0; }
  .figures, .cards { grid-template-columns: 1fr 1fr; }
  * { print-color-adjust: exact; }
}
"""
