#!/usr/bin/env python3
"""Checks what ships with the project (Dockerfile, deploy/, .github/) against itself and against the catalogue of settings: the
YAML can be read, every variable exists, ports, probes and times agree, nothing runs as root, and no file is named that is not there.

No container is built and no cluster is asked. Needs PyYAML.
"""

import configparser
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
# What SIGTERM may take: DRAIN_DELAY and requests in flight, and some (docs/reliability.md).
LONGEST_STOP = 30
KINDS_OF_SECRETS = {"secret", "list of secrets", "database URL", "Redis URL", "SMTP URL"}
# Made by deploy/make-secrets.sh.
MADE = DEPLOY / "secrets"

faults = []


def fault(place, text):
    faults.append(f"{place.relative_to(ROOT)}: {text}")


def expect(place, what, found, expected):
    if found != expected:
        fault(place, f"{what} is {found!r}, and {expected!r} elsewhere")


def catalogue():
    """Every variable, and `NAME_FILE` for every secret. A test of the server keeps that page equal to the program's catalogue."""
    rows = re.findall(r"^\| `([A-Z0-9_]+)` \| ([^|]+) \|", (ROOT / "docs/configuration.md").read_text(), re.M)
    secrets = {f"{name}_FILE" for name, kind in rows if kind.strip() in KINDS_OF_SECRETS}
    return {name for name, _ in rows} | secrets


def documents(path):
    try:
        return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]
    except yaml.YAMLError as error:
        fault(path, f"is no YAML: {error}")
        return []


def check_variables(place, names, known):
    for name in sorted(set(names) - known):
        fault(place, f"{name} is no variable of Holdfast (docs/configuration.md)")


def check_image(place, image):
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        fault(place, f"{image} has no version")


