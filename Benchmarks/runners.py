"""Builds on machines of CI: the store is empty each time, and a registry has the base, the cache and the image."""

from functools import partial
import contexts
from contexts import dockerfile, edit, write
from network import Way
from schedule import Phase, Size, Skipped, Workload


def fresh_runner(name, directory, quick):
    mebibytes = 16 if quick else 64
    context = directory / "context"
    source = write(context / "src/main.txt", "source 0\n")
    for number in range(200):
        write(context / f"src/{number}.txt", f"{number}\n")
    write(context / "requirements.txt", "first==1.0\n")
    registry = contexts.registry(directory)
    if registry is None:
        raise Skipped("it needs docker-registry")
    way = Way(registry)
    base = contexts.busybox(directory / "base.tar")
    file = dockerfile(
        directory / "Dockerfile", f"FROM {way.host}/base", "WORKDIR /app", "COPY requirements.txt .",
        # What packages are: much that cannot be compressed further.
        f"RUN mkdir /packages && dd if=/dev/urandom of=/packages/all bs=1M count={mebibytes}", "COPY src src",
        "RUN cat src/*.txt > built", "RUN wc -l built > lines", "ENV STAGE=last", 'CMD ["cat", "lines"]')
    filled = set()

    def build(builder, number):
        command = builder.build_for_registry(context, file, f"{way.host}/{builder.name}")
        return command and [command]

    def fill(builder):
        """What another machine has built and pushed before."""
        if builder.name in filled:
            return
        builder.load_base(base, "base")
        way.begin(0)
        if not filled:
            builder.runner.run(builder.push("base", f"{way.host}/base"))
        filled.add(builder.name)
        builder.runner.run(*build(builder, 0) or [])

    def prepare(delay, builder):
        builder.reset()
        way.begin(delay)

    def received(builder):
        edit(source, "source 0\n")
        prepare(0, builder)
        builder.runner.run(*build(builder, 0) or [])
        return way.received

    phases = []
    for delay in [0.02] if quick else [0, 0.005, 0.02]:
        title = f"Fresh runner, {delay * 1000:.0f} ms to the registry: "
        phases += [
            Phase(f"fresh-cached-{delay * 1000:.0f}ms", title + "all cached", build, needed=3.3,
                  change=lambda number: edit(source, "source 0\n"), before=partial(prepare, delay), is_traced=False),
            Phase(f"fresh-changed-{delay * 1000:.0f}ms", title + "a source changed", build, needed=1.7,
                  change=lambda number, delay=delay: edit(source, f"source {number} {delay}\n"),
                  before=partial(prepare, delay), is_traced=False),
        ]
    return Workload(name, phases, rounds=3 if quick else 7, start=fill, networked=True, bases=True, space=2, sizes=[
        Size("Fresh runner, all cached: from the registry", received, 100_000),
    ])
