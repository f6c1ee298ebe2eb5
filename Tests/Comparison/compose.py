#!/usr/bin/python3
"""Compares `compose config` with docker-compose 1.29 on one project for each way of writing a key.

What docker-compose prints is read by `swiftbuild compose config` again; it has to mean what the file means. All keys that
docs/compose.md has are in some project, but for those that docker-compose 1.29 does not know.

    compose.py SWIFTBUILD [TEXT]    only the cases with TEXT
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile

import yaml

# This file has the name of docker-compose's own package.
sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
from compose.cli import main as docker_compose  # noqa: E402

# The value of one key of a service, a line each.
KEYS = """
command: run --name "two words" 'and three'
command: [run, "a b"]
command: []
entrypoint: /entry -x
entrypoint: [/entry, "-x y"]
environment: {A: 1, B: "text", C: , D: 1.5}
environment: [A=1, B=, C, "D=a=b"]
environment: {A: "${HOME}", B: "${GONE:-default}", C: "${EMPTY-x}", D: "$$HOME", E: "${HOME:?}"}
env_file: a.env
env_file: [a.env, b.env]
ports: ["80"]
ports: [80, 81]
ports: ["8080:80"]
ports: ["127.0.0.1:8080:80"]
ports: ["127.0.0.1::80"]
ports: ["53:53/udp", "53:53/tcp"]
ports: ["3000-3002"]
ports: ["9000-9002:8000-8002"]
ports: ["[::1]:80:80"]
ports: [{target: 80, published: 8080, protocol: tcp, mode: host}]
ports: [{target: 80}]
expose: ["80", 81]
volumes: [/data]
volumes: ["data:/data"]
volumes: ["data:/data:ro"]
volumes: ["./src:/src"]
volumes: ["../src:/src:ro"]
volumes: ["~/src:/src"]
volumes: ["/abs:/abs:rw"]
volumes: ["/a:/a:rslave"]
volumes: [{type: volume, source: data, target: /data}]
volumes: [{type: volume, source: data, target: /data, volume: {nocopy: true}}]
volumes: [{type: bind, source: ./src, target: /src, read_only: true}]
volumes: [{type: tmpfs, target: /t}]
volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1048576}}]
networks: [front, back]
networks: {front: , back: }
networks: {front: {aliases: [a, b], ipv4_address: 10.5.0.2}}
network_mode: host
network_mode: none
network_mode: "service:db"
depends_on: [db]
depends_on: {db: {condition: service_started}}
depends_on: {db: {condition: service_healthy}}
depends_on: {db: {condition: service_completed_successfully}}
links: [db]
links: ["db:database"]
healthcheck: {test: curl -f http://localhost, interval: 1m30s, timeout: 10s, retries: 3, start_period: 40s}
healthcheck: {test: [CMD, curl, "-f", "http://localhost"]}
healthcheck: {test: [CMD-SHELL, "exit 0"]}
healthcheck: {disable: true}
restart: "no"
restart: always
restart: unless-stopped
restart: on-failure
restart: on-failure:3
deploy: {replicas: 3}
deploy: {resources: {limits: {cpus: "0.5", memory: 50M}}}
deploy: {resources: {limits: {memory: 1gb}, reservations: {memory: 20M}}}
deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}
labels: {a: 1, b: "text", c: }
labels: [a=1, b]
logging: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
logging: {driver: none}
stop_signal: SIGINT
stop_grace_period: 90s
stop_grace_period: 1m30s
stop_grace_period: 1h
tmpfs: /run
tmpfs: [/run, /tmp]
cap_add: [NET_ADMIN, SYS_TIME]
cap_drop: [ALL]
secrets: [one]
secrets: [{source: one, target: other, mode: 0440, uid: "1", gid: "2"}]
configs: [plain]
configs: [{source: plain, target: /plain, mode: 0444}]
configs: [{source: plain, target: /plain, uid: "1", gid: "2"}]
networks: {front: {priority: 5}, back: {priority: 7}}
container_name: fixed
hostname: host
domainname: example.org
user: "1000"
user: app:app
working_dir: /app
privileged: true
privileged: false
read_only: true
tty: true
stdin_open: true
init: true
init: false
extra_hosts: ["h:10.0.0.1", "g:10.0.0.2"]
extra_hosts: {h: 10.0.0.1}
dns: 9.9.9.9
dns: [9.9.9.9, 8.8.8.8]
dns_search: example.org
dns_search: [a.example, b.example]
dns_opt: [ndots:2]
devices: ["/dev/fuse:/dev/fuse"]
devices: ["/dev/fuse:/dev/other:r"]
ulimits: {nproc: 65535}
ulimits: {nofile: {soft: 20000, hard: 40000}}
sysctls: {net.core.somaxconn: 1024}
sysctls: [net.core.somaxconn=1024]
security_opt: ["no-new-privileges:true", "seccomp=unconfined"]
shm_size: 64m
shm_size: 67108864
mem_limit: 1g
mem_limit: 1000000000
mem_reservation: 512m
memswap_limit: 2g
cpus: 1.5
cpu_shares: 73
cpu_quota: 50000
cpu_period: 20000
cpuset: 0,1
pids_limit: 10
oom_score_adj: 500
group_add: [audio, "100"]
ipc: host
pid: host
userns_mode: host
platform: linux/amd64
profiles: [debug]
scale: 2
volumes_from: [db]
volumes_from: ["db:ro"]
pull_policy: always
build: .
build: ./app
build: {context: ./app, dockerfile: Dockerfile.ci}
build: {context: ., args: {A: 1, B: text}}
build: {context: ., args: [A=1, HOME]}
build: {context: ., target: test, cache_from: [a, b], labels: {a: b}, network: host, shm_size: 1g}
build: {context: ., extra_hosts: ["h:10.0.0.1"]}
build: "https://github.com/example/app.git#main"
extends: db
extends: {file: other.yaml, service: base}
x-anything: {a: [1, two]}
""".strip().splitlines()

REST = """
  db: {image: postgres, environment: {A: base}}
