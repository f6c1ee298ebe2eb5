"""What is measured. The numbers in budgets are those of the project's blueprint; a ratio is ours to the yardstick."""

import shutil
from pathlib import Path

import containers
import contexts
import isolation
import runners
from contexts import dockerfile, edit, write
from measuring import has, shell
from schedule import Budget, Phase, Skipped, Workload

TAR = "tar | openssl sha256"
FIND = "find -printf"


def every(directory, quick):
    """Yields each workload's name and what makes it: only the files of those that are chosen are written."""
    makers = [
        one_small_file, many_files, deep_tree, large_file, run_steps, base_copy, base_packed, base_run_copy,
        parallel_stages, layers, long_dockerfile, many_images, eight_builds, push, runners.fresh_runner,
        containers.containers, containers.many_containers, containers.compose, isolation.isolation,
    ]
    for maker in makers:
        name = maker.__name__.replace("_", "-")
        yield name, lambda maker=maker, name=name: maker(name, Path(directory) / name, quick)


def one_small_file(name, directory, quick):
    context = write(directory / "context/example.txt", "hello world\n").parent
    file = dockerfile(directory / "Dockerfile", "FROM scratch", "COPY example.txt /example.txt")
    build = lambda builder, number: [builder.build(context, file)]
    return Workload(name, [
        Phase("one-small-file", "One small file, nothing changed", build, [Budget(seconds=0.006)], needed=10),
    ], rounds=10 if quick else 21, start=lambda builder: builder.runner.run(*build(builder, 0)))


