"""Describes the machine that numbers were measured on."""

import os
import re

from measuring import output


def describe(directory):
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"Linux {os.uname().release}",
        "distribution": _distribution(),
        "filesystem": filesystem(directory),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def tool_versions():
    def version(tool, *arguments):
        found = re.search(r"\d+(\.\d+)+", output(tool, *arguments))
        return found.group() if found else "missing"

    return {"find": version("find", "--version"), "tar": version("tar", "--version"),
            "openssl": version("openssl", "version"), "strace": version("strace", "--version")}


def filesystem(directory):
    return output("stat", "-f", "-c", "%T", str(directory)).replace("ext2/ext3", "ext4")


def _processor():
    with open("/proc/cpuinfo") as lines:
        found = re.search(r"^model name\s*: (.*)$", lines.read(), re.MULTILINE)
    return found.group(1) if found else os.uname().machine


def _distribution():
    try:
        with open("/etc/os-release") as lines:
            return re.search(r'^PRETTY_NAME="?([^"\n]*)', lines.read(), re.MULTILINE).group(1)
    except (OSError, AttributeError):
        return "unknown"
