"""Measures how our cost for one file, layer, step or image changes with how many there are."""

import statistics

import contexts
from contexts import dockerfile, write
from measuring import Failure
from plot import Line, Panel
from schedule import progress

ROUNDS = 3
# What takes longer than this varies little.
LONG = 5.0


class Curves:
    def __init__(self, directory, runner, ours, quick):
        self.directory = directory
        self.runner = runner
        self.ours = ours
        self.quick = quick
        directory.mkdir()

    def panels(self):
        for make in self.files, self.layers, self.run_steps, self.plain_steps, self.images:
            try:
                yield from make()
            except Failure as failure:
                progress(f"curve of {make.__name__}: failed: {failure}")

    def counts(self, *counts):
        return counts[:-2] if self.quick else counts

    def files(self):
        cold, unchanged = Line("cold"), Line("nothing changed")
        for count in self.counts(1_000, 3_000, 10_000, 30_000, 100_000):
            context = self.directory / f"files-{count}"
            contexts.tree(context / "tree", count, count // 25)
            file = dockerfile(context / "Dockerfile", "FROM scratch", "COPY tree /tree")
            self.cold_and_unchanged(context, file, count, cold, unchanged)
        yield Panel("A build that copies files", "files", "per file", [cold, unchanged])

    def layers(self):
        cold, unchanged = Line("cold"), Line("nothing changed")
        context = self.directory / "layers"
        counts = self.counts(10, 30, 100, 200, 400)
        for number in range(max(counts)):
            write(context / f"file-{number}", f"{number}\n")
        for count in counts:
            copies = [f"COPY file-{number} /layers/{number}" for number in range(count)]
            file = dockerfile(self.directory / f"layers-{count}", "FROM scratch", *copies)
            self.cold_and_unchanged(context, file, count, cold, unchanged)
        yield Panel("A build that makes layers", "layers", "per layer", [cold, unchanged])

    def run_steps(self):
        cold, unchanged = Line("cold"), Line("nothing changed")
        base = contexts.busybox(self.directory / "base.tar")
        context = write(self.directory / "steps/file", "content\n").parent
        self.ours.reset()
        self.ours.load_base(base, "base")
        self.runner.run(self.ours.build(context, dockerfile(self.directory / "unpack", "FROM base", "RUN true")))
        for count in self.counts(10, 30, 100, 300, 1_000):
            def steps(turn):
                lines = (f"RUN true {count} {turn} {number}" for number in range(count))
                return self.ours.build(context, dockerfile(self.directory / "Dockerfile", "FROM base", *lines))

            self.add(cold, count, steps)
            self.add(unchanged, count, lambda turn: steps(0))
        yield Panel("A build that runs steps", "RUN steps", "per step", [cold, unchanged])

    def plain_steps(self):
        cold, unchanged = Line("cold"), Line("nothing changed")
        context = write(self.directory / "steps/file", "content\n").parent
        for count in self.counts(10, 30, 100, 300, 1_000):
            lines = [f"ENV NAME_{number}=value" for number in range(count)]
            file = dockerfile(self.directory / f"plain-{count}", "FROM scratch", *lines, "COPY file /")
            self.cold_and_unchanged(context, file, count, cold, unchanged)
        yield Panel("A build that sets variables", "ENV steps", "per step", [cold, unchanged])

    def images(self):
        listing, tagging = Line("images"), Line("tag")
        counts = self.counts(10, 30, 100, 300, 1_000, 3_000, 10_000)
        self.ours.reset()
        limit, self.runner.limit = self.runner.limit, 600
        try:
            for count in counts:
                # Those that are there already are found to be there.
                self.ours.fill(count, self.directory / f"images-{count}.tar")
                self.add(listing, count, lambda turn: self.ours.images())
                self.add(tagging, count, lambda turn: self.ours.command("tag", "image-1", f"other-{turn}"), 1)
        except Failure as failure:
            progress(f"{count:,} images: failed: {failure}")
        finally:
            self.runner.limit = limit
        yield Panel("Listing images", "images in the store", "per image", [listing])
        yield Panel("Giving an image one more name", "images in the store", "in all", [tagging])

    def cold_and_unchanged(self, context, file, count, cold, unchanged):
        def build(turn):
            self.ours.reset()
            return self.ours.build(context, file)

        self.add(cold, count, build)
        self.add(unchanged, count, lambda turn: self.ours.build(context, file))

    def add(self, line, count, command, parts=None):
        """Adds a point: the median time of a command, for each of its parts; a line ends where it fails."""
        if line.failure:
            return
        contexts.settle()
        walls = []
        try:
            for turn in range(ROUNDS):
                walls.append(self.runner.time([command(turn)]).wall)
                if walls[-1] > LONG:
                    break
        except Failure as failure:
            line.failure = f"{count:,}: failed: {failure}"
            progress(f"{line.name}, {line.failure}")
            return
        line.points.append((count, statistics.median(walls) / (parts or count)))


def measure(directory, runner, ours, quick):
    panels = []
    for panel in Curves(directory, runner, ours, quick).panels():
        panel.lines = [line for line in panel.lines if line.points]
        if not panel.lines:
            continue
        for line in panel.lines:
            count, value = line.points[-1]
            progress(f"{panel.title}, {line.name}: {value * 1e6:.0f} µs {panel.unit} at {count:,} {panel.what}")
        panels.append(panel)
    return panels
