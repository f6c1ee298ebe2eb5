"""The builders that are compared: ours and its peers, each with stores of its own that nothing else uses."""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from contexts import REPOSITORY, images_archive
from measuring import Command, Failure, has, output


class Builder:
    """What a workload asks of a builder; a command that it does not have is None."""

    name = ""
    # Whether the process that is started does the work, so that its counts say something.
    works_itself = True
    # Whether it can start from an image that is only on this machine.
    has_bases = True
    builds = True
    runs_containers = False
    # Whether it reaches the network of this machine; others have one of their own where they make rules.
    networked = False

    def __init__(self, directory, runner):
        self.directory = Path(directory) / self.name
        self.directory.mkdir()
        self.runner = runner
        self.generation = 0

    def version(self):
        return ""

    def reset(self):
        """Starts with an empty store: a new one, since making files is slow for minutes after many were removed."""
        self.generation += 1
        self.store = self.directory / str(self.generation)

    def close(self):
        pass

    def command(self, *arguments):
        raise NotImplementedError

    def clear(self, *names):
        """Removes containers with what runs in them: all unless some are named; those that are missing are fine."""
        every = self.command("ps", "-aq")
        names = names or output(*every.arguments, env=every.environment).split()
        if names:
            with contextlib.suppress(Failure):
                self.runner.run(self.command("rm", "-f", *names))

    def compose(self, file, *arguments):
        """Does something with the services of a Compose file."""
        return None

    def load_base(self, tar, name):
        raise NotImplementedError

    def build(self, context, dockerfile, tag="image", target=None):
        raise NotImplementedError

    def export(self, tag, destination):
        """Writes an image as an OCI layout, or as what is nearest to one."""
        return None

    def push(self, tag, name):
        """Sends an image to a registry without TLS."""
        return None

    def build_for_registry(self, context, dockerfile, name):
        """Builds with a cache in a registry without TLS, as CI does, and pushes cache and image."""
        return None

    def images(self):
        return None

    def fill(self, count, scratch):
        """Puts many images into the store, where there is a command to list them."""


class Swiftbuild(Builder):
    name = "swiftbuild"
    runs_containers = True

    def __init__(self, directory, runner, binary=REPOSITORY / "bin/swiftbuild"):
        super().__init__(directory, runner)
        self.binary = str(binary)

    def version(self):
        built = self.binary == str(REPOSITORY / "bin/swiftbuild")
        commit = output("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty") if built else ""
        return " ".join([output(self.binary, "--version"), commit]).strip()

    def close(self):
        if self.generation:
            self.clear()

    def command(self, *arguments):
        environment = {**os.environ, "SWIFTBUILD_ROOT": str(self.store)}
        return Command([self.binary, *map(str, arguments)], environment)

    def compose(self, file, *arguments):
        return self.command("compose", "-f", file, *arguments)

    def load_base(self, tar, name):
        self.runner.run(self.command("import", tar, name))

    def build(self, context, dockerfile, tag="image", target=None):
        return self.command("build", "-f", dockerfile, "-t", tag, *_target(target), context)

    def export(self, tag, destination):
        return self.command("save", "--format", "oci", "-o", f"{destination}/", tag)

    def push(self, tag, name):
        return Command(["sh", "-c", '"$0" tag "$1" "$2" && exec "$0" push "$2"', self.binary, tag, name],
                       self.command().environment)

    def build_for_registry(self, context, dockerfile, name):
        return self.command("build", "-f", dockerfile, "-t", f"{name}/app", "--cache-from", f"{name}/cache",
                            "--cache-to", f"{name}/cache", "--push", context)

    def images(self):
        return self.command("images")

    def fill(self, count, scratch):
        self.runner.run(self.command("load", "-i", images_archive(scratch, count)))