def many_files(name, directory, quick):
    files = 5_000 if quick else 50_000
    context = directory / "context"
    tree = contexts.tree(context / "tree", files, files // 25)
    file = dockerfile(directory / "Dockerfile", "FROM scratch", "COPY tree /tree")
    archive = directory / "tree.tar"
    some = next(tree.rglob("*.txt"))
    build = lambda builder, number: [builder.build(context, file)]
    phases = [
        Phase("many-files-cold", f"{files:,} files, cold", build, [Budget(1.3, TAR)], needed=5,
              yardsticks={TAR: lambda number: tar_digest(tree)}),
        Phase("many-files-unchanged", f"{files:,} files, nothing changed", build, [Budget(1.5, FIND)], needed=10,
              yardsticks={FIND: lambda number: find(tree)}, repeat=3),
        Phase("many-files-one-changed", f"{files:,} files, one changed", build,
              [Budget(0.5, phase="many-files-cold")], needed=5,
              change=lambda number: edit(some, f"changed {number:09} " * 100)),
        Phase("many-files-touched", f"{files:,} files, only times changed", build,
              [Budget(phase="many-files-cold")], needed=5,
              change=lambda number: contexts.touch(tree, (1_700_000_000 + number) * 10**9)),
        # Where links are impossible it may take as long as one copy.
        Phase("many-files-export", f"{files:,} files, export as OCI layout",
              lambda builder, number: optional(builder.export("image", directory / f"export-{builder.name}-{number}")),
              [Budget(1.0, "cp")], needed=3,
              yardsticks={"cp": lambda number: shell('cp "$1" "$2"', archive, directory / f"copy-{number}")}),
    ]
    build_archive(tree, archive)
    for phase in phases:
        phase.entries = files
    return Workload(name, phases, rounds=3 if quick else 5, fresh=True, space=files / 10_000)


def deep_tree(name, directory, quick):
    directories = 1_000 if quick else 5_000
    context = directory / "context"
    tree = contexts.deep_tree(context / "tree", directories)
    file = dockerfile(directory / "Dockerfile", "FROM scratch", "COPY tree /tree")
    build = lambda builder, number: [builder.build(context, file)]
    return Workload(name, [
        Phase("deep-tree-cold", f"{directories:,} nested directories, cold", build, [Budget(1.3, TAR)], needed=5,
              yardsticks={TAR: lambda number: tar_digest(tree)}),
        Phase("deep-tree-unchanged", f"{directories:,} nested directories, nothing changed", build,
              [Budget(1.5, FIND)], needed=10, yardsticks={FIND: lambda number: find(tree)}, repeat=3),
    ], rounds=3 if quick else 5, fresh=True)


def large_file(name, directory, quick):
    mebibytes = 128 if quick else 1024
    size = "1 GiB" if mebibytes == 1024 else f"{mebibytes} MiB"
    context = directory / "context"
    context.mkdir(parents=True)
    data = contexts.large_file(context / "data", mebibytes << 20)
    file = dockerfile(directory / "Dockerfile", "FROM scratch", "COPY data /data")
    build = lambda builder, number: [builder.build(context, file)]
    digest_and_copy = lambda number: shell(
        'openssl dgst -sha256 "$1" && cp "$1" "$2"', data, directory / f"copy-{number}")
    return Workload(name, [
        Phase("large-file-cold", f"A file of {size}, cold", build, [Budget(1.3, "openssl + cp")], needed=3,
              yardsticks={"openssl + cp": digest_and_copy}),
        Phase("large-file-unchanged", f"A file of {size}, nothing changed", build, [Budget(seconds=0.006)], needed=10,
              repeat=3),
    ], rounds=3, fresh=True, space=mebibytes / 40)


def run_steps(name, directory, quick):
    base, root = unpacked_busybox(directory)
    file = directory / "Dockerfile"
    unpack = dockerfile(directory / "unpack", "FROM base", "RUN true")

    def start(builder):
        builder.load_base(base, "base")
        builder.runner.run(builder.build(directory / "context", unpack))

    # What a container needs at the least: namespaces, an overlay, /proc, and another root.
    script = """
        set -e
        for step in $(seq 20); do
            mkdir -p "$2/upper-$step" "$2/work-$step" "$2/merged"
            unshare -mpf sh -ec '
                mount -t overlay -o "lowerdir=$1,upperdir=$2/upper-$3,workdir=$2/work-$3" overlay "$2/merged"
                mount -t proc proc "$2/merged/proc"
                exec chroot "$2/merged" /bin/true' sh "$1" "$2" "$step"
        done"""
    return Workload(name, [
        Phase("run-steps", "20 × RUN true, base unpacked", lambda builder, number: [
            builder.build(directory / "context", file)],
            [Budget(seconds=0.12), Budget(yardstick="unshare + overlay + chroot")], needed=10,
            yardsticks={
                "unshare + overlay + chroot": lambda number: shell(script, root, directory / f"steps-{number}")},
            change=lambda number: dockerfile(file, "FROM base", *(f"RUN true {number} {i}" for i in range(20)))),
    ], rounds=5 if quick else 11, start=start, bases=True)


def base_copy(name, directory, quick):
    base = debian()
    file = dockerfile(directory / "Dockerfile", "FROM debian", "COPY example.txt /opt/example.txt")
    changing = directory / "context/example.txt"
    return Workload(name, [
        Phase("base-copy", "Debian + COPY of a changed file", lambda builder, number: [
            builder.build(changing.parent, file)], [Budget(seconds=0.02)], needed=10,
            change=lambda number: edit(changing, f"content {number}\n")),
    ], rounds=5 if quick else 11, start=lambda builder: builder.load_base(base, "debian"), bases=True, space=2)


def base_packed(name, directory, quick):
    base = debian()
    context = write(directory / "context/example.txt", "hello world\n").parent
    file = dockerfile(directory / "Dockerfile", "FROM debian", "RUN true", "COPY example.txt /opt/example.txt")
    # The others unpack a base when it arrives, so there is nothing to compare; where layers can be mounted, ours never does.
    return Workload(name, [
        Phase("base-packed", "Debian, its first RUN, + COPY", lambda builder, number: [
            builder.build(context, file)], [Budget(seconds=0.05), Budget(yardstick="tar xf")], peers=False,
            yardsticks={"tar xf": lambda number: shell(
                'mkdir "$2" && tar xf "$1" -C "$2"', base, directory / f"root-{number}")}),
    ], rounds=3 if quick else 5, fresh=True, bases=True, space=4,
        start=lambda builder: builder.name == "swiftbuild" and builder.load_base(base, "debian"))


def base_run_copy(name, directory, quick):
    base = debian()
    file = directory / "Dockerfile"
    unpack = dockerfile(directory / "unpack", "FROM debian", "RUN true")
    changing = directory / "context/example.txt"

    def start(builder):
        edit(changing, "hello world\n")
        builder.load_base(base, "debian")
        builder.runner.run(builder.build(changing.parent, unpack))

    def change(number):
        edit(changing, f"content {number}\n")
        dockerfile(file, "FROM debian", f"RUN echo {number} > /number", "COPY example.txt /opt/example.txt")

    return Workload(name, [
        Phase("base-run-copy", "Debian, already unpacked: RUN + COPY", lambda builder, number: [
            builder.build(changing.parent, file)], needed=10, change=change),
    ], rounds=5 if quick else 11, start=start, bases=True, space=2)


def parallel_stages(name, directory, quick):
    base, _ = unpacked_busybox(directory)
    file = directory / "Dockerfile"

    def change(number):
        dockerfile(
            file, "FROM base AS left", f"RUN sleep 1; echo {number} > /left", "FROM base AS right",
            f"RUN sleep 1; echo {number} > /right", "FROM scratch", "COPY --from=left /left /",
            "COPY --from=right /right /")

    return Workload(name, [
        Phase("parallel-stages", "Two stages of RUN sleep 1", lambda builder, number: [
            builder.build(directory / "context", file)], [Budget(yardstick="sleep 1")], change=change,
            yardsticks={"sleep 1": lambda number: shell("sleep 1")}),
    ], rounds=3, start=lambda builder: builder.load_base(base, "base"), bases=True)


def layers(name, directory, quick):
    count = 50 if quick else 200
    context = directory / "context"
    for number in range(count):
        write(context / f"file-{number}", f"{number}\n")
    copies = [f"COPY file-{number} /layers/{number}" for number in range(count)]
    plain = dockerfile(directory / "plain", "FROM scratch AS many", *copies)
    copied = dockerfile(directory / "copied", "FROM scratch AS many", *copies, "FROM scratch",
                        "COPY --from=many /layers /")
    build = lambda file: lambda builder, number: [builder.build(context, file)]
    return Workload(name, [
        Phase("layers-cold", f"{count} layers, cold", build(plain)),
        Phase("layers-unchanged", f"{count} layers, nothing changed", build(plain), needed=10, repeat=3),
        Phase("layers-copied", f"COPY --from of {count} layers", build(copied), peers=False),
    ], rounds=3 if quick else 5, fresh=True)


def long_dockerfile(name, directory, quick):
    context = write(directory / "context/example.txt", "hello world\n").parent
    instructions = ["RUN echo {} \\\n    && true", "ENV NAME_{0}=$OTHER_{0}", "# {}", "COPY --chown=1:1 a{} b",
                    "LABEL l.{}=v"]
    lines = [instructions[number % 5].format(number) for number in range(10_000 // 6 * 5)]
    file = dockerfile(directory / "Dockerfile", "FROM scratch AS wanted", "COPY example.txt /", "FROM scratch", *lines)
    build = lambda builder, number: [builder.build(context, file, target="wanted")]
    return Workload(name, [
        Phase("long-dockerfile", "10,000 lines of Dockerfile, 2 needed", build),
    ], rounds=5 if quick else 11, start=lambda builder: builder.runner.run(*build(builder, 0)))


def many_images(name, directory, quick):
    directory.mkdir()
    return Workload(name, [
        Phase("many-images", "`images` with 1,000 images", lambda builder, number: optional(builder.images())),
    ], rounds=5 if quick else 11, start=lambda builder: builder.fill(1000, directory / f"{builder.name}.tar"))


def eight_builds(name, directory, quick):
    base, _ = unpacked_busybox(directory)
    names = range(8)
    unpack = dockerfile(directory / "unpack", "FROM base", "RUN true")

    def start(builder):
        builder.load_base(base, "base")
        builder.runner.run(builder.build(directory / "context", unpack))

    def change(number):
        for each in names:
            dockerfile(directory / f"Dockerfile-{each}", "FROM base", f"RUN echo {number} {each} > /number",
                       "COPY example.txt /")

    return Workload(name, [
        Phase("eight-builds", "8 builds at once, each RUN + COPY", lambda builder, number: [
            builder.build(directory / "context", directory / f"Dockerfile-{each}", f"image-{each}") for each in names],
            needed=10, change=change, processes=8),
    ], rounds=5, start=start, bases=True)


def push(name, directory, quick):
    mebibytes = 64 if quick else 1024
    context = directory / "context"
    context.mkdir(parents=True)
    registry = contexts.registry(directory)
    if registry is None or not has("pigz"):
        raise Skipped("it needs docker-registry and pigz")
    data = contexts.half_compressible_file(context / "data", mebibytes << 20)
    file = dockerfile(directory / "Dockerfile", "FROM scratch", "COPY data /data")

    def change(number):
        contexts.overwrite_start(data, number)
        # What was sent before would only fill the disk, or the memory.
        shutil.rmtree(directory / "registry/docker", ignore_errors=True)

    return Workload(name, [
        # Each round has another layer: peers remember what a registry has under another name.
        Phase("push-cold", f"Push of {mebibytes} MiB, compressed for it", lambda builder, number: optional(
            builder.push("image", f"{registry}/{builder.name}-{number}")), [Budget(0.8, yardstick="pigz")], needed=1.25,
            change=change, before=lambda builder: builder.runner.run(builder.build(context, file)),
            yardsticks={"pigz": lambda number: shell('exec pigz -6 -c "$1" > "$2"', data, directory / "gz")}),
    ], rounds=3, fresh=True, space=mebibytes / 150)


def unpacked_busybox(directory):
    """A small base, as a tar and as a directory, and beside it a context with one file."""
    write(directory / "context/example.txt", "hello world\n")
    base = contexts.busybox(directory / "base.tar")
    root = directory / "base"
    root.mkdir()
    contexts.run("tar", "xf", base, "-C", root)
    return base, root


def debian():
    path, reason = contexts.debian()
    if path is None:
        raise Skipped(reason)
    return path


def build_archive(tree, archive):
    contexts.run("tar", "cf", archive, "-C", tree.parent, tree.name)


def tar_digest(tree):
    return shell('tar cf - -C "$1" . | openssl dgst -sha256', tree)


def find(tree):
    return shell("exec find \"$1\" -printf '%s %T@ %p\\n'", tree)


def optional(command):
    return None if command is None else [command]
