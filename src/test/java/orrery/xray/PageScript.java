package orrery.xray;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.Engine;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.io.IOAccess;

/**
 * The page's modules that have no DOM, run inside the JVM: its state, its history, and what was
 * counted during a load. A module may be changed first, to see that a test notices.
 */
final class PageScript implements AutoCloseable {
  private static final Path SOURCES = Path.of("src/main/resources/orrery/xray");
  private static final List<String> MODULES =
      List.of(
          "counters.js",
          "books.js",
          "shape.js",
          "handover.js",
          "keyframe.js",
          "rules.js",
          "state.js",
          "history.js",
          "runs.js",
          "feed.js");
  private static final Path DRIVER = Path.of("src/test/resources/orrery/xray/drive.js");
  private static final Engine ENGINE =
      Engine.newBuilder("js").option("engine.WarnInterpreterOnly", "false").build();

  /**
   * A change of a module.
   *
   * @param from text that is there once
   */
  record Edit(String module, String from, String to) {
    @Override
    public String toString() {
      return module + ": “" + from.strip() + "” becomes “" + to.strip() + "”";
    }
  }

  private final Context context;
  private final Value exports;

  private PageScript(Path directory) throws IOException {
    context =
        Context.newBuilder("js")
            .engine(ENGINE)
            .allowIO(IOAccess.ALL)
            .option("js.esm-eval-returns-exports", "true")
            .build();
    Path driver = directory.resolve("drive.js");
    exports =
        context.eval(
            Source.newBuilder("js", driver.toFile())
                .mimeType("application/javascript+module")
                .build());
  }

  /** The modules as they are. */
  static PageScript open(Path directory) {
    return open(directory, List.of());
  }

  /**
   * The modules with some changes.
   *
   * @param directory an empty one, for copies
   */
  static PageScript open(Path directory, List<Edit> edits) {
    try {
      for (String module : MODULES) {
        String text = Files.readString(SOURCES.resolve(module));
        for (Edit edit : edits) {
          if (edit.module().equals(module)) {
            int at = text.indexOf(edit.from());
            if (at < 0 || text.indexOf(edit.from(), at + 1) >= 0) {
              throw new AssertionError(edit + ": expected that text once, found otherwise");
            }
            text = text.replace(edit.from(), edit.to());
          }
        }
        Files.writeString(directory.resolve(module), text);
      }
      Files.copy(DRIVER, directory.resolve("drive.js"));
      return new PageScript(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Calls a function of the driver. */
  Value call(String function, Object... arguments) {
    return exports.getMember(function).execute(arguments);
  }

  /** The state's counters as numbers. */
  static Map<?, ?> map(Value object) {
    return object.as(Map.class);
  }

  @Override
  public void close() {
    context.close();
  }
}
