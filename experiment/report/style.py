"""How a page looks: by day and by night, on a wide screen and on a telephone's.

Pictures are drawn on white, once for every reader, so by night each is a white card.
"""

STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1a1a1a; --quiet: #4d4d4d;
        --line: #ddd; --rule: #888; --shade: #0003; --clear: #fff0; --link: #0b57d0;
        --code: #f4f4f4; --good: #1a7f4b; --on-good: #e8f5ed; --bad: #b3261e;
        --on-bad: #fdeeed; --open: #6b6b6b; --on-open: #f2f2f2; --care: #b35309;
        --on-care: #fdf3ec; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181c; --ink: #e6e6e6; --quiet: #b3b3b3; --line: #34373d;
          --rule: #777; --shade: #000a; --clear: #16181c00; --link: #8ab4f8;
          --code: #22252b; --good: #5bc98c; --on-good: #16301f; --bad: #f2877f;
          --on-bad: #3a1a18; --open: #a8a8a8; --on-open: #24272d; --care: #f0a35e;
          --on-care: #35230f; }
}
body { max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; color: var(--ink);
       background: var(--page); font: 16px/1.5 system-ui, sans-serif;
       overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin-bottom: .6rem; }
h2 { font-size: 1.2rem; margin-top: 2.4rem; border-bottom: 1px solid var(--line); }
p { max-width: 46rem; }
p.date { color: var(--quiet); margin-top: 0; }
p.warning, p.verdict { border-left: 5px solid; padding: .4rem .8rem; margin: .5rem 0; }
p.warning { border-color: var(--care); background: var(--on-care); }
p.good { border-color: var(--good); background: var(--on-good); }
p.bad { border-color: var(--bad); background: var(--on-bad); }
p.open { border-color: var(--open); background: var(--on-open); }
nav { margin: 1.4rem 0; font-size: .92rem; }
nav ul { margin: .2rem 0; padding-left: 1.2rem; }
a { color: var(--link); }
pre { background: var(--code); padding: .6rem .8rem; border-radius: 4px;
      font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 1.2rem 0; }
figcaption { max-width: 46rem; color: var(--quiet); font-size: .88rem;
             padding-bottom: .4rem; }
img { box-sizing: border-box; max-width: 100%; height: auto; background: #fff;
      border-radius: 6px; padding: 4px; }
@media (max-width: 40rem) { /* scrolled as tables are: smaller, nobody could read it */
  .wide img { max-width: none; width: 34rem; }
}
.wide { overflow-x: auto; background: /* shadows where there is more to the side */
        linear-gradient(to right, var(--page) 40%, var(--clear))
          0 / 2.4rem 100% no-repeat local,
        linear-gradient(to left, var(--page) 40%, var(--clear))
          100% / 2.4rem 100% no-repeat local,
        linear-gradient(to right, var(--shade), #0000) 0 / .7rem 100% no-repeat,
        linear-gradient(to left, var(--shade), #0000) 100% / .7rem 100% no-repeat; }
table { border-collapse: collapse; font-size: .9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line);
         text-align: right; vertical-align: baseline; }
th { border-bottom: 2px solid var(--rule); vertical-align: bottom; }
.words { text-align: left; min-width: 5.5rem; }
th:first-child, td:first-child { text-align: left; padding-left: 0;
                                 min-width: 6.5rem; }
"""
