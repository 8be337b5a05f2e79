#!/bin/sh
# PostgreSQL's archive_command: archive-wal.sh %p %f /archive
# Answers 0 only when the file is safely there; PostgreSQL asks again until it is. A file of that name with other
# content is never replaced: two servers would be writing into one archive.
set -eu
source=$1 name=$2 archive=$3
if [ -f "$archive/wal/$name" ]; then
    exec cmp -s "$source" "$archive/wal/$name"
fi
mkdir -p "$archive/wal"
cp "$source" "$archive/wal/.$name.partial"
sync "$archive/wal/.$name.partial"
mv "$archive/wal/.$name.partial" "$archive/wal/$name"
sync "$archive/wal"
