#!/bin/sh
# restore-to.sh /archive '2026-11-22 12:00:00+00' /new/data/folder
# Lays out a data folder from the newest base backup begun before that time; the server started on it reads the
# archived log up to it, and then takes part in life again. The old data folder is left alone: move it away, and
# delete it when all is well. The time has to lie before the last archived commit, else the server does not start.
set -eu
archive=$1 target=$2 folder=$3
if [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
    echo "$folder is not empty: choose a new folder" >&2
    exit 1
fi
wanted=$(date -u -d "$target" +%Y%m%dT%H%M%SZ)
base=
for one in "$archive"/base/*Z; do
    if [ -d "$one" ] && ! [ "$(basename "$one")" \> "$wanted" ]; then base=$one; fi
done
if [ -z "$base" ]; then
    echo "$archive holds no base backup begun before $wanted" >&2
    exit 1
fi
mkdir -p "$folder"
cp -a "$base/." "$folder/"
chmod 700 "$folder"
# The last one counts, whatever the server was told before.
cat >>"$folder/postgresql.auto.conf" <<SETTINGS
restore_command = 'cp "$archive/wal/%f" "%p"'
recovery_target_time = '$target'
recovery_target_action = 'promote'
SETTINGS
touch "$folder/recovery.signal"
echo "$base"
