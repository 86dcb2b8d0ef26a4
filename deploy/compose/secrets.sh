#!/usr/bin/env bash
# Makes the passwords that docker-compose.yml reads, where there are none yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
umask 077
mkdir -p secrets
random() { python3 -c 'import secrets; print(secrets.token_urlsafe(32), end="")'; }
if [ ! -e secrets/database_url ]; then
    password=$(random)
    random >secrets/grafana_password
    printf %s "$password" >secrets/postgres_password
    printf %s "postgresql://neuronova:$password@postgres:5432/neuronova" >secrets/database_url
fi
# The same server and role, another database.
[ -e secrets/orthanc_index_url ] || sed 's,/neuronova$,/orthanc,' secrets/database_url >secrets/orthanc_index_url
if [ ! -e secrets/broker_url ]; then
    password=$(random)
    printf '%s\n' "requirepass $password" 'save ""' 'appendonly no' 'maxmemory 200mb' >secrets/redis.conf
    printf %s "redis://:$password@redis:6379/0" >secrets/broker_url
fi
# The containers' users are others than who runs this; on this machine nobody else gets through the folder.
chmod 444 secrets/*
