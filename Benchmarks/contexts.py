"""Writes the files that builds read: trees, Dockerfiles, and archives of images."""

import atexit
import contextlib
import hashlib
import io
import json
import os
import random
import socket
import subprocess
import tarfile
import time
from pathlib import Path

from measuring import has

REPOSITORY = Path(__file__).resolve().parent.parent

# A file changed less than this before it was read is read again by the next build, since its status could not show
# another change in the same instant. What people build is older than that.
SETTLING = 2.1
_last_change = 0.0


def changed():
    global _last_change
    _last_change = time.monotonic()


def settle():
    time.sleep(max(0.0, _last_change + SETTLING - time.monotonic()))


def write(path, text):
    """Writes a file that stays as it is, so that builds are to wait until it is old enough."""
    edit(path, text)
    changed()
    return path


def edit(path, text):
    """Writes a file that changes in each round, and that nobody gains anything from waiting for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def dockerfile(path, *lines):
    return edit(path, "\n".join(lines) + "\n")


def tree(root, files, directories):
    """Makes a tree of files of 2 KB, no two alike, spread over directories two levels deep."""
    for directory in range(directories):
        below = root / f"{directory % 50:02}" / f"{directory:05}"
        below.mkdir(parents=True)
        for file in range(directory, files, directories):
            (below / f"{file:06}.txt").write_text(f"{file:09} " * 204 + "\n")
    changed()
    return root


def deep_tree(root, directories, depth=50):
    """Makes chains of directories inside each other, each with one small file."""
    for chain in range(directories // depth):
        below = root / f"{chain:03}"
        for level in range(depth):
            below = below / f"level-{level:02}"
            below.mkdir(parents=True)
            (below / "file.txt").write_text(f"{chain} {level}\n")
    changed()
    return root


def large_file(path, size):
    """Writes a file that no compressor makes smaller."""
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        for number in range(size >> 20):
            file.write(number.to_bytes(8, "big") + block[8:])
    changed()
    return path


def half_compressible_file(path, size):
    """Writes a file as layers are: files of this machine, and after each as many bytes that no compressor makes smaller."""
    files = sorted(str(file) for root in ("/usr/lib", "/usr/share", "/usr/bin") for file in Path(root).rglob("*")
                   if file.is_file() and not file.is_symlink())
    random.Random(1).shuffle(files)
    with open(path, "wb") as output:
        left = size // 2
        while left > 0 and files:
            with open(files.pop(), "rb") as file:
                content = file.read(min(left, 64 << 20))
            output.write(content + os.urandom(len(content)))
            left -= len(content)
    changed()
    return path


def overwrite_start(path, number):
    """Makes another file of one, as different as one number is from another."""
    with open(path, "r+b") as file:
        file.write(number.to_bytes(8, "big"))
    changed()


def registry(directory):
    """Starts Debian's registry on loopback until this program ends; its host and port, or None where it is missing."""
    if not has("docker-registry"):
        return None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    file = directory / "registry.yml"
    file.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {directory}/registry}}}}\n"
                    f'http: {{addr: "{host}"}}\n')
    process = subprocess.Popen(["docker-registry", "serve", file], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
    atexit.register(process.kill)
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(host.split(":")):
            return host
        time.sleep(0.02)
    return None


def touch(root, nanoseconds):
    """Gives each file below a directory another time of modification."""
    for directory, _, names in os.walk(root):
        for name in names:
            os.utime(os.path.join(directory, name), ns=(nanoseconds, nanoseconds))
    changed()


def run(*arguments):
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def busybox(path):
    """The tar of a small root filesystem."""
    run(REPOSITORY / "scripts/busybox-rootfs", path)
    return path


def debian():
    """The tar of Debian's smallest root filesystem, made once and kept; None and the reason where it cannot be."""
    made = subprocess.run([REPOSITORY / "scripts/debian-rootfs"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if made.returncode == 0:
        return Path(made.stdout.strip()), None
    return None, (made.stderr.strip().splitlines() or ["failed"])[-1]


def images_archive(path, count):
    """An archive as of `docker save`, of images that share one layer and differ in a label."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _add(archive, "file", b"content\n")
    layer = layer.getvalue()
    images = []
    with tarfile.open(path, "w") as archive:
        _add(archive, "layer.tar", layer)
        for number in range(count):
            configuration = json.dumps({
                "architecture": "amd64", "os": "linux", "created": "2024-01-01T00:00:00Z",
                "config": {"Labels": {"number": str(number)}},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
                "history": [{"created": "2024-01-01T00:00:00Z", "created_by": "benchmark"}],
            }).encode()
            name = hashlib.sha256(configuration).hexdigest() + ".json"
            _add(archive, name, configuration)
            images.append({"Config": name, "RepoTags": [f"image-{number}:latest"], "Layers": ["layer.tar"]})
        _add(archive, "manifest.json", json.dumps(images).encode())
    return path


def _add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
