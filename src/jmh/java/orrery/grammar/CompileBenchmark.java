package orrery.grammar;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import orrery.checkpoint.JsonText;

/**
 * The time from a pattern or a schema to its constraint, for tokens of single bytes. Nothing is
 * kept from one to the next, as it is when requests ask for the same one again.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="CompileBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class CompileBenchmark {
  @Param({"date", "sentences", "animal", "any object", "string of 500"})
  public String what;

  private TokenTree tree;
  private Object animal; // a schema

  @Setup
  public void setUp() throws IOException {
    animal = JsonText.value(Files.readString(Path.of("docs/examples/animal.schema.json")));
    byte[][] bytes = new byte[256][]; // [vocab][1]
    for (int b = 0; b < bytes.length; b++) {
      bytes[b] = new byte[] {(byte) b};
    }
    tree = new TokenTree(bytes);
  }

  private Syntax syntax() {
    return switch (what) {
      case "date" -> RegexParser.whole(what, "(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}");
      case "sentences" -> RegexParser.whole(what, "([A-Z][a-z]+( [a-z]+){2,8}\\. ?)+");
      case "animal" -> SchemaReader.read(animal);
      case "any object" -> SchemaReader.anyObject();
      case "string of 500" -> JsonForms.string(0, 500);
      default -> throw new IllegalArgumentException(what);
    };
  }

  @Benchmark
  public Constraint compile() {
    return Constraint.of(what, AutomatonBuilder.build(what, syntax()), tree);
  }
}
