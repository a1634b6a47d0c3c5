#!/bin/sh
# Starts Orrery with a JDK 25 or newer: $ORRERY_JAVA, $JAVA_HOME, `java` on the PATH, or one installed in the usual places.
here=$(CDPATH= cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd) || exit 2
need=25

# With standard input closed, the first file that Java opens would be taken for it.
[ ! -d /dev/fd ] || [ -e /dev/fd/0 ] || exec </dev/null

# Java reads arguments and names of files as the locale says. Here they are UTF-8 in every locale, so in
# one that is not (C, or one that is not installed), another is taken that is.
if [ "$(locale charmap 2>/dev/null)" != UTF-8 ]; then
  for utf8 in C.UTF-8 en_US.UTF-8; do
    if ! command -v locale >/dev/null || [ "$(LC_ALL=$utf8 locale charmap 2>/dev/null)" = UTF-8 ]; then
      LC_ALL=$utf8
      export LC_ALL
      break
    fi
  done
fi

# The feature release of a java program (25 for "25.0.1"), or 0 when it does not run.
release() {
  v=$("$1" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.specification\.version = \([0-9]*\).*/\1/p')
  echo "${v:-0}"
}

# A server must not stand still while memory is collected. ZGC computes beside the engine; its pauses are
# shorter than a step. One text is soon written, and sooner begun with the simplest collector: most of memory is
# weights and caches, which it does not move. Other commands have Java's own choice, and the user the last word.
collector=
case "$1:$ORRERY_JAVA_OPTS" in
  *:*-XX:+Use*GC*) ;;
  serve:*) collector=-XX:+UseZGC ;;
  generate:*) collector="-XX:+UseSerialGC -Xmn64m" ;;
esac

# Classes as the JVM holds them in memory, written when Orrery was packaged. A JVM of another build, or with changed jars,
# takes none of it and shares the JDK's own classes neither; it need not say so, and starts later. The archive holds
# compressed pointers, which ZGC has not: a JVM with ZGC is left its own archive. So is one whose options name another.
archive=$here/lib/orrery.jsa
case "$collector $ORRERY_JAVA_OPTS" in
  *UseZGC* | *UseCompressed* | *-XX:AOT* | *-XX:SharedArchiveFile*) archive= ;;
esac
[ -f "$archive" ] || archive=

# A JDK's `release` file answers without starting a JVM.
quick_release() {
  v=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$(dirname "$(dirname "$(readlink -f -- "$1")")")/release" 2>/dev/null)
  [ -n "$v" ] && echo "$v" || release "$1"
}

for java in "$ORRERY_JAVA" "${JAVA_HOME:+$JAVA_HOME/bin/java}" "$(command -v java)" \
    /usr/lib/jvm/*/bin/java /usr/java/*/bin/java /opt/java/*/bin/java "$HOME"/.jdks/*/bin/java \
    "$HOME"/.sdkman/candidates/java/*/bin/java /Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java; do
  [ -n "$java" ] && [ -x "$java" ] || continue
  if [ "$(quick_release "$java")" -ge "$need" ]; then
    exec "$java" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
      -Djdk.reflect.useNativeAccessorOnly=true \
      ${archive:+"-XX:SharedArchiveFile=$archive"} ${archive:+-Xlog:cds=off} ${archive:+-Xlog:aot=off} \
      -Dorrery.home="$here" $collector $ORRERY_JAVA_OPTS -cp "$here/lib/*" orrery.cli.Main "$@"
  fi
done
echo "orrery: needs a JDK $need or newer, and found none. Install one (for example Eclipse Temurin $need), or set JAVA_HOME to it." >&2
exit 2
