"""Plays workloads: each contender once in each round, in an order that rotates, so that noise meets all alike."""

import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

import contexts
from measuring import Failure

# Seconds that one peer may take for one workload before it gets no further round, and before not even a second one.
PEER_SECONDS = 30
SECOND_ROUND_SECONDS = 30
# System calls are counted where a round of a peer is shorter than this: tracing makes it several times longer.
TRACED_SECONDS = 10
OURS = "swiftbuild"


class Skipped(Exception):
    """A workload cannot be prepared on this machine."""


@dataclass
class Budget:
    """What a time may be at most: a factor of a yardstick or of another phase, or a number of seconds.

    Without a factor the ratio is only shown.
    """

    factor: float | None = None
    yardstick: str | None = None
    phase: str | None = None
    seconds: float | None = None
    # Another phase, whose time is taken off before.
    besides: str | None = None
    # What the other phase is called.
    label: str = "cold"


@dataclass
class Phase:
    """One thing that is measured, and a row of the table."""

    name: str
    title: str
    # From a builder and a number that no other run has to the commands to start at once; None where it has none.
    commands: Callable
    budgets: list = field(default_factory=list)
    # How many times slower the slowest requirement wants each peer to be.
    needed: float | None = None
    # Plain commands on the same files, by name; from the same number.
    yardsticks: dict = field(default_factory=dict)
    # Changes what is built, before anyone is measured.
    change: Callable = lambda number: None
    # Makes room for one run of a builder, before that is measured.
    before: Callable = lambda builder: None
    # May be repeated within a round, since it leaves everything as it was.
    repeat: int = 1
    # Whether system calls can be counted.
    is_traced: bool = True
    peers: bool = True
    # How many files are held in memory at most, and by how many processes; by none where others need more.
    entries: int = 0
    processes: int = 1

    @property
    def peak_limit(self):
        """KiB that ours may need: however large files are, it is so much, and 1 KiB for each of them."""
        return (64_000_000 // 1024 + self.entries) * self.processes


@dataclass
class Size:
    """Something that is not a time, in bytes, and how much it may be."""

    title: str
    of: Callable
    limit: int


@dataclass
class Workload:
    """Phases on one store; with `fresh`, on a new one in each round."""

    name: str
    phases: list
    rounds: int
    # Brings the store of a builder, which is empty, to where the first phase starts.
    start: Callable = lambda builder: None
    fresh: bool = False
    bases: bool = False
    # Whether containers are measured, and not builds.
    containers: bool = False
    # Whether builders reach the network of this machine.
    networked: bool = False
    # What is measured once, in the state in which the phases leave the store of a builder.
    sizes: list = field(default_factory=list)
    end: Callable = lambda builder: None
    # GiB that all rounds write, roughly.
    space: float = 0.2


@dataclass
class Series:
    """All that is known of one contender in one phase."""

    samples: list = field(default_factory=list)
    peak: int | None = None
    calls: int | None = None
    failure: str | None = None

    @property
    def walls(self):
        return [sample.wall for sample in self.samples]

    @property
    def wall(self):
        return statistics.median(self.walls) if self.samples else None

    @property
    def spread(self):
        """Half the distance between the quartiles, as a part of the median."""
        walls = sorted(self.walls)
        if len(walls) < 2:
            return None
        low, _, high = statistics.quantiles(walls, n=4, method="inclusive")
        return (high - low) / 2 / self.wall

    def median(self, name):
        values = [getattr(sample, name) for sample in self.samples]
        values = [value for value in values if value is not None]
        return statistics.median(values) if values else None


class Play:
    """One workload, and what came out of it: `series[phase][contender]`."""

    def __init__(self, workload, builders, runner, rounds=None):
        self.workload = workload
        self.builders = [
            builder for builder in builders if (builder.has_bases or not workload.bases)
            and (builder.runs_containers if workload.containers else builder.builds)
            and (builder.name == OURS or any(phase.peers for phase in workload.phases))
        ]
        self.runner = runner
        self.rounds = rounds or workload.rounds
        self.series = {phase.name: {} for phase in workload.phases}
        self.sizes = {size.title: {} for size in workload.sizes}
        self.spent = {builder.name: [] for builder in self.builders}
        self.failed = {}
        self.number = 0

    def run(self):
        if not self.workload.fresh:
            self.start(self.builders)
        for turn in range(self.rounds):
            self.round([builder for builder in self.builders if self.takes_part(builder, turn)], turn)
        self.instrumented(self.runner.peak, "peak", [b for b in self.builders if b.name == OURS])
        self.instrumented(self.runner.calls, "calls", [
            b for b in self.builders
            if b.name == OURS or b.works_itself and sum(self.spent[b.name][-1:]) < TRACED_SECONDS
        ])
        self.finish()
        return self.series

    def finish(self):
        for builder in self.builders:
            if builder.name in self.failed:
                continue
            for size in self.workload.sizes:
                try:
                    self.sizes[size.title][builder.name] = size.of(builder)
                except (OSError, ValueError, StopIteration) as failure:
                    progress(f"{size.title}: {builder.name}: {failure}")
            self.workload.end(builder)

    def takes_part(self, builder, turn):
        if builder.name in self.failed:
            return False
        spent = self.spent[builder.name]
        if builder.name == OURS or turn == 0:
            return True
        if turn == 1:
            return spent[0] < SECOND_ROUND_SECONDS
        return len(spent) == turn and sum(spent) + spent[-1] <= PEER_SECONDS

    def start(self, builders):
        contexts.settle()
        for builder in builders:
            try:
                builder.networked = self.workload.networked
                builder.reset()
                self.workload.start(builder)
            # Whatever one builder cannot do, the others are still measured.
            except (Failure, OSError, ValueError, LookupError) as failure:
                self.fail(builder, failure)

    def fail(self, builder, failure, first=None):
        """Leaves a builder out from here on, and says so in each phase that it has no result of."""
        self.failed[builder.name] = str(failure)
        progress(f"{builder.name} failed: {failure}")
        for phase in self.workload.phases:
            series = self.series[phase.name].setdefault(builder.name, Series())
            if not series.samples:
                series.failure = str(failure)

    def round(self, builders, turn):
        if self.workload.fresh:
            self.start(builders)
        contexts.settle()
        self.number += 1
        begun = {builder.name: 0.0 for builder in builders}
        for phase in self.workload.phases:
            phase.change(self.number)
            last = {}
            for repetition in range(phase.repeat):
                contenders = [b for b in builders if b.name not in self.failed and (phase.peers or b.name == OURS)]
                contenders += phase.yardsticks
                shift = (turn + repetition) % max(1, len(contenders))
                for contender in contenders[shift:] + contenders[:shift]:
                    name = contender if isinstance(contender, str) else contender.name
                    # What takes long varies little, and costs the rounds of others.
                    if last.get(name, 0) > 1:
                        continue
                    # Each repetition has a number of its own: some write to a place that must be new.
                    number = f"{self.number}-{repetition}"
                    sample = self.sample(phase, contender, number)
                    if sample is not None:
                        last[name] = sample.wall
                        if name in begun:
                            begun[name] += sample.wall
            if turn == 0 or sum(last.values()) > 0.5:
                walls = ", ".join(f"{name} {seconds(wall)}" for name, wall in last.items())
                progress(f"{phase.title}, round {turn + 1}: {walls}")
        for builder in builders:
            self.spent[builder.name].append(begun[builder.name])

    def sample(self, phase, contender, number):
        name = contender if isinstance(contender, str) else contender.name
        try:
            if isinstance(contender, str):
                commands = [phase.yardsticks[contender](number)]
            else:
                # First, since it may give the builder another store.
                phase.before(contender)
                commands = phase.commands(contender, number)
            if commands is None:
                return None
            sample = self.runner.time(commands)
        except Failure as failure:
            if isinstance(contender, str):
                self.series[phase.name].setdefault(name, Series()).failure = str(failure)
            else:
                self.fail(contender, failure)
            return None
        self.series[phase.name].setdefault(name, Series()).samples.append(sample)
        return sample

    def instrumented(self, measure, attribute, builders):
        """One more round, in which only counts are taken."""
        builders = [builder for builder in builders if builder.name not in self.failed]
        if self.workload.fresh:
            self.start(builders)
        contexts.settle()
        self.number += 1
        for phase in self.workload.phases:
            phase.change(self.number)
            for builder in builders:
                if builder.name in self.failed or not (phase.peers or builder.name == OURS):
                    continue
                if attribute == "calls" and not phase.is_traced:
                    continue
                try:
                    phase.before(builder)
                    commands = phase.commands(builder, f"{self.number}-0")
                    if commands is None:
                        continue
                    setattr(self.series[phase.name][builder.name], attribute, measure(commands))
                except Failure as failure:
                    progress(f"{phase.title}: no {attribute} of {builder.name}: {failure}")


def seconds(value):
    if value is None:
        return "–"
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 0.1:
        return f"{value * 1000:.2f} ms" if value < 0.01 else f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


_begun = time.monotonic()


def progress(text):
    elapsed = time.monotonic() - _begun
    print(f"[{elapsed // 60:.0f}:{elapsed % 60:02.0f}] {text}", file=sys.stderr, flush=True)