networks: {front: {ipam: {config: [{subnet: 10.5.0.0/16}]}}, back: {internal: true}, outer: {external: true}}
volumes: {data: , outside: {external: true}, named: {name: other}}
secrets: {one: {file: ./one.txt}}
configs: {plain: {file: ./plain.txt}}
"""

SURROUNDINGS = {
    "a.env": "A=file\nB=two words\n",
    "b.env": "B=later\n# comment\nC=3\n",
    "raw.env": "D=$NOT\n",
    "a.labels": "a=file\n",
    "other.yaml": "services: {base: {image: other, environment: {A: 1}, volumes: ['./d:/d']}}\n",
    "one.txt": "1",
    "plain.txt": "1",
    "check.json": "{}",
}

# The value of one section, used by a service, a line each.
SECTIONS = """
networks: {one: {driver: bridge}}
networks: {one: {internal: true}}
networks: {one: {internal: false}}
networks: {one: {labels: {a: 1, b: text}}}
networks: {one: {labels: [a=1, b]}}
networks: {one: {name: other}}
networks: {one: {external: true}}
networks: {one: {external: true, name: other}}
networks: {one: {external: {name: other}}}
networks: {one: {ipam: {driver: default}}}
networks: {one: {ipam: {config: [{subnet: 10.5.0.0/16, gateway: 10.5.0.1, ip_range: 10.5.1.0/24}]}}}
networks: {one: {ipam: {config: [{subnet: 10.5.0.0/16}, {subnet: 10.6.0.0/16}]}}}
networks: {one: , unused: }
volumes: {one: }
volumes: {one: {}}
volumes: {one: {driver: local}}
volumes: {one: {labels: {a: 1}}}
volumes: {one: {labels: [a=1, b]}}
volumes: {one: {name: other}}
volumes: {one: {name: "${HOME}-data"}}
volumes: {one: {external: true}}
volumes: {one: {external: {name: other}}}
volumes: {one: , unused: }
secrets: {one: {file: ./one.txt}}
secrets: {one: {file: /abs/one.txt}}
secrets: {one: {file: ./one.txt, name: other}}
configs: {one: {file: ./plain.txt}}
configs: {one: {file: ./plain.txt, name: other}}
""".strip().splitlines()

# Projects of several files, or with more than one key: the files and the flags.
PROJECTS = {
    "format 1": (
        {
            "compose.yaml": "web: {build: ., dockerfile: Other, net: host, log_driver: json-file, log_opt: {max-size: 1m}}\n"
            "db: {image: db}\n"
        },
        [],
    ),
    "format 2.4": (
        {
            "compose.yaml": "version: '2.4'\nservices: {web: {image: a, mem_limit: 1g, cpus: 0.5, networks: {one: "
            "{priority: 5}}}}\nnetworks: {one: }\n"
        },
        [],
    ),
    "format 3.8": (
        {"compose.yaml": "version: '3.8'\nservices: {web: {image: a, deploy: {replicas: 2}, volumes: ['d:/d']}}\nvolumes: {d: }\n"},
        [],
    ),
    "two files": (
        {
            "compose.yaml": "services: {web: {image: a, command: one, ports: ['80:80'], environment: {A: 1, B: 2}, "
            "volumes: ['./a:/a', '/b'], labels: [x=1], dns: 1.1.1.1, expose: ['1']}, db: {image: db}}\n",
            "more.yaml": "services: {web: {image: b, command: [two], ports: ['81:81'], environment: [B=3], "
            "volumes: ['./c:/a'], labels: {y: 2}, dns: [2.2.2.2], expose: ['2'], depends_on: [db]}}\n",
        },
        ["-f", "compose.yaml", "-f", "more.yaml"],
    ),
    "the usual override": (
        {
            "docker-compose.yml": "services: {web: {image: a, build: ., environment: {A: 1}}}\n",
            "docker-compose.override.yml": "services: {web: {build: {context: app, args: {A: 1}}, environment: {A: 2}}}\n",
        },
        [],
    ),
    "anchors and merge keys": (
        {
            "compose.yaml": "x-base: &base {image: a, environment: &variables {A: 1, B: 2}, restart: always}\n"
            "x-more: &more {user: u, restart: 'no'}\n"
            "services:\n  web: {<<: [*base, *more], environment: {<<: *variables, B: 3}}\n  other: {<<: *base}\n"
        },
        [],
    ),
    "variables": (
        {
            ".env": "SET=from file\nNONE=\nQUOTED='with space'\n",
            "compose.yaml": "services: {web: {image: 'a:${TAG:-1}', environment: {A: '$SET', B: '${SET}', C: '${NONE:-d}', "
            "D: '${NONE-d}', E: '${GONE-d}', F: '${GONE:-${SET}}', G: '$$SET', H: '${SET:?needed}', I: '$QUOTED'}}}\n",
        },
        [],
    ),
    "another file of variables": (
        {
            ".env": "SET=wrong\n",
            "other.env": "SET=right\n",
            "compose.yaml": "services: {web: {image: 'a:$SET'}}\n",
        },
        ["--env-file", "other.env"],
    ),
    "extends of several levels": (
        {
            "compose.yaml": "services: {web: {extends: middle, environment: {C: 3}}, middle: {extends: {file: other.yaml, "
            "service: base}, environment: {B: 2}, ports: ['80']}}\n"
        },
        [],
    ),
    "extends in a directory": (
        {
            "compose.yaml": "services: {web: {extends: {file: sub/base.yaml, service: base}}}\n",
            "sub/base.yaml": "services: {base: {build: ., volumes: ['./d:/d', '../e:/e'], env_file: v.env}}\n",
            "sub/v.env": "A=1\n",
        },
        [],
    ),
    "profiles": (
        {
            "compose.yaml": "services: {web: {image: a}, debug: {image: d, profiles: [debug], depends_on: [web]}}\n"
        },
        [],
    ),
    "a directory": (
        {"sub/compose.yaml": "services: {web: {build: ., volumes: ['./a:/a'], env_file: [../a.env]}}\n"},
        ["-f", "sub/compose.yaml"],
    ),
    "a project directory": (
        {"sub/compose.yaml": "services: {web: {build: ., volumes: ['./a:/a'], env_file: a.env}}\n"},
        ["-f", "sub/compose.yaml", "--project-directory", "."],
    ),
    "numbers, booleans and dates": (
        {
            "compose.yaml": "services: {web: {image: a, environment: {A: 0x10, B: 010, C: 1e3, D: 1.50, E: 'yes', F: ~, "
            "G: '2001-01-01', H: -0, I: '012'}, labels: {a: 1.0, b: 'true'}}}\n"
        },
        [],
    ),
    "text of several lines": (
        {
            "compose.yaml": "services:\n  web:\n    image: a\n    command: >\n      one\n      two\n    environment:\n"
            "      A: |\n        first\n        second\n      B: \"tab\\tand \\u00e9\"\n"
        },
        [],
    ),
}

# Where docker-compose 1.29 prints something else, and why that is none of our mistakes.
DIFFERENCES = {
    "format 1": "services are on the machine's bridge; here they are on the network of the project, as docs/compose.md says",
    "anchors and merge keys": "x-* at the top is left out; Compose v2 prints it",
    "variables": "a variable in a default value is not replaced; the specification says that it is",
    "numbers, booleans and dates": "1.0 stays as it is; Compose v2 prints numbers as Go does, without a fraction that is 0",
    "healthcheck: {disable: true}": "printed as a test of NONE, which means the same; Compose v2 keeps what was written",
    "volumes_from: [db]": "printed as service:db:rw, which means the same; Compose v2 keeps what was written",
    'volumes_from: ["db:ro"]': "printed as service:db:ro, which means the same; Compose v2 keeps what was written",
}


# Keys that docker-compose 1.29 does not know, or knows only in files that say nothing else.
UNKNOWN = {
    *("configs.*.content configs.*.environment include include[].env_file include[].path".split()),
    *("include[].project_directory networks.*.enable_ipv4 secrets.*.environment".split()),
    *("services.*.attach services.*.label_file services.*.uts services.*.healthcheck.start_interval".split()),
    *("services.*.deploy.resources.limits.pids services.*.networks.*.gw_priority".split()),
    *("services.*.env_file[].format services.*.env_file[].path services.*.env_file[].required".split()),
    *("services.*.ports[].app_protocol services.*.ports[].name".split()),
    *("services.*.volumes[].image services.*.volumes[].image.subpath".split()),
    *(f"services.*.volumes[].{key}" for key in "volume.labels volume.subpath tmpfs.mode bind.recursive bind.create_host_path".split()),
    *(f"services.*.build.{key}" for key in "additional_contexts cache_to dockerfile_inline no_cache".split()),
    *(f"services.*.build.{key}" for key in "no_cache_filter platforms provenance pull sbom ssh tags ulimits".split()),
    *(f"services.*.build.secrets{key}" for key in "|[].gid|[].mode|[].source|[].target|[].uid".split("|")),
    *("services.*.develop services.*.develop.watch".split()),
    *(f"services.*.develop.watch[].{key}" for key in "action exec ignore include initial_sync path target".split()),
    *(f"services.*.develop.watch[].exec.{key}" for key in "command environment user working_dir".split()),
}


def run(*words):
    environment = {**os.environ, "EMPTY": ""}
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False)


def docker(*words):
    """What docker-compose prints; in this process, since starting it takes longer than all it does."""
    output, errors = io.StringIO(), io.StringIO()
    sys.argv = ["docker-compose", *words]
    status = 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            docker_compose.main()
        except SystemExit as end:
            status = end.code
    return status or 0, output.getvalue(), errors.getvalue()


def projects():
    """Each project: its name, its files and the flags that name them."""
    for line in KEYS:
        image = "" if line.startswith("build") else "    image: app\n"
        yield line, {"compose.yaml": "services:\n  web:\n" + image + "    " + line + REST}, []
    for line in SECTIONS:
        section = line.split(":")[0]
        use = {
            "networks": "networks: [one]", "volumes": "volumes: ['one:/one']", "secrets": "secrets: [one]",
            "configs": "configs: [one]",
        }[section]
        yield line, {"compose.yaml": "services:\n  web:\n    image: app\n    " + use + "\n" + line + "\n"}, []
    for name, (files, flags) in PROJECTS.items():
        yield name, files, flags


def has(value, path):
    """Whether a key of the documentation is in a file."""
    if not path:
        return True
    step, rest = path[0], path[1:]
    if step == "[]":
        return isinstance(value, list) and any(has(element, rest) for element in value)
    if not isinstance(value, dict):
        return False
    return any(has(inner, rest) for inner in value.values()) if step == "*" else has_key(value, step, rest)


def has_key(value, key, rest):
    return key in value and has(value[key], rest)


class Coverage:
    """Which keys of the documentation were in a project."""

    def __init__(self):
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/compose.md")
        with open(page, encoding="utf-8") as file:
            rows = re.findall(r"^\| `(\S+)` \| yes \|$", file.read(), re.MULTILINE)
        self.missing = {row: row.replace("[]", ".[]").split(".") for row in rows}

    def take(self, value):
        self.missing = {key: path for key, path in self.missing.items() if not has(value, path)}

    def report(self):
        unexplained = sorted(set(self.missing) - set(UNKNOWN))
        known = sorted(set(UNKNOWN) - set(self.missing))
        for key in unexplained:
            print(f"- `{key}` is in no project")
        for key in known:
            print(f"- `{key}` is in a project")
        return len(unexplained) + len(known)


def compare(program, name, files, flags, coverage):
    """What is different, if anything is."""
    for file, text in files.items():
        with open(file, "w", encoding="utf-8") as output:
            output.write(text)
        for document in yaml.load_all(text, Loader=yaml.BaseLoader) if file.endswith(".yaml") else []:
            coverage.take(document if "services" in document else {"services": document})
    common = ["-p", "p", *flags]
    ours = run(program, "compose", *common, "--profile", "*", "--all-resources", "config")
    status, theirs, errors = docker(*common, "--profile", "debug", "config")
    if status or ours.returncode:
        said = (ours.stderr if ours.returncode else errors).strip().splitlines()
        who = "swiftbuild" if ours.returncode else "docker-compose"
        return f"{who} refuses: {said[-1] if said else ''}"
    document = run(program, "compose", *common, "--profile", "*", "--all-resources", "config", "--format", "json")
    coverage.take(json.loads(document.stdout))
    with open("theirs.yaml", "w", encoding="utf-8") as file:
        file.write(theirs)
    again = run(program, "compose", "-p", "p", "--profile", "*", "--all-resources", "-f", "theirs.yaml", "config")
    if again.stdout == ours.stdout:
        return None
    for file, text in {"ours.out": ours.stdout, "theirs.out": again.stdout}.items():
        with open(file, "w", encoding="utf-8") as output:
            output.write(text)
    return run("diff", "ours.out", "theirs.out").stdout + again.stderr[:400]


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    count, failed, coverage = 0, 0, Coverage()
    os.environ["EMPTY"] = ""
    for name, files, flags in projects():
        if wanted not in name:
            continue
        count += 1
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            for inner in ("app", "sub"):
                os.mkdir(inner)
            for file, text in SURROUNDINGS.items():
                with open(file, "w", encoding="utf-8") as output:
                    output.write(text)
            difference = compare(program, name, files, flags, coverage)
            os.chdir("/")
        if difference is None and name in DIFFERENCES:
            difference = "differs no longer"
        elif difference is not None and name in DIFFERENCES:
            continue
        if difference is not None:
            failed += 1
            print(f"- `{name}`: {difference}")
    if not wanted:
        failed += coverage.report()
    print(f"{count} projects, {failed} unexpected differences")
    return 1 if failed else 0


sys.exit(main())
