package orrery;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Formats every Java file of every source set ({@code src/main/java}, {@code src/test/java}, ...)
 * in place with google-java-format, and prints the names of the files that it changed. Run it with
 * {@code mvn -q test-compile exec:exec@format}.
 */
public final class SourceFormat {

  /** Relative to the directory Maven runs in, which is the root of the repository. */
  static final Path SOURCES = Path.of("src");

  private SourceFormat() {}

  /** Formats the sources of the current directory; takes no arguments. */
  public static void main(String[] args) throws IOException {
    for (Path file : javaFiles(SOURCES)) {
      String before = Files.readString(file);
      String after = formatted(file, before);
      if (!after.equals(before)) {
        Files.writeString(file, after);
        System.out.println("formatted " + file);
      }
    }
  }

  /** The Java files of every source set ({@code main/java}, {@code test/java}, ...), sorted. */
  static List<Path> javaFiles(Path sources) throws IOException {
    try (Stream<Path> files = Files.walk(sources)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> sources.relativize(file).getNameCount() > 2)
          .filter(file -> sources.relativize(file).getName(1).toString().equals("java"))
          .sorted()
          .toList();
    }
  }

  /** True when the file already reads as the formatter would write it. */
  static boolean isFormatted(Path file) {
    try {
      String source = Files.readString(file);
      return formatted(file, source).equals(source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The source as google-java-format's command line formats it: layout, imports, long strings. */
  static String formatted(Path file, String source) {
    try {
      return new Formatter().formatSourceAndFixImports(source);
    } catch (FormatterException e) {
      throw new IllegalArgumentException(file + " cannot be parsed: " + e.getMessage(), e);
    }
  }
}
