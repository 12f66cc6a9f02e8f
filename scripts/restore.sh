#!/usr/bin/env bash
# Puts a backup into a new installation and starts it.
#
#   scripts/restore.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
from=${1:?which backup? scripts/restore.sh FOLDER}
(cd "$from" && sha256sum --check --quiet SHA256SUMS)

# Nobody writes meanwhile; what keeps data starts, prepared and empty.
docker compose stop --timeout 60 daemon webserver code mlflow report
docker compose run --rm -T init
docker compose run --rm -T --no-deps init python /opt/celec/deploy/compose/prepare.py restore < "$from/objects.tar"
for database in dagster mlflow; do
  docker compose exec -T postgres pg_restore --username=celec --dbname="$database" --clean --if-exists --single-transaction \
    < "$from/$database.dump"
done
docker compose up --detach --wait
