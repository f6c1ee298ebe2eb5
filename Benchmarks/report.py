"""Makes tables, JSON and a part of a document of what was measured."""

import os
from dataclasses import asdict

from measuring import Sample
from schedule import OURS, Series, seconds

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
EXPLANATION = """\
Times are medians of whole processes; ± is half the distance between the quartiles. "Budget" is our time as a ratio to
plain tools on the same files, measured in the same run, with what is allowed. The columns of other builders say how
many times longer they take, "Needed" how many it must be; (n) is the number of rounds, where not all.
✓ and ✗ say what is met."""
DETAILS = """\
CPU is user and system time together; read and written are bytes through system calls. Memory is the peak, of which ours
may have 64 MB and 1 KB for each file. With docker and buildkitd a daemon does the work, so nothing but the time can be
told of them from outside. What else is blank was not counted: it would have taken too long."""


CAPTION = "Time for each file, layer, step and image against how many there are"
GROWTH = """\
Cost grows with the work and with nothing else: the time for each file, layer, step and image should stay flat. A few
milliseconds of start-up are in each build, so a line falls where the parts are few."""


def verdict(met):
    return "" if met is None else " ✓" if met else " ✗"


def budgets(phase, all_series):
    """Each budget of a phase as `(ratio, text, met)`; the ratio is to the yardstick, or ours in seconds."""
    series = all_series[phase.name]
    ours = series.get(OURS)
    for budget in phase.budgets:
        if budget.seconds is not None:
            limit = f"≤ {budget.seconds * 1000:g} ms"
            besides = all_series[budget.besides].get(OURS) if budget.besides else Series([Sample(0)])
            if ours and ours.wall is not None and besides and besides.wall is not None:
                wall = ours.wall - besides.wall
                yield wall, f"{seconds(wall)} {limit}" if budget.besides else limit, wall <= budget.seconds
            continue
        other = all_series[budget.phase].get(OURS) if budget.phase else series.get(budget.yardstick)
        name = budget.label if budget.phase else budget.yardstick
        if other is None or other.wall is None:
            yield None, f"{name}: {other.failure if other else 'not run'}", None
        elif ours and ours.wall is not None:
            ratio = ours.wall / other.wall
            if budget.factor is None:
                yield ratio, f"{ratio:.2f} × {name}", None
            else:
                yield ratio, f"{ratio:.2f} ≤ {budget.factor:.2f} × {name}", ratio <= budget.factor


def result_rows(plays, builders):
    """The cells of the table of results, a list for each row."""
    peers = [builder.name for builder in builders if builder.name != OURS]
    columns = 4 + len(peers) + bool(peers)
    yield ["Workload", "swiftbuild", "±", "Budget", *(["Needed"] if peers else []), *peers]
    for play in plays:
        for phase in play.workload.phases:
            series = play.series[phase.name]
            ours = series.get(OURS)
            limits = [text + verdict(met) for _, text, met in budgets(phase, play.series)]
            if ours is None or ours.wall is None:
                yield [phase.title, "failed"] + [""] * (columns - 2)
                continue
            spread = "" if ours.spread is None else f"{ours.spread:.0%}"
            needed = [f"≥ {phase.needed:g} ×" if phase.needed else ""] if peers else []
            yield [phase.title, seconds(ours.wall), spread, *(limits[:1] or [""]), *needed,
                   *(_peer(series.get(peer), ours, phase, play.rounds) for peer in peers)]
            for limit in limits[1:]:
                yield ["", "", "", limit] + [""] * (columns - 4)
        for size in play.workload.sizes:
            known = play.sizes[size.title]
            ours = known.get(OURS)
            met = verdict(ours <= size.limit) if ours else ""
            ratios = [f"{known[peer] / ours:.2f}" if ours and peer in known else "" for peer in peers]
            yield [size.title, _bytes(ours), "", f"≤ {_bytes(size.limit)}{met}", *([""] if peers else []), *ratios]


def _peer(series, ours, phase, rounds):
    if series is None:
        return ""
    if series.wall is None:
        return "failed"
    ratio = series.wall / ours.wall
    count = len(series.samples)
    fewer = f" ({count})" if count < rounds else ""
    number = f"{ratio:.2f}" if ratio < 10 else f"{ratio:.1f}" if ratio < 100 else f"{ratio:.0f}"
    return number + verdict(phase.needed and ratio >= phase.needed) + fewer


def detail_rows(plays, builders):
    yield ["Workload", "Builder", "Time", "CPU", "Memory", "Read", "Written", "System calls", "Rounds"]
    for play in plays:
        for phase in play.workload.phases:
            title = phase.title
            for builder in builders:
                series = play.series[phase.name].get(builder.name)
                if series is None or series.wall is None:
                    continue
                counts = [""] * 5
                if builder.works_itself:
                    memory = peak(series)
                    met = memory <= phase.peak_limit if memory and phase.processes and builder.name == OURS else None
                    counts = [
                        seconds(series.median("cpu")), _bytes((memory or 0) * 1024) + verdict(met),
                        _bytes(series.median("read")), _bytes(series.median("written")), _count(series.calls),
                    ]
                yield [title, builder.name, seconds(series.wall), *counts, str(len(series.samples))]
                title = ""
            for name, series in play.series[phase.name].items():
                if name in phase.yardsticks and series.wall is not None:
                    yield ["", name, seconds(series.wall), seconds(series.median("cpu")), "", "", "", "",
                           str(len(series.samples))]


