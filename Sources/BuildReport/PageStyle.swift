/// How the page looks: light and dark, from a phone's width on.
enum PageStyle {
    // Text on each background has a contrast of at least 4.5, bars of at least 3; a test measures the former.
    static let sheet: HTML = """

        :root {
          --back: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --panel: #f4f6f8; --link: #0a53b8;
          --ran: #0a66c8; --cached: #1a7f37; --failed: #c02317; --base: #6b7480; --cell-s: 62%; --cell-l: 86%;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --back: #0e1217; --text: #e6edf3; --quiet: #9da7b1; --line: #333c46; --panel: #171c23; --link: #79b2ff;
            --ran: #5aa0f2; --cached: #4cb464; --failed: #ff7b6e; --base: #8b949e; --cell-s: 34%; --cell-l: 25%;
          }
        }
        * { box-sizing: border-box; }
        html { scroll-behavior: smooth; }
        @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
        body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--back); color: var(--text);
          font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
        h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
        h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
        h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
        p { margin: .25rem 0; }
        a { color: var(--link); }
        :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        code, pre { font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap; }
        pre { margin: .25rem 0 .75rem; padding: .5rem .75rem; background: var(--panel); border-radius: .3rem; }
        .note, .time, .line { color: var(--quiet); font-size: .875rem; }
        .skip { position: absolute; left: -100vw; }
        .skip:focus { position: static; }
        nav ul, .legend, .steps, .map { list-style: none; margin: 0; padding: 0; }
        nav ul, .legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
        nav { margin-top: 1rem; }
        nav a { display: inline-block; padding: .35rem 0; }
        .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .75rem 1rem; margin: 1rem 0; }
        .facts div { min-width: 0; }
        .facts div:has(code) { grid-column: 1 / -1; }
        dt { color: var(--quiet); font-size: .875rem; }
        dd { margin: 0; }
        .settings div { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: .4rem 0; border-bottom: 1px solid var(--line); }
        .settings dd { grid-column: 2; }
        .key { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: .15rem; }
        .key.ran, .bar.ran { background: var(--ran); }
        .key.cached, .bar.cached { background: var(--cached); }
        .key.failed, .bar.failed { background: var(--failed); }
        .key.base, .bar.base { background: var(--base); }
        .key.wait, .bar.wait { background: repeating-linear-gradient(135deg, var(--base) 0 2px, transparent 2px 6px); }
        .what { display: grid; grid-template-columns: 1rem 4.5rem 4.5rem 4rem minmax(0, 1fr); gap: 0 .25rem; align-items: baseline; }
        .waited { grid-column: 5; color: var(--quiet); font-size: .875rem; }
        .result { font-weight: 600; }
        .result.ran { color: var(--ran); }
        .result.cached { color: var(--cached); }
        .result.failed { color: var(--failed); }
        .result.base, .result.idle { color: var(--quiet); }
        .steps > li { border-top: 1px solid var(--line); }
        .step { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 0 1rem; align-items: center; padding: .35rem 0; }
        summary { cursor: pointer; }
        summary.step { list-style: none; }
        summary.step::-webkit-details-marker { display: none; }
        .what::before { content: ""; color: var(--quiet); }
        summary .what::before { content: "▸"; }
        details[open] > summary .what::before { content: "▾"; }
        .time { text-align: right; padding-right: .5rem; }
        .time, .line { white-space: nowrap; }
        .track { position: relative; height: 1rem; background: var(--panel); border-radius: .2rem; overflow: hidden; }
        .bar { position: absolute; top: .15rem; bottom: .15rem; min-width: 3px; border-radius: .1rem; }
        .why { font-weight: 600; font-size: .875rem; }
        .map { position: relative; width: 100%; aspect-ratio: 3; margin: .5rem 0 1rem; }
        .map.low { aspect-ratio: 4; }
        .map.thin { aspect-ratio: 9; }
        .map li { position: absolute; overflow: hidden; overflow-wrap: normal; border: 1px solid var(--back); font-size: .8rem; line-height: 1.25;
          background: hsl(var(--hue) var(--cell-s) var(--cell-l)); color: var(--text); }
        .map li > a, .map li > b { position: absolute; inset: 0; padding: .25rem .35rem; overflow: hidden; font-weight: 600;
          color: inherit; text-decoration: none; }
        .map li { container-type: size; }
        .map li > a, .map li > b, .map span { white-space: nowrap; text-overflow: ellipsis; overflow: hidden; }
        @container (max-height: 3.4rem) { .map span { display: none; } }
        @container (max-width: 4.5rem) or (max-height: 1.6rem) { .map li > a, .map li > b { font-size: 0; } }
        .map a:focus-visible { outline-offset: -3px; }
        .map a:hover { text-decoration: underline; }
        .map span { font-weight: 400; display: block; }
        .map i { position: absolute; inset: 0 auto 0 0; background: repeating-linear-gradient(135deg,
          transparent 0 7px, color-mix(in srgb, var(--failed) 30%, transparent) 7px 9px); }
        .scroll { overflow-x: auto; margin: .5rem 0; }
        table { border-collapse: collapse; width: 100%; min-width: 34rem; font-size: .9rem; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
        th { font-weight: 600; }
        tbody th { font-weight: 400; min-width: 9rem; }
        td a { white-space: nowrap; }
        .n { text-align: right; white-space: nowrap; }
        @media (max-width: 40rem) {
          .step { grid-template-columns: minmax(0, 1fr); gap: .25rem; }
          .what code { grid-column: 2 / -1; }
          .map { aspect-ratio: 1; }
          .map.low { aspect-ratio: 1.4; }
          .map.thin { aspect-ratio: 3; }
          .facts { grid-template-columns: 1fr 1fr; }
          .settings div { grid-template-columns: 1fr; }
          .settings dd { grid-column: 1; }
        }
        @media print { nav, .skip { display: none; } }

        """
}
