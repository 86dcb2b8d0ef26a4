#!/usr/bin/env bash
# Makes a Debian 13 in .cache/debian13, whose Orthanc the tests start with ORTHANC_UNDER_TEST=debian13.
# Does nothing where it is there already, begins anew where it was interrupted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD/.cache/debian13
stamp=$root/.complete
want=$(sha256sum requirements.lock)

die() {
    echo "debian13.sh: $*" >&2
    exit 1
}

[ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && exit
[ "$(id -u)" = 0 ] || die "a chroot needs root: run as root, or test without ORTHANC_UNDER_TEST"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
# The mirror that this machine uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)

if [ ! -e "$root/.bootstrapped" ]; then
    echo "Making a Debian 13 in $root"
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include=ca-certificates trixie "$root" "$mirror" >/dev/null ||
        die "debootstrap failed: $root/debootstrap/debootstrap.log says why"
    touch "$root/.bootstrapped"
fi
# Everything below is mounted in a namespace of its own and gone with it.
unshare --mount bash -euo pipefail -s "$root" "$PWD" <<'INSIDE'
root=$1 repository=$2
mkdir -p "$root$repository"
mount --bind "$repository" "$root$repository"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp --dereference "$file" "$root$file"
done
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive
chroot "$root" apt-get update -qq
chroot "$root" apt-get install -y -qq --no-install-recommends \
    orthanc orthanc-python orthanc-dicomweb orthanc-postgresql python3 python3-venv >/dev/null
chroot "$root" /usr/bin/python3 -m venv --clear /opt/venv
chroot "$root" /opt/venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-deps --require-hashes -r "$repository/requirements.lock"
INSIDE
echo "$want" >"$stamp"