def peak(series):
    return series.peak or series.median("peak")


def _bytes(value):
    if not value:
        return ""
    for unit in "B", "KB", "MB", "GB":
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1000


def _count(value):
    return "" if value is None else f"{value:,}"


def failures(plays, builders):
    for play in plays:
        said = set()
        for phase in play.workload.phases:
            for name, series in play.series[phase.name].items():
                if series.failure and (name, series.failure) not in said:
                    said.add((name, series.failure))
                    yield f"{phase.title}: {name} failed: {series.failure}"


def ours_failed(report):
    return any(series.get(OURS, Series()).failure for play in report["plays"] for series in play.series.values())


def text_table(rows, right=()):
    rows = [list(map(str, row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.rjust(width) if column in right else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("─" * width for width in widths))
    return "\n".join(lines)


def markdown_table(rows, right=()):
    rows = list(rows)
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + "|".join(" --: " if column in right else " --- " for column in range(len(rows[0]))) + "|")
    return "\n".join(lines)


def _sections(report):
    """What both forms of the report say: headings, tables with their right-aligned columns, and sentences."""
    plays, builders = report["plays"], report["builders"]
    notes = [*(f"Not compared: {name}, {reason}." for name, reason in report["missing"].items()),
             *(f"Skipped: {name}, {reason}." for name, reason in report["skipped"].items()),
             *(f"{failure}." for failure in failures(plays, builders))]
    return list(result_rows(plays, builders)), (1, 2), list(detail_rows(plays, builders)), (2, 3, 4, 5, 6, 7, 8), notes


def machine_line(report):
    machine = report["machine"]
    return (f"{machine['processor']}, {machine['cores']} cores, {machine['memory']}; {machine['distribution']}, "
            f"{machine['kernel']}, {machine['filesystem']}; load at the start {machine['load']}")


def versions_line(report):
    return ", ".join(f"{name} {version}".strip() for name, version in report["versions"].items())


def curve_lines(panels):
    for panel in panels:
        for line in panel.lines:
            points = ", ".join(f"{count:,}: {seconds(value)}" for count, value in line.points)
            points += f", {line.failure}" if line.failure else ""
            yield f"{panel.title}, {line.name}, {panel.unit} by number of {panel.what}: {points}"


def as_text(report):
    results, right, details, details_right, notes = _sections(report)
    lines = [machine_line(report), versions_line(report)]
    if report["plays"]:
        lines += ["", text_table(results, right), "", EXPLANATION, "", text_table(details, details_right), "", DETAILS]
    for more in notes, list(curve_lines(report["curves"])):
        lines += ["", *more] if more else []
    return "\n".join(lines)


def as_markdown(report, picture):
    results, right, details, details_right, notes = _sections(report)
    return "\n".join([
        f"Machine: {machine_line(report)}.", "", f"Versions: {versions_line(report)}.", "",
        markdown_table(results, right), "", EXPLANATION, "",
        *(f"- {note}" for note in notes), *([""] if notes else []),
        "### What it took", "", DETAILS, "", markdown_table(details, details_right),
        *(["", "### How cost grows", "", GROWTH, "", f"![{CAPTION}]({picture})"] if picture else []),
    ])


def as_values(report):
    """Everything, as values for JSON."""
    workloads, sizes = [], []
    daemons = [builder.name for builder in report["builders"] if not builder.works_itself]
    for play in report["plays"]:
        sizes += [{"title": size.title, "bytes": play.sizes[size.title], "limit": size.limit}
                  for size in play.workload.sizes]
        for phase in play.workload.phases:
            contenders = {}
            for name, series in play.series[phase.name].items():
                values = {"median": series.wall, "spread": series.spread, "walls": series.walls,
                          "failure": series.failure}
                if name not in daemons:
                    values |= {
                        "cpu": series.median("cpu"), "peakKiB": peak(series), "read": series.median("read"),
                        "written": series.median("written"), "systemCalls": series.calls,
                    }
                contenders[name] = values
            ours = contenders.get(OURS, {}).get("median")
            workloads.append({
                "name": phase.name, "title": phase.title, "measured": contenders,
                "budgets": [{"value": value, "text": text, "met": met}
                            for value, text, met in budgets(phase, play.series)],
                "needed": phase.needed,
                "peers": {name: values["median"] / ours for name, values in contenders.items()
                          if ours and values["median"] and name not in (*phase.yardsticks, OURS)},
            })
    return {
        "machine": report["machine"], "versions": report["versions"], "notCompared": report["missing"],
        "skipped": report["skipped"], "workloads": workloads, "sizes": sizes,
        "curves": [asdict(panel) for panel in report["curves"]],
    }


def rewrite(path, report, curves):
    """Replaces what stands between the two markers in a document."""
    picture = os.path.relpath(curves, path.parent) if curves else None
    text = path.read_text()
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{path} lacks the markers {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n\n{as_markdown(report, picture)}\n\n{END}{after}")
