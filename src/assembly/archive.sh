#!/bin/sh
# Writes lib/orrery.jsa of a packaged Orrery: archive.sh PACKAGE MODEL. A run that generates a text lists the classes that a
# start needs, and a second JVM puts them into the archive. The launcher finds the JVM for both, so that it fits the one
# that it will start. Without an archive Orrery works, and starts later: so nothing here makes a build fail.
# Options are split at spaces, so names in them are relative to the package.
model=$(CDPATH= cd -- "$2" && pwd) && CDPATH= cd -- "$1" || exit 0
archive=lib/orrery.jsa
classes=lib/classes.lst
rm -f "$archive"
ORRERY_JAVA_OPTS="-Xshare:off -XX:DumpLoadedClassList=$classes" \
  bin/orrery generate --model "$model" --prompt "Once" -n 40 --temperature 1 --seed 1 >/dev/null 2>&1 &&
  ORRERY_JAVA_OPTS="-Xshare:dump -XX:SharedClassListFile=$classes -XX:SharedArchiveFile=$archive" \
    bin/orrery >/dev/null 2>&1
[ -s "$archive" ] || echo "no class archive could be written: Orrery works, and starts later"
rm -f "$classes"
exit 0