def check_dockerfile(known):
    path = ROOT / "Dockerfile"
    lines = re.sub(r"\\\n", " ", path.read_text()).splitlines()
    steps = [line.split(None, 1) for line in lines if line.strip() and not line.startswith("#")]
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    final = {}
    for word, rest in steps[last:]:
        final.setdefault(word, []).append(rest)
    environment = dict(re.findall(r"(\w+)=(\S+)", " ".join(final.get("ENV", []))))
    check_variables(path, environment, known)
    expect(path, "EXPOSE", final.get("EXPOSE"), [environment.get("PORT")])
    expect(path, "STOPSIGNAL", final.get("STOPSIGNAL"), ["SIGTERM"])
    if final.get("USER", ["root"])[-1].partition(":")[0] in ("0", "root"):
        fault(path, "runs as root")
    if "healthcheck" not in " ".join(final.get("HEALTHCHECK", [])):
        fault(path, "has no HEALTHCHECK by `holdfast healthcheck`")
    for word, rest in steps:
        if word == "FROM" and not rest.startswith("build"):
            check_image(path, rest.split()[0])
    build = next(rest for word, rest in steps if word == "RUN")
    profile = re.search(r"--profile (\w+)", build).group(1)
    if f"[profile.{profile}]" not in (ROOT / "Cargo.toml").read_text():
        fault(path, f"builds by a profile that Cargo.toml does not have: {profile}")
    version = re.search(r'rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text()).group(1)
    if not any(rest.startswith(f"rust:{version}-") for word, rest in steps if word == "FROM"):
        fault(path, f"does not build with Rust {version}, which Cargo.toml asks for")
    members = [ROOT / name for name in ("Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "crates", "migration", "tests")]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for member in members:
        if f"!{member.name}" not in ignored or not member.exists():
            fault(ROOT / ".dockerignore", f"{member.name} does not reach the build")
    return environment.get("PORT"), final["USER"][-1].partition(":")[0]


def seconds(text):
    amount, unit = re.fullmatch(r"(\d+)(s|m|min)?", str(text)).groups()
    return int(amount) * (60 if unit in ("m", "min") else 1)


def check_compose(known, port, user):
    path = DEPLOY / "compose.yaml"
    for document in documents(path):
        services = document["services"]
        own = {name: service for name, service in services.items() if service["image"].startswith("holdfast:")}
        if sum(service.get("command") is None for service in own.values()) < 2:
            fault(path, "has fewer than two instances")
        for name, service in services.items():
            if not service["image"].startswith("holdfast:"):
                check_image(path, service["image"])
            for source in mounted(service):
                if source.startswith((".", "/")) and not (DEPLOY / source).exists():
                    fault(path, f"{name} mounts {source}, which is not there")
            for wanted in service.get("depends_on", []):
                if wanted not in services:
                    fault(path, f"{name} depends on {wanted}, which is no service")
        for name, service in own.items():
            check_variables(path, service["environment"], known)
            expect(path, f"PORT of {name}", service["environment"].get("PORT"), port)
            if seconds(service["stop_grace_period"]) < LONGEST_STOP:
                fault(path, f"{name} is killed before it can end ({LONGEST_STOP} s)")
            if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
                fault(path, f"{name} may write to its image, or has capabilities")
            for variable, value in service["environment"].items():
                if variable.endswith("_FILE") and value.removeprefix("/run/secrets/") not in service["secrets"]:
                    fault(path, f"{variable} of {name} names no secret of it: {value}")
        made = set(re.findall(r"^put (\w+)", (DEPLOY / "make-secrets.sh").read_text(), re.M))
        for kind in ("configs", "secrets"):
            for name, entry in document.get(kind, {}).items():
                source = (DEPLOY / entry["file"]).resolve()
                if not source.exists() and not (source.parent == MADE and source.name in made):
                    fault(path, f"{kind}: {name} names {entry['file']}, which is not there")
        if f"HOLDFAST={user}" not in (DEPLOY / "make-secrets.sh").read_text():
            fault(DEPLOY / "make-secrets.sh", f"gives the secrets to others than the user of the image ({user})")
    servers = re.findall(r"^\s+server \S+ (\S+):(\d+) check", (DEPLOY / "haproxy.cfg").read_text(), re.M)
    expect(DEPLOY / "haproxy.cfg", "the instances", {host for host, _ in servers}, {"holdfast-one", "holdfast-two"})
    expect(DEPLOY / "haproxy.cfg", "their port", {found for _, found in servers}, {port})


def mounted(service):
    for volume in service.get("volumes", []):
        yield volume.partition(":")[0] if isinstance(volume, str) else volume.get("source", "")


def check_systemd(known):
    for path in sorted((DEPLOY / "systemd").glob("*")):
        if path.suffix not in (".service", ".conf"):
            continue
        unit = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
        unit.optionxform = str
        unit.read_string(path.read_text())
        check_variables(path, re.findall(r"^Environment=(\w+)=", path.read_text(), re.M), known)
        if path.suffix == ".service":
            service = unit["Service"]
            if service.get("User", "root") == "root":
                fault(path, "runs as root")
            if seconds(service["TimeoutStopSec"]) < LONGEST_STOP:
                fault(path, f"is killed before it can end ({LONGEST_STOP} s)")
    example = DEPLOY / "systemd" / "env.example"
    check_variables(example, re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example.read_text(), re.M), known)


def check_kubernetes(known, port, user):
    listed = documents(KUBERNETES / "kustomization.yaml")[0]["resources"]
    apart = {"kustomization.yaml", "migration.yaml", "secret.example.yaml"}
    expect(KUBERNETES / "kustomization.yaml", "resources", set(listed) | apart, {path.name for path in KUBERNETES.glob("*.yaml")})
    everything = [(path, document) for path in sorted(KUBERNETES.glob("*.yaml")) for document in documents(path)]
    kinds = {document["kind"]: (path, document) for path, document in everything}
    config_path, config = kinds["ConfigMap"]
    check_variables(config_path, config["data"], known)
    expect(config_path, "PORT", config["data"]["PORT"], port)
    secret = set(kinds["Secret"][1]["stringData"])
    for variable, value in config["data"].items():
        if variable.endswith("_FILE") and value.rpartition("/")[2] not in secret:
            fault(config_path, f"{variable} names no key of secret.example.yaml: {value}")
    for kind in ("Deployment", "Job"):
        path, document = kinds[kind]
        check_pod(path, document["spec"]["template"]["spec"], user)
    path, deployment = kinds["Deployment"]
    check_server(path, deployment, config["data"], port)
    for path, document in everything:
        if document["kind"] == "Service":
            ports = {entry["name"] for entry in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
            for entry in document["spec"]["ports"]:
                if entry["targetPort"] not in ports:
                    fault(path, f"leads to {entry['targetPort']}, which is no port of the deployment")


def check_pod(path, pod, user):
    context = pod["securityContext"]
    expect(path, "runAsUser", str(context.get("runAsUser")), user)
    if not context.get("runAsNonRoot"):
        fault(path, "may run as root")
    if pod["terminationGracePeriodSeconds"] < LONGEST_STOP:
        fault(path, f"is killed before it can end ({LONGEST_STOP} s)")
    for container in pod["containers"]:
        closed = container["securityContext"]
        if closed["allowPrivilegeEscalation"] or not closed["readOnlyRootFilesystem"] or closed["capabilities"] != {"drop": ["ALL"]}:
            fault(path, f"{container['name']} may do more than it needs")


def check_server(path, deployment, config, port):
    strategy = deployment["spec"]["strategy"]["rollingUpdate"]
    expect(path, "maxUnavailable", strategy["maxUnavailable"], 0)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ports = {entry["name"]: str(entry["containerPort"]) for entry in container["ports"]}
    expect(path, "the port http", ports.get("http"), port)
    if "OPS_ADDRESS" in config:
        expect(path, "the port ops", ports.get("ops"), config["OPS_ADDRESS"].rpartition(":")[2])
    paths = json.loads((ROOT / "docs/openapi/v1.json").read_text())["paths"]
    for probe, wanted in (("startupProbe", "live"), ("livenessProbe", "live"), ("readinessProbe", "ready")):
        asked = container[probe]["httpGet"]
        expect(path, probe, asked, {"path": f"/health/{wanted}", "port": "http"})
        if asked["path"] not in paths:
            fault(path, f"{probe} asks for {asked['path']}, which is no route")


def check_workflows():
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        documents(path)
        for action in re.findall(r"uses: (.+)$", path.read_text(), re.M):
            if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", action.strip()):
                fault(path, f"{action} is not pinned to a commit with its version behind it")


def main():
    known = catalogue()
    port, user = check_dockerfile(known)
    check_compose(known, port, user)
    check_systemd(known)
    check_kubernetes(known, port, user)
    check_workflows()
    print("\n".join(faults) if faults else "what ships agrees with itself and with the catalogue of settings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
