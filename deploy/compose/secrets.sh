#!/usr/bin/env bash
# Makes the passwords that docker-compose.yml reads, where there are none yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077
mkdir -p secrets
[ -e secrets/database_url ] && exit
random() { python3 -c 'import secrets; print(secrets.token_urlsafe(32), end="")'; }
password=$(random)
random >secrets/grafana_password
printf %s "$password" >secrets/postgres_password
printf %s "postgresql://neuronova:$password@postgres:5432/neuronova" >secrets/database_url
# The containers' users are others than who runs this; on this machine nobody else gets through the folder.
chmod 444 secrets/*