class Docker(Builder):
    """Docker's classic builder and its containers, in a daemon of our own.

    It has a network namespace of its own, so that its bridge and its rules do not become the machine's; where it needs
    the machine's, it has neither.
    """

    name = "docker"
    works_itself = False
    runs_containers = True
    buildkit = "0"

    def __init__(self, directory, runner):
        super().__init__(directory, runner)
        self.client = _docker_client()
        self.daemon = None

    def version(self):
        return output("dockerd", "--version").removeprefix("Docker version ").split(",")[0]

    def reset(self):
        self.close()
        super().reset()
        self.start()

    def start(self):
        """Starts the daemon on the store it had, if any."""
        self.close()
        _end(Path(f"{self.store}-run/containerd/containerd.pid"))
        # A path of a socket may have 107 bytes, so it is not below the directory of the work.
        self.socket = f"/tmp/swiftbuild-benchmark-{os.getpid()}-{self.name}.sock"
        with open(self.directory / "log", "a") as log:
            start = (["dockerd", "--bridge", "none", "--iptables=false", "--ip6tables=false"] if self.networked
                     else ["unshare", "--net", "dockerd"])
            self.daemon = subprocess.Popen(
                [*start, "--host", f"unix://{self.socket}", "--data-root", self.store,
                 "--exec-root", f"{self.store}-run", "--pidfile", f"{self.store}-pid"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for _ in range(300):
            if self.daemon.poll() is not None:
                break
            if output(*self.command("version").arguments, env=self.environment()):
                return
            time.sleep(0.1)
        self.close()
        raise Failure("dockerd does not start")

    def close(self):
        if self.daemon is None:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(30)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None
        Path(self.socket).unlink(missing_ok=True)

    def compose(self, file, *arguments):
        """Debian's docker-compose, which is not the plugin of Docker's client."""
        if not has("docker-compose"):
            return None
        return Command(["docker-compose", "-f", str(file), *arguments],
                       {**self.environment(), "DOCKER_HOST": f"unix://{self.socket}"})

    def environment(self):
        return {**os.environ, "DOCKER_BUILDKIT": self.buildkit, "DOCKER_CONFIG": str(self.directory)}

    def command(self, *arguments):
        return Command([self.client, "--host", f"unix://{self.socket}", *map(str, arguments)], self.environment())

    def load_base(self, tar, name):
        self.runner.run(self.command("import", tar, name))

    def build(self, context, dockerfile, tag="image", target=None):
        return self.command("build", "--network", "host", "-f", dockerfile, "-t", tag, *_target(target), context)

    def export(self, tag, destination):
        return self.command("save", "-o", destination, tag)

    def images(self):
        return self.command("images")

    def fill(self, count, scratch):
        self.runner.run(self.command("load", "-i", images_archive(scratch, count)))


def _end(pid_file):
    """Ends the process that a daemon which crashed left behind, since the next one waits for it in vain."""
    try:
        process = int(pid_file.read_text())
        os.kill(process, signal.SIGKILL)
        for _ in range(300):
            if not Path(f"/proc/{process}").exists():
                break
            time.sleep(0.01)
    except (FileNotFoundError, ProcessLookupError):
        return
    pid_file.unlink(missing_ok=True)


class DockerBuildKit(Docker):
    """The BuildKit inside of Docker's daemon."""

    name = "docker-buildkit"
    buildkit = "1"
    runs_containers = False

    def build_for_registry(self, context, dockerfile, name):
        image = f"{name}/app"
        return _steps(
            self.command("build", "--network", "host", "-f", dockerfile, "-t", image, "--cache-from", image,
                         "--build-arg", "BUILDKIT_INLINE_CACHE=1", context), self.command("push", image))

    # Listing images is the same program on the same daemon.
    def images(self):
        return None

    def fill(self, count, scratch):
        pass


class Buildah(Builder):
    name = "buildah"

    def __init__(self, directory, runner):
        super().__init__(directory, runner)
        self.policy = self.directory / "policy.json"
        self.policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.isolation = None

    def version(self):
        version = output("buildah", "--version").split()
        return version[2] if len(version) > 2 else ""

    def command(self, *arguments):
        return Command(["buildah", "--root", str(self.store), "--runroot", f"{self.store}-run",
                        "--storage-driver", "overlay", *map(str, arguments)])

    def load_base(self, tar, name):
        working = f"working-{name}"
        self.runner.run(
            self.command("from", "--name", working, "scratch"),
            self.command("add", "--quiet", working, tar, "/"),
            self.command("commit", "--quiet", "--signature-policy", self.policy, working, name),
        )
        if self.isolation is None:
            self.isolation = self.working_isolation(name)

    def working_isolation(self, base):
        """Its default where that works here; crun 1.8 does not with cgroups of both versions."""
        probe = self.directory / "probe"
        probe.write_text(f"FROM {base}\nRUN true\n")
        for options in [], ["--runtime", shutil.which("runc") or "runc"], ["--isolation", "chroot"]:
            self.isolation = options
            try:
                self.runner.run(self.build(self.directory, probe, "probe"))
                return options
            except Failure:
                continue
        raise Failure("runs nothing on this machine")

    def build(self, context, dockerfile, tag="image", target=None):
        return self.command("build", "--layers", "--network", "host", "--pull-never", "--signature-policy", self.policy,
                            *(self.isolation or []), "-f", dockerfile, "-t", tag, *_target(target), context)

    def export(self, tag, destination):
        return self.command("push", "--signature-policy", self.policy, tag, f"oci:{destination}")

    def push(self, tag, name):
        return self.command("push", "--signature-policy", self.policy, "--tls-verify=false", tag, f"docker://{name}")

    def build_for_registry(self, context, dockerfile, name):
        image, registry = f"{name}/app", ["--signature-policy", self.policy, "--tls-verify=false"]
        return _steps(
            self.command("build", "--layers", "--network", "host", *registry, *(self.isolation or []), "-f", dockerfile,
                         "-t", image, "--cache-from", f"{name}/cache", "--cache-to", f"{name}/cache", context),
            self.command("push", *registry, image))

    def images(self):
        return self.command("images")

    def fill(self, count, scratch):
        # Only names: loading each image by itself would take minutes.
        empty = scratch.with_suffix(".dockerfile")
        empty.write_text("FROM scratch\nLABEL a=b\n")
        self.runner.run(self.build(self.directory, empty, "image"),
                        self.command("tag", "image", *(f"image-{number}" for number in range(count))))


class BuildKit(Builder):
    """A running buildkitd, whose address SWIFTBUILD_BENCHMARK_BUILDKITD has, through buildctl."""

    name = "buildkitd"
    works_itself = False

    def __init__(self, directory, runner):
        super().__init__(directory, runner)
        self.bases = []

    def version(self):
        version = output("buildctl", "--version").split()
        return version[2] if len(version) > 2 else ""

    def command(self, *arguments):
        address = os.environ["SWIFTBUILD_BENCHMARK_BUILDKITD"]
        return Command(["buildctl", "--addr", address, *map(str, arguments)])

    def reset(self):
        super().reset()
        # The daemon is not ours to start anew.
        self.runner.run(self.command("prune", "--all"))

    def load_base(self, tar, name):
        """It has no images of its own: a base is an OCI layout that is given to each build."""
        layout = self.directory / f"{name}-{self.generation}"
        ours = [str(REPOSITORY / "bin/swiftbuild")]
        store = ["--root", f"{layout}-store"]
        self.runner.run(Command([*ours, "import", *store, str(tar), name]),
                        Command([*ours, "save", *store, "--format", "oci", "-o", f"{layout}/", name]))
        digest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
        self.bases = ["--oci-layout", f"{name}={layout}", "--opt", f"context:{name}=oci-layout://{name}@{digest}"]

    def build_for_registry(self, context, dockerfile, name):
        cache = f"type=registry,ref={name}/cache,registry.insecure=true"
        return self.command(
            "build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", f"context={context}",
            "--local", f"dockerfile={dockerfile.parent}", "--opt", f"filename={dockerfile.name}",
            "--import-cache", cache, "--export-cache", f"{cache},mode=max",
            "--output", f"type=image,name={name}/app,push=true,registry.insecure=true")

    def build(self, context, dockerfile, tag="image", target=None):
        target = ["--opt", f"target={target}"] if target else []
        return self.command(
            "build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", f"context={context}",
            "--local", f"dockerfile={dockerfile.parent}", "--opt", f"filename={dockerfile.name}", *target, *self.bases,
            "--output", f"type=image,name=docker.io/library/{tag}:latest")


class Kaniko(Builder):
    """Kaniko's executor, which SWIFTBUILD_BENCHMARK_KANIKO names.

    It builds in the root filesystem in which it runs and keeps no cache between builds on one machine, so each build
    gets an empty root of its own, and only builds from nothing are compared.
    """

    name = "kaniko"
    has_bases = False

    def version(self):
        version = output(os.environ["SWIFTBUILD_BENCHMARK_KANIKO"], "version").split()
        return version[-1] if version else ""

    def build(self, context, dockerfile, tag="image", target=None):
        root = self.store / tag
        for directory in "kaniko", "workspace", "proc", "tmp":
            (root / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy(os.environ["SWIFTBUILD_BENCHMARK_KANIKO"], root / "kaniko/executor")
        shutil.copy(dockerfile, root / "kaniko/Dockerfile")
        script = """
            root=$1 context=$2 tag=$3
            shift 3
            mount --bind "$context" "$root/workspace"
            mount -t proc proc "$root/proc"
            exec chroot "$root" /kaniko/executor --force --context dir:///workspace --dockerfile /kaniko/Dockerfile \\
                --no-push --destination "$tag" --tar-path /kaniko/image.tar "$@"
            """
        return Command(["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sh", str(root),
                        str(context), tag, *_target(target)])


def _steps(first, second):
    """One command after the other, as one."""
    script = f"{shlex.join(map(str, first.arguments))} && exec {shlex.join(map(str, second.arguments))}"
    return Command(["sh", "-c", script], first.environment)


def _target(target):
    return ["--target", target] if target else []


def _docker_client():
    """The client that came with the daemon: newer ones have no BuildKit without a plug-in."""
    daemon = output("dockerd", "--version").removeprefix("Docker version ").split(",")[0]
    clients = [os.path.join(directory, "docker") for directory in os.get_exec_path()]
    clients = [client for client in clients if os.access(client, os.X_OK)]
    for client in clients:
        if daemon and daemon in output(client, "--version"):
            return client
    return clients[0]


def peers(directory, runner):
    """The peers found on this machine, and for each of the others why it is left out."""
    root = os.geteuid() == 0
    kaniko = os.environ.get("SWIFTBUILD_BENCHMARK_KANIKO")
    found, missing = [], {}
    for builder, reason in [
        (Docker, None if has("dockerd") and has("docker") else "docker.io is not installed"),
        (DockerBuildKit, None if has("dockerd") and has("docker") else "docker.io is not installed"),
        (Buildah, None if has("buildah") else "buildah is not installed"),
        (BuildKit, None if os.environ.get("SWIFTBUILD_BENCHMARK_BUILDKITD") else
         "SWIFTBUILD_BENCHMARK_BUILDKITD does not give the address of a buildkitd"),
        (Kaniko, None if kaniko else "SWIFTBUILD_BENCHMARK_KANIKO does not name kaniko's executor"),
    ]:
        reason = reason or (None if root else "needs root")
        if reason:
            missing[builder.name] = reason
        else:
            found.append(builder(directory, runner))
    return found, missing


def remove(directory):
    """Removes what builders wrote: those that were interrupted, and buildah always, leave mounts."""
    with open("/proc/self/mountinfo") as lines:
        mounts = [line.split()[4] for line in lines]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{directory}/")]):
        subprocess.run(["umount", "-l", mount], check=False)
    subprocess.run(["rm", "-rf", "--one-file-system", str(directory)], check=False)
