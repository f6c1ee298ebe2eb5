"""Runs commands and says what they cost: time from the clock and the kernel, and counts from instrumented runs."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass


class Failure(Exception):
    """A command that did not do what it should have, with the last thing that it said."""


@dataclass(frozen=True)
class Command:
    arguments: list
    environment: dict | None = None


@dataclass
class Sample:
    """What one run cost; for commands that ran at once, together."""

    wall: float
    cpu: float = 0.0
    # Bytes through system calls, whether or not a disk was involved, of the process and all it waited for.
    read: int | None = None
    written: int | None = None
    # KiB. The kernel counts the memory that this program had at the moment of starting the other one, so that only
    # what exceeds it is known.
    peak: int | None = None


def shell(script, *arguments):
    return Command(["sh", "-c", script, "sh", *map(str, arguments)])


class Runner:
    """Runs commands with their error output in a log, never longer than a limit."""

    def __init__(self, directory, limit):
        self.log = os.path.join(directory, "log")
        self.scratch = os.path.join(directory, "instrument")
        self.limit = limit
        self.children = []
        signal.signal(signal.SIGALRM, self._expired)

    def time(self, commands):
        """Starts the commands at once and waits for all; no shell, and nothing else, between the clock and them."""
        # What earlier runs wrote would otherwise be brought to the disk while this one is measured.
        os.sync()
        logs = [f"{self.log}-{index}" for index in range(len(commands))]
        signal.setitimer(signal.ITIMER_REAL, self.limit)
        statuses = []
        try:
            start = time.perf_counter()
            for command, log in zip(commands, logs):
                self.children.append(_spawn(command, log))
            for child in self.children:
                os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            sample = Sample(time.perf_counter() - start)
            signal.setitimer(signal.ITIMER_REAL, 0)
            while self.children:
                self._account(self.children[0], sample, statuses)
                self.children.pop(0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._kill()
        for status, log in zip(statuses, logs):
            if status != 0:
                raise Failure(_last_line(log) or f"ended with {status}")
        return sample

    def run(self, *commands):
        """Runs commands one after the other, as preparation."""
        for command in commands:
            self.time([command])

    def peak(self, commands):
        """Peak memory in KiB: `time` is a small program, so that its child starts from next to nothing."""
        def wrapped(command, number):
            return ["time", "-f", "%M", "-o", f"{self.scratch}-{number}", *command.arguments]

        return sum(int(line.split()[-1]) for line in self._instrumented(commands, wrapped))

    def calls(self, commands):
        """The number of system calls of a command and all that it started."""
        def wrapped(command, number):
            return ["strace", "-f", "-q", "-c", "-U", "calls,name", "-o", f"{self.scratch}-{number}",
                    *command.arguments]

        return sum(int(line.split()[0]) for line in self._instrumented(commands, wrapped))

    def _instrumented(self, commands, wrapped):
        numbered = list(enumerate(commands))
        self.time([Command(wrapped(command, number), command.environment) for number, command in numbered])
        for number, _ in numbered:
            with open(f"{self.scratch}-{number}") as lines:
                yield lines.read().splitlines()[-1]

    def _account(self, child, sample, statuses):
        with contextlib.suppress(OSError, KeyError):
            # Still a zombie: its counters, into which those of its own children went, can be read.
            with open(f"/proc/{child}/io") as lines:
                counters = dict(line.split(": ") for line in lines.read().splitlines())
            sample.read = (sample.read or 0) + int(counters["rchar"])
            sample.written = (sample.written or 0) + int(counters["wchar"])
        _, status, usage = os.wait4(child, 0)
        sample.cpu += usage.ru_utime + usage.ru_stime
        if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.1:
            sample.peak = (sample.peak or 0) + usage.ru_maxrss
        statuses.append(os.waitstatus_to_exitcode(status))

    def _expired(self, *_):
        raise Failure(f"took more than {self.limit:.0f} s")

    def _kill(self):
        for child in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.wait4(child, 0)
        self.children.clear()


def _spawn(command, log):
    environment = os.environ if command.environment is None else command.environment
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, log, flags, 0o644),
    ]
    try:
        return os.posix_spawnp(command.arguments[0], command.arguments, environment, file_actions=actions, setpgroup=0)
    except FileNotFoundError:
        raise Failure(f"there is no `{command.arguments[0]}`") from None


def _last_line(log):
    with open(log, errors="replace") as lines:
        said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if "error" in line.lower()]
    return (errors or said or [""])[-1][:300]


def output(*arguments, **options):
    """What a command prints, or nothing where it does not work."""
    try:
        result = subprocess.run(arguments, capture_output=True, text=True, **options)
    except OSError:
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def has(tool):
    return shutil.which(tool) is not None
