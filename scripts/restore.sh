#!/usr/bin/env bash
# Puts a backup into a new installation and starts it. Begin again after whatever stopped it: it goes on.
#
#   scripts/restore.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
from=${1:?which backup? scripts/restore.sh FOLDER}
(cd "$from" && sha256sum --check --quiet SHA256SUMS)

prepare() {
  docker compose run --rm -T --no-deps init python /opt/celec/deploy/compose/prepare.py "$1"
}

# What keeps data starts, and only one that has run nothing yet is filled. Then nobody writes meanwhile.
docker compose run --rm -T init
prepare new
docker compose stop daemon webserver code mlflow report
prepare restore < "$from/objects.tar"
for database in mlflow dagster; do
  # Made anew: tables that the backup's version did not have yet would be in the way of its migration.
  docker compose exec -T postgres dropdb --username=celec --force "$database"
  docker compose exec -T postgres createdb --username=celec "$database"
  docker compose exec -T postgres pg_restore --username=celec --dbname="$database" --single-transaction \
    < "$from/$database.dump"
done
docker compose run --rm -T init
docker compose up --detach --wait
