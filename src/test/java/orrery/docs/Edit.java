package orrery.docs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An edit of one source file as a unified diff. Its line numbers do not count, since they drift.
 * The edit is applied where its old lines stand, which must be exactly one place.
 *
 * @param file that is edited, from the repository's root
 * @param creates whether the file is new
 * @param hunks in order
 */
record Edit(Path file, boolean creates, List<Hunk> hunks) {
  private static final Pattern HEADER = Pattern.compile("@@ -\\d+,(\\d+) \\+\\d+,(\\d+) @@.*");
  private static final String NEW = "--- /dev/null";

  /**
   * @param before lines as they are
   * @param after lines as the edit makes them
   */
  record Hunk(List<String> before, List<String> after) {}

  /**
   * Reads a diff as {@code git diff} writes it.
   *
   * @throws IllegalArgumentException if the text is no diff, or if a header counts other lines than
   *     its hunk has
   */
  static Edit parse(List<String> diff) {
    boolean creates = !diff.isEmpty() && diff.get(0).equals(NEW);
    if (diff.size() < 3
        || !creates && !diff.get(0).startsWith("--- a/")
        || !diff.get(1).startsWith("+++ b/")) {
      throw new IllegalArgumentException("expected --- a/FILE, +++ b/FILE, @@, found " + diff);
    }
    List<Hunk> hunks = new ArrayList<>();
    int i = 2;
    while (i < diff.size()) {
      Matcher header = HEADER.matcher(diff.get(i++));
      if (!header.matches()) {
        throw new IllegalArgumentException("expected @@ -N,N +N,N @@, found " + diff.get(i - 1));
      }
      Hunk hunk = new Hunk(new ArrayList<>(), new ArrayList<>());
      for (; i < diff.size() && !diff.get(i).startsWith("@@"); i++) {
        add(hunk, diff.get(i));
      }
      String counted = hunk.before.size() + " and " + hunk.after.size();
      if (!counted.equals(header.group(1) + " and " + header.group(2))) {
        throw new IllegalArgumentException(header.group() + ": found " + counted + " lines");
      }
      hunks.add(hunk);
    }
    return new Edit(Path.of(diff.get(1).substring("+++ b/".length())), creates, hunks);
  }

  private static void add(Hunk hunk, String line) {
    String text = line.isEmpty() ? "" : line.substring(1);
    switch (line.isEmpty() ? ' ' : line.charAt(0)) {
      case ' ' -> {
        hunk.before.add(text);
        hunk.after.add(text);
      }
      case '-' -> hunk.before.add(text);
      case '+' -> hunk.after.add(text);
      default -> throw new IllegalArgumentException("expected ' ', - or + first, found " + line);
    }
  }

  /**
   * The edited file.
   *
   * @throws IOException if the file cannot be read, or is there already and the edit creates it
   */
  List<String> applied() throws IOException {
    if (creates && Files.exists(file)) {
      throw new IOException(file + ": expected no such file yet");
    }
    return apply(creates ? List.of() : Files.readAllLines(file));
  }

  /**
   * The edited lines of the file.
   *
   * @throws IllegalArgumentException if a hunk's lines stand nowhere in it, or in several places
   */
  List<String> apply(List<String> lines) {
    List<String> edited = new ArrayList<>(lines);
    for (Hunk hunk : hunks) {
      int at = -1;
      for (int i = 0; i + hunk.before.size() <= edited.size(); i++) {
        if (edited.subList(i, i + hunk.before.size()).equals(hunk.before)) {
          if (at >= 0) {
            throw new IllegalArgumentException(file + " has more than one place of " + hunk.before);
          }
          at = i;
        }
      }
      if (at < 0) {
        throw new IllegalArgumentException(file + " has no place of " + hunk.before);
      }
      List<String> there = edited.subList(at, at + hunk.before.size());
      there.clear();
      there.addAll(hunk.after);
    }
    return edited;
  }
}
