#!/usr/bin/env bash
# Installs what the platform needs, and does nothing where it is there already.
#   ./install.sh                         the distribution's packages, the virtual environment, the viewer
#   ./install.sh system|python|viewer    one of them
#   ./install.sh celery                  Celery with Redis, for the outbox (docs/outbox.md)
#   ./install.sh test                    what the tests need on top
#   ./install.sh bench                   what the benchmarks need on top of the tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

system_packages=(orthanc orthanc-python orthanc-dicomweb orthanc-postgresql nginx-light python3 python3-venv fonts-nanum restic postgresql-client)
test_packages=(chromium dcmtk default-jre-headless iproute2 postgresql prometheus redis-server)
referee_packages=(node-java-fhir-validator@1.1.0 hl7.fhir.r4b.core@4.3.0 hl7.terminology.r4@7.0.1)
bench_packages=(openjph-tools wrk)
services=(orthanc nginx postgresql prometheus redis-server)
python=/usr/bin/python3 # the interpreter that Orthanc embeds
policy=/usr/sbin/policy-rc.d
wrote_policy=

die() {
    echo "install.sh: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "installing packages needs root: run as root, or install sudo"
    fi
}

missing() {
    for package in "$@"; do
        # "install ok installed" or "hold ok installed"; a removed package leaves "deinstall ok config-files".
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' ok installed$' || echo "$package"
    done
}

# The packages start their services at once; they must not, and what ran before must not be touched.
hold_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    wrote_policy=yes
    trap release_services EXIT
    trap 'exit 130' INT TERM HUP
    as_root chmod 755 "$policy"
}

release_services() {
    [ -z "$wrote_policy" ] || as_root rm -f "$policy"
    wrote_policy=
}

install_packages() {
    command -v apt-get >/dev/null || die "this is no Debian: install $* by hand, then run this again"
    local known=() service
    for service in "${services[@]}"; do
        [ -e "/lib/systemd/system/$service.service" ] && known+=("$service")
    done
    hold_services
    echo "Installing $*"
    as_root apt-get update -qq || die "apt-get update failed: check the network and /etc/apt/sources.list"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "apt-get could not install $*"
    release_services
    for service in "${services[@]}"; do
        case " ${known[*]:-} " in *" $service "*) continue ;; esac
        [ -e "/lib/systemd/system/$service.service" ] || continue
        command -v systemctl >/dev/null && as_root systemctl disable --quiet "$service" 2>/dev/null || true
    done
}

need_packages() {
    local packages
    mapfile -t packages < <(missing "$@")
    [ "${#packages[@]}" = 0 ] || install_packages "${packages[@]}"
}

# Installs a lock file into .venv unless that very file is installed already.
need_lock() {
    local lock=$1 stamp=".venv/.$1" want
    want=$(cat "$lock" pyproject.toml | sha256sum)$PWD$("$python" -V)
    [ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && return
    echo "Installing Python packages of $lock"
    # None yet, one that was interrupted, or one of an older Python.
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv ||
        die "cannot make .venv: run ./install.sh system first"
    # The lock file is complete; what it leaves out on purpose (tool.uv in pyproject.toml) is not missed.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock" ||
        die "pip could not install $lock: check the network"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    echo "$want" >"$stamp"
}

# Bytecode, for parts that run as a user who may not write here would compile every module at each start.
compile_parts() {
    .venv/bin/python -m compileall -q neuronova orthanc_plugins cdss_api inference
}

install_viewer() {
    command -v node >/dev/null || die "node is missing: install Node.js with npm"
    command -v npm >/dev/null || die "npm is missing: install npm"
    .venv/bin/python -m neuronova.platform.viewer
}

# HL7's own validator and the definitions that it reads. Unpacked one by one: npm does not have all that they depend on.
need_referee() {
    local package folder
    for package in "${referee_packages[@]}"; do
        folder=.referee/$package
        [ -d "$folder" ] && continue
        echo "Fetching $package"
        rm -rf "$folder.part"
        mkdir -p "$folder.part"
        (cd "$folder.part" && tar -xzf "$(npm pack --silent "$package")" && rm ./*.tgz) ||
            die "npm could not fetch $package: check the network"
        mv "$folder.part" "$folder"
    done
}

# The task queues that the outbox is measured against: apart, for the platform needs nothing of theirs.
need_queues() {
    local lock=bench/queues/requirements.lock
    cmp -s "$lock" .queues/requirements.lock && return
    echo "Installing Python packages of $lock"
    "$python" -m venv --clear .queues
    .queues/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" ||
        die "pip could not install $lock: check the network"
    cp "$lock" .queues/
}

# The FHIR server that the outbox delivers to in the tests.
need_emr() {
    local folder=tests/emr want
    want=$(sha256sum <$folder/package-lock.json)
    [ "$(cat $folder/node_modules/.lock 2>/dev/null)" = "$want" ] && return
    echo "Installing npm packages of $folder"
    npm ci --prefix $folder --silent --ignore-scripts --no-audit --no-fund ||
        die "npm could not install $folder/package-lock.json: check the network"
    echo "$want" >$folder/node_modules/.lock
}

[ $# -gt 0 ] || set -- system python viewer
for step in "$@"; do
    case $step in
    system) need_packages "${system_packages[@]}" ;;
    python)
        need_lock requirements.lock
        compile_parts
        ;;
    celery) need_lock requirements-celery.lock ;;
    viewer) install_viewer ;;
    test)
        need_packages "${test_packages[@]}"
        need_lock requirements-dev.lock
        compile_parts
        need_referee
        need_emr
        ;;
    bench)
        need_packages "${bench_packages[@]}"
        need_queues
        ;;
    *) die "unknown step $step: system, python, celery, viewer, test or bench" ;;
    esac
done
