"""Containers: what is measured of them, and Podman, which builds nothing here."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import contexts
from builders import Builder
from measuring import Command, Failure, has, output
from schedule import Budget, Phase, Size, Workload

SLEEP = ["sleep", "100000"]


class Podman(Builder):
    """Podman in a network namespace of its own, so that its bridge and its rules do not become the machine's."""

    name = "podman"
    builds = False
    runs_containers = True

    def __init__(self, directory, runner):
        super().__init__(directory, runner)
        self.namespace = None
        self.runtime = []
        # Its own limits are higher than root may set everywhere.
        self.configuration = self.directory / "containers.conf"
        self.configuration.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')

    def version(self):
        return output("podman", "--version").removeprefix("podman version ")

    def reset(self):
        self.close()
        super().reset()
        self.namespace = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)

    def close(self):
        if self.namespace is not None:
            self.clear()
            self.namespace.kill()
            self.namespace.wait()
            self.namespace = None

    def command(self, *arguments):
        return Command(["nsenter", f"--net=/proc/{self.namespace.pid}/ns/net", "podman", "--root", str(self.store),
                        "--runroot", f"{self.store}-run", "--storage-driver", "overlay", "--cgroup-manager", "cgroupfs",
                        "--log-level", "error", *self.runtime, *map(str, arguments)],
                       {**os.environ, "CONTAINERS_CONF": str(self.configuration)})

    def load_base(self, tar, name):
        self.runner.run(self.command("import", "--quiet", tar, name))
        # crun 1.8 does not run with control groups of both versions.
        for runtime in [], ["--runtime", shutil.which("runc") or "runc"]:
            self.runtime = runtime
            with contextlib.suppress(Failure):
                return self.runner.run(self.command("run", "--rm", name, "true"))
        raise Failure("runs nothing on this machine")


def peer(directory, runner):
    """Podman, or why it is left out."""
    if not has("podman"):
        return None, "podman is not installed"
    if os.geteuid() != 0:
        return None, "needs root"
    return Podman(directory, runner), None


def containers(name, directory, quick):
    directory.mkdir()
    base = contexts.busybox(directory / "base.tar")

    def start(builder):
        builder.load_base(base, "base")
        builder.runner.run(builder.command("run", "-d", "--name", "web", "base", *SLEEP))

    return Workload(name, [
        Phase("run-detached", "`run -d` on a bridge", lambda builder, number: [
            builder.command("run", "-d", "--name", "detached", "base", *SLEEP)], [Budget(seconds=0.04)],
            # Whatever traces it would wait for the end of the container.
            before=lambda builder: builder.clear("detached"), is_traced=False),
        Phase("run-true", "`run --rm`, true", lambda builder, number: [
            builder.command("run", "--rm", "base", "true")], is_traced=False),
        Phase("exec-true", "`exec`, true", lambda builder, number: [
            builder.command("exec", "web", "true")], [Budget(seconds=0.01)]),
    ], rounds=5 if quick else 21, start=start, end=Builder.clear, bases=True, containers=True,
        sizes=[Size("Memory beside a container", supervisor_memory, 10_000_000)])


def many_containers(name, directory, quick):
    count = 20 if quick else 100
    directory.mkdir()
    base = contexts.busybox(directory / "base.tar")

    def start(builder):
        builder.load_base(base, "base")
        for _ in range(count):
            builder.runner.run(builder.command("run", "-d", "--network", "none", "base", *SLEEP))

    return Workload(name, [
        Phase("many-containers", f"`ps` with {count} containers", lambda builder, number: [builder.command("ps")],
              [Budget(seconds=0.01)]),
    ], rounds=5 if quick else 21, start=start, end=Builder.clear, bases=True, containers=True)


def compose(name, directory, quick):
    directory.mkdir()
    base = contexts.busybox(directory / "base.tar")
    ten, many = directory / "compose.yaml", directory / "many.yaml"
    ten.write_text(_services(10))
    many.write_text(_services(20 if quick else 200))

    def start(builder):
        builder.load_base(base, "base")
        up = builder.compose(ten, "up", "-d")
        if up is not None:
            builder.runner.run(up)

    def phase(name, title, file, arguments, budgets=()):
        def commands(builder, number):
            command = builder.compose(file, *arguments)
            return None if command is None else [command]

        return Phase(name, title, commands, list(budgets), is_traced=False)

    return Workload(name, [
        phase("compose-unchanged", "`compose up -d`, ten services, nothing changed", ten, ["up", "-d"],
              [Budget(seconds=0.1)]),
        phase("compose-config", f"`compose config`, {20 if quick else 200} services", many, ["config", "-q"],
              [Budget(seconds=0.05)]),
    ], rounds=3 if quick else 11, start=start, end=Builder.clear, bases=True, containers=True)


def _services(count):
    """A file of services in chains of ten."""
    def service(number):
        after = f"    depends_on: [s{number - 1}]\n" if number % 10 else ""
        return (f"  s{number}:\n    image: base\n    command: sleep 100000\n    init: true\n"
                f"    environment: {{NUMBER: \"{number}\", LEVEL: info}}\n{after}")

    return "version: '3.7'\nservices:\n" + "".join(map(service, range(count)))


def supervisor_memory(builder):
    """Bytes of the process that started the container's: a supervisor, a shim or conmon.

    Pages that several of them share are divided among them.
    """
    inspect = builder.command("inspect", "-f", "{{.State.Pid}}", "web")
    process = output(*inspect.arguments, env=inspect.environment)
    parent = _field(Path(f"/proc/{process}/status"), "PPid:")
    return _field(Path(f"/proc/{parent}/smaps_rollup"), "Pss:") * 1024


def _field(path, name):
    return next(int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(name))
