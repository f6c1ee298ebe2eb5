"""RUN at each level of isolation, as ratios to what root of the machine has."""

import contextlib
import os
import shutil

import contexts
from contexts import dockerfile, write
from measuring import Command, Failure
from schedule import Budget, Phase, Skipped, Workload, progress

NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
KEPT = ("chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod "
        "audit_write setfcap")
PACKAGES = "apt-get install -y -q --no-install-recommends"


class Level:
    """A place where that isolation is the strongest, and a store of its own."""

    def __init__(self, name, owner, wrapper, directory):
        self.name, self.owner, self.wrapper = name, owner, wrapper
        self.home = directory / f"level-{name}"
        self.works = False

    def command(self, builder, *arguments):
        environment = {**os.environ, "SWIFTBUILD_ROOT": str(self.home / "store"), "HOME": str(self.home),
                       "SWIFTBUILD_ISOLATION": self.name}
        return Command([*self.wrapper, builder.binary, *map(str, arguments)], environment)

    def prepare(self, builder, base, context, files):
        """Whether builds work there; the base is imported, and the packages are in it, but not installed."""
        self.home.mkdir(exist_ok=True)
        os.chown(self.home, self.owner, self.owner)
        self.works = True
        try:
            builder.runner.run(self.command(builder, "import", base, "debian"))
            for file in files:
                builder.runner.run(self.command(builder, "build", "-f", file, "-t", file.name, context))
        except Failure as failure:
            self.works = False
            progress(f"isolation {self.name} is left out: {failure}")


def levels(directory):
    ranges = directory / "ranges"
    ranges.write_text("nobody:200000:65536\n")
    bind = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"'
    nothing = "--ambient-caps -all --inh-caps -all --bounding-set -all --no-new-privs"
    user = ["setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", "unshare", "--user", "--map-user=1000",
            "--map-group=1000", "--keep-caps", "sh", "-c",
            f'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv {nothing} "$@"', "sh"]
    return [
        Level("full", 0, [], directory),
        Level("userns", 65534, ["unshare", "--mount", "sh", "-c", bind, str(ranges), *NOBODY], directory),
        Level("userns-single", 65534, [*NOBODY, "--no-new-privs"], directory),
        Level("chroot", 0, ["setpriv", "--bounding-set", ",".join(["-all", *("+" + name for name in KEPT.split())])],
              directory),
        Level("ptrace", 1000, user, directory),
    ]


def isolation(name, directory, quick):
    base, reason = contexts.debian()
    if base is None:
        raise Skipped(reason)
    context = write(directory / "context/example.txt", "hello world\n").parent
    # Ordinary users read what is here.
    for path in (directory.parent, directory):
        os.chmod(path, 0o755)
    archive = shutil.copy(base, directory / "debian.tar")
    packages = "tcc" if quick else "gcc libc6-dev"
    count = 5 if quick else 20
    prepared = dockerfile(directory / "prepared", "FROM debian", f"RUN apt-get update && {PACKAGES} -d {packages}")
    unpacked = dockerfile(directory / "unpacked", "FROM debian", "RUN true")
    places = levels(directory)
    files = {"one": directory / "one", "steps": directory / "steps", "packages": directory / "packages"}

    def start(builder):
        for place in places:
            place.prepare(builder, archive, context, [unpacked, prepared])

    def change(number):
        dockerfile(files["one"], "FROM debian", f"RUN true {number} first")
        dockerfile(files["steps"], "FROM debian", f"RUN true {number} first", *(
            f"RUN true {number} {step}" for step in range(count)))
        dockerfile(files["packages"], "FROM prepared", f"RUN : {number}; {PACKAGES} --no-download {packages}")

    def phase(kind, place, title, budgets):
        def commands(builder, number):
            if not place.works:
                return None
            return [place.command(builder, "build", "--no-cache", "-f", files[kind], "-t", kind, context)]

        return Phase(f"isolation-{kind}-{place.name}", f"{title}, {place.name}", commands, budgets, change=change,
                     is_traced=False, peers=False, processes=0 if kind == "packages" else 1)

    phases = []
    steps = {"full": None, "userns": 0.01, "userns-single": 0.01, "chroot": 0.025, "ptrace": None}
    ratios = {"userns": 1.5, "userns-single": 1.5, "chroot": 1.5, "ptrace": 4}
    for place in places:
        first = f"isolation-one-{place.name}"
        most = steps[place.name]
        phases.append(phase("one", place, "Debian: RUN true", []))
        phases.append(phase("steps", place, f"Debian: {count} × RUN true more",
                            [Budget(seconds=most * count, besides=first)] if most else []))
    for place in places:
        ratio = ratios.get(place.name)
        phases.append(phase("packages", place, f"Debian: installing {packages}", [
            Budget(ratio, phase="isolation-packages-full", label="full")] if ratio else []))

    return Workload(name, phases, rounds=1 if quick else 3, start=start, end=lambda builder: remove(builder, places),
                    bases=True, space=8)


def remove(builder, places):
    """Files of subordinate users are removed by who has them."""
    for place in places:
        with contextlib.suppress(Failure):
            builder.runner.run(place.command(builder, "prune", "--all", "--force"))
