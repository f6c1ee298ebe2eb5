#!/usr/bin/env python3
"""Compares `compose config` with docker-compose 1.29 on one file for each way of writing a key.

What docker-compose prints is read by `swiftbuild compose config` again; it has to mean what the file means.

    compose.py SWIFTBUILD [TEXT]    only the cases with TEXT
"""

import os
import subprocess
import sys
import tempfile

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

# Where docker-compose 1.29 prints something else, and why that is none of our mistakes.
DIFFERENCES = {
    "healthcheck: {disable: true}": "printed as a test of NONE, which means the same; Compose v2 keeps what was written",
    "volumes_from: [db]": "printed as service:db:rw, which means the same; Compose v2 keeps what was written",
    'volumes_from: ["db:ro"]': "printed as service:db:ro, which means the same; Compose v2 keeps what was written",
}


def run(*words):
    environment = {**os.environ, "EMPTY": ""}
    return subprocess.run(words, capture_output=True, text=True, env=environment, check=False)


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        os.mkdir("app")
        for name, text in {
            "a.env": "A=file\nB=two words\n",
            "b.env": "B=later\n# comment\nC=3\n",
            "other.yaml": "services: {base: {image: other, environment: {A: 1}, volumes: ['./d:/d']}}\n",
            "one.txt": "1", "plain.txt": "1",
        }.items():
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        cases = [case for case in KEYS if wanted in case]
        for case in cases:
            with open("compose.yaml", "w", encoding="utf-8") as file:
                image = "" if case.startswith("build") else "    image: app\n"
                file.write("services:\n  web:\n" + image + "    " + case + REST)
            ours = run(program, "compose", "-p", "p", "--profile", "*", "--all-resources", "config")
            theirs = run("docker-compose", "-p", "p", "-f", "compose.yaml", "--profile", "debug", "config")
            if theirs.returncode != 0 or ours.returncode != 0:
                said = (ours.stderr if ours.returncode else theirs.stderr).strip().splitlines()
                who = "swiftbuild" if ours.returncode else "docker-compose"
                print(f"- `{case}`: {who} refuses: {said[-1] if said else ''}")
                failed += ours.returncode != 0 and theirs.returncode == 0
                continue
            with open("theirs.yaml", "w", encoding="utf-8") as file:
                file.write(theirs.stdout)
            again = run(program, "compose", "-p", "p", "--profile", "*", "--all-resources", "-f", "theirs.yaml", "config")
            if again.stdout != ours.stdout:
                if case in DIFFERENCES:
                    continue
                failed += 1
                with open("ours.out", "w", encoding="utf-8") as file:
                    file.write(ours.stdout)
                with open("theirs.out", "w", encoding="utf-8") as file:
                    file.write(again.stdout)
                difference = run("diff", "ours.out", "theirs.out").stdout
                print(f"- `{case}`:\n{difference}{again.stderr[:400]}")
            elif case in DIFFERENCES:
                failed += 1
                print(f"- `{case}` differs no longer")
    print(f"{len(cases)} files, {failed} unexpected differences")
    return 1 if failed else 0


sys.exit(main())
