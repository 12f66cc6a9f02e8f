#!/usr/bin/env bash
# A copy of lake, models and runs, made while Compose runs: the lake and MLflow's files as a tar file with an object a
# member, the databases as pg_dump writes them. Secrets are not in it: a new installation makes its own.
#
#   scripts/backup.sh [FOLDER]     the default is backups/<now>
set -euo pipefail
cd "$(dirname "$0")/.."
into=${1:-backups/$(date -u +%Y-%m-%dT%H-%M-%SZ)}
if [ -e "$into" ]; then
  echo "$into is there already: name another folder" >&2
  exit 1
fi
mkdir -p "$(dirname "$into")"
# Takes its name when it is complete.
partial=$(mktemp -d "$into.XXXXXX")
trap 'rm -rf "$partial"' EXIT

# The databases first: what they name is then in the lake.
for database in dagster mlflow; do
  docker compose exec -T postgres pg_dump --username=celec --format=custom "$database" > "$partial/$database.dump"
done
docker compose run --rm -T --no-deps init python /opt/celec/deploy/compose/prepare.py export > "$partial/objects.tar"
(cd "$partial" && sha256sum -- * > SHA256SUMS)
mv "$partial" "$into"
echo "$into: $(du -sh "$into" | cut -f1)"
