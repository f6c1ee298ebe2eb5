"""Reads images as builders write them, and says in what two of them differ."""

import hashlib
import json
import re
import tarfile
from pathlib import Path


def read(path):
    """The configuration of an image and its files: out of an OCI layout, or out of what `docker save` wrote."""
    path = Path(path)
    if path.is_dir():
        def blob(descriptor):
            return path / "blobs" / descriptor["digest"].replace(":", "/")

        manifest = json.loads(blob(json.loads((path / "index.json").read_text())["manifests"][0]).read_text())
        configuration = json.loads(blob(manifest["config"]).read_text())
        layers = [blob(layer).open("rb") for layer in manifest["layers"]]
        return configuration, _flatten(layers)
    with tarfile.open(path) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        configuration = json.load(archive.extractfile(manifest["Config"]))
        return configuration, _flatten(archive.extractfile(layer) for layer in manifest["Layers"])


def inspected(text):
    """An image without layers, of which Docker only tells; its history is not among that."""
    image = json.loads(text)[0]
    configuration = {"config": image["Config"], "author": image["Author"], "architecture": image["Architecture"],
                     "os": image["Os"], "variant": image.get("Variant")}
    return configuration, {}


def _flatten(layers):
    """What each path is, the layers laid over each other; a file's names are those of its hard links."""
    files = {}
    for layer in layers:
        with layer, tarfile.open(fileobj=layer) as archive:
            members = [(_path(member.name), member) for member in archive]
            for path, member in members:
                parent, _, name = path.rpartition("/")
                if name == ".wh..wh..opq":
                    _remove(files, parent, itself=False)
                elif name.startswith(".wh."):
                    _remove(files, f"{parent}/{name[4:]}")
            contents = {}
            for path, member in members:
                if path.rpartition("/")[2].startswith(".wh.") or path == "/":
                    continue
                if not member.isdir():
                    _remove(files, path)
                if member.islnk():
                    files[path] = contents[path] = contents[_path(member.linkname)]
                    continue
                files[path] = _describe(archive, member)
                contents[path] = files[path]
    return files


def _path(name):
    return "/" + "/".join(part for part in name.split("/") if part not in ("", "."))


def _remove(files, path, itself=True):
    for other in [other for other in files if other.startswith(path + "/") or (itself and other == path)]:
        del files[other]


def _describe(archive, member):
    kind = {tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.FIFOTYPE: "p", tarfile.CHRTYPE: "c",
            tarfile.BLKTYPE: "b"}.get(member.type, "-")
    parts = [kind, f"{member.uid}:{member.gid}"]
    if kind == "l":
        parts.append(f"-> {member.linkname}")
    else:
        # Docker puts the kind of file into the mode.
        parts.append(f"{member.mode & 0o7777:o}")
    if kind == "-":
        parts.append(hashlib.sha256(archive.extractfile(member).read()).hexdigest()[:12])
    if kind in "cb":
        parts.append(f"{member.devmajor},{member.devminor}")
    parts += sorted(f"{name.removeprefix('SCHILY.xattr.')}={value}" for name, value in member.pax_headers.items()
                    if name.startswith("SCHILY.xattr."))
    return " ".join(parts)


def differences(ours, theirs, with_history):
    """The differences of two images: for each what differs, and the two values."""
    (our_configuration, our_files), (their_configuration, their_files) = ours, theirs
    left, right = _settings(our_configuration, with_history), _settings(their_configuration, with_history)
    for name in sorted({*left, *right}):
        if left.get(name) != right.get(name) and (name != "history" or name in left and name in right):
            yield name, left.get(name), right.get(name)
    for path in sorted({*our_files, *their_files}):
        if our_files.get(path) != their_files.get(path):
            yield f"file {path}", our_files.get(path), their_files.get(path)


# What each builder fills in as it likes: the container that the last step ran in, and the deprecated copy of the ID.
_MEANINGLESS = {"Image", "Hostname", "Domainname", "AttachStdin", "AttachStdout", "AttachStderr", "Tty", "OpenStdin",
                "StdinOnce"}


def _settings(configuration, with_history):
    settings = {f"config.{name}": value for name, value in (configuration.get("config") or {}).items()
                if value not in (None, "", [], {}, False) and name not in _MEANINGLESS}
    labels = dict(settings.pop("config.Labels", {}))
    labels.pop("io.buildah.version", None)
    if labels:
        settings["config.Labels"] = labels
    for name in "architecture", "os", "variant", "author":
        if configuration.get(name):
            settings[name] = configuration[name]
    if with_history and "history" in configuration:
        # The flags of COPY are in the history of newer versions only.
        settings["history"] = [(re.sub(" --ch(own|mod)=[^ ]+", "", entry.get("created_by")),
                                entry.get("empty_layer", False))
                               for entry in configuration.get("history") or []
                               if entry.get("comment") == "buildkit.dockerfile.v0"]
    return settings
