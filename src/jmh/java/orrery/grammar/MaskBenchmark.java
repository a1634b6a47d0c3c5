package orrery.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Random;
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
import orrery.sampling.History;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;

/**
 * The cost of a constraint for one token, in a state that allows nearly every token (inside a JSON
 * string) and in one that allows few (a key). {@code compute} is a mask that is asked for the first
 * time, {@code known} a sampled token with a mask that is known, {@code free} the same token
 * without a constraint.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="MaskBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MaskBenchmark {
  @Param({"2048", "131072"})
  public int vocab;

  @Param({"string", "key"})
  public String where;

  private ByteAutomaton automaton;
  private TokenTree tree;
  private int state;
  private Sampler sampler;
  private SamplingParams free;
  private SamplingParams constrained;
  private History history;
  private float[] logits; // [vocab]

  @Setup
  public void setUp() {
    Random random = new Random(1);
    byte[][] tokens = tokens(random);
    tree = new TokenTree(tokens);
    Syntax object =
        JsonForms.object(
            java.util.List.of(JsonForms.member(JsonForms.literal("name"), JsonForms.STRING)),
            new boolean[] {true},
            part -> {});
    automaton = AutomatonBuilder.build("benchmark", object);
    String begin = where.equals("string") ? "{\"name\": \"a" : "{\"na";
    state = automaton.next(0, begin.getBytes(StandardCharsets.UTF_8));
    sampler = new Sampler(vocab);
    history = new History(vocab, 0);
    for (byte b : begin.getBytes(StandardCharsets.UTF_8)) {
      history.push(b & 0xFF); // the first tokens are the bytes
    }
    free = SamplingParams.defaults();
    constrained = free.withConstraint(Constraint.of("benchmark", automaton, tree));
    logits = new float[vocab];
    for (int i = 0; i < vocab; i++) {
      logits[i] = (float) (3 * random.nextGaussian());
    }
  }

  /** All bytes, then made-up words of 2 to 10 letters, half of them with a blank in front. */
  private byte[][] tokens(Random random) {
    byte[][] tokens = new byte[vocab][]; // [vocab][any number of]
    for (int i = 0; i < vocab; i++) {
      StringBuilder word = new StringBuilder(random.nextBoolean() ? " " : "");
      for (int n = 2 + random.nextInt(9); n > 0; n--) {
        // Letters as unequal as in a language, so that words share beginnings.
        word.append((char) ('a' + (int) (26 * Math.pow(random.nextDouble(), 3))));
      }
      tokens[i] =
          i < 256 ? new byte[] {(byte) i} : word.toString().getBytes(StandardCharsets.UTF_8);
    }
    return tokens;
  }

  @Benchmark
  public int compute() {
    int[] count = new int[1];
    tree.walk(automaton, state, (id, next) -> count[0]++);
    return count[0];
  }

  @Benchmark
  public int known() {
    return sampler.sample(logits, 0, constrained, history, 7, 0);
  }

  @Benchmark
  public int free() {
    return sampler.sample(logits, 0, free, history, 7, 0);
  }
}
