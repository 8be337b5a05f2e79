#!/bin/sh
# base-backup.sh /archive: a base backup of the running server, checked, under the time it was begun at.
# The server and who may ask it are told as to any client of PostgreSQL: PGHOST, PGPORT, PGUSER, PGPASSWORD. The
# role needs REPLICATION, and pg_hba.conf a line `host replication ...` for it.
set -eu
archive=$1
name=$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$archive/base"
pg_basebackup --pgdata="$archive/base/.$name.partial" --checkpoint=fast --wal-method=stream --no-password
pg_verifybackup --quiet "$archive/base/.$name.partial"
mv "$archive/base/.$name.partial" "$archive/base/$name"
echo "$archive/base/$name"
