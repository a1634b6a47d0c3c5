package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.graph.Eager;
import orrery.graph.Executor;
import orrery.graph.Step;
import orrery.hyper.HyperConnection;
import orrery.kernels.AttentionShape;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvDtype;
import orrery.kv.Stream;
import orrery.model.classic.ClassicConfig;
import orrery.model.classic.ClassicModel;
import orrery.quantization.WeightFormat;

/** Figures that the chapters work out by hand are those of the code and of the shipped model. */
class DocsFiguresTest {
  private static final int PAGE_TOKENS = 16;

  private static LoadedModel storyteller;

  @BeforeAll
  static void load() {
    storyteller = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
  }

  @AfterAll
  static void close() {
    storyteller.close();
  }

  private static String page(String name) throws IOException {
    return Files.readString(Path.of("docs", name)).replaceAll("\\s+", " ");
  }

  @Test
  void token37OfRequestCLiesWhereThePagesChapterLooksForIt() throws IOException {
    ClassicConfig c = ((ClassicModel) storyteller.model()).config();
    AttentionShape shape =
        new AttentionShape(c.heads(), c.kvHeads(), c.headDim(), c.headDim(), PAGE_TOKENS, 1);
    int[] table = {2, 5, 6};
    assertThat(shape.valueIndex(table, 37, 1, 0, 1)).isEqualTo(6496);
    assertThat(shape.keyIndex(table, 37, 1, 0, 1)).isEqualTo(6661);
    assertThat(shape.tile()).isEqualTo(16);
    assertThat(shape.keyWidth()).isEqualTo(64);
    assertThat(page("paged-kv.md"))
        .contains("table is `[2 5 6]`", "= 6496 float 6496", "= 6661 float 6661, then every 16th");
  }

  @Test
  void theBoundaryStreamCostsWhatTheMtpChapterSays() throws IOException {
    Map<String, Integer> bytes = new TreeMap<>();
    int together = 0;
    String mtpLayer = "layers." + storyteller.model().layers() + ".";
    for (Stream s : storyteller.model().kvLayout(true, KvDtype.F32).streams()) {
      int size = s.width() * s.rows(PAGE_TOKENS) * Float.BYTES;
      String part = s.name().contains("boundary") ? "boundary" : "main";
      bytes.merge(s.name().startsWith(mtpLayer) ? "mtp" : part, size, Integer::sum);
      together += size;
    }
    assertThat(bytes).isEqualTo(Map.of("main", 49_152, "mtp", 8_192, "boundary", 768));
    assertThat(page("multi-token-prediction.md"))
        .contains(" 49,152 |", " 8,192 |", " 768 |", String.format(Locale.ROOT, "%,d |", together))
        .contains(String.format(Locale.ROOT, "is %.1f %% of it", 100.0 * 768 / together));
  }

  /** The weights of the chapter's two streams come from {@code base} alone. */
  private static float[] mixed(int iterations, float[] streams, float[] output) {
    float log3 = (float) Math.log(3);
    float[] base = {0, log3, 0, -log3, 0, 0, log3, 0}; // pre, post, comb by rows
    PackedMatrix zero = PackedMatrix.of(WeightFormat.F32, new float[8][4]);
    HyperConnection site =
        new HyperConnection(zero, base, new float[3], 2, 2, iterations, 1e-6f, 1e-6f);
    Step step = new Step(1, 1, 1, new ScalarKernels());
    step.add(0, 0, 0, false);
    Buffer x = new Buffer("x", Step::rows, 1, 4);
    Buffer y = new Buffer("y", Step::rows, 1, 2);
    Buffer a = new Buffer("a", Step::rows, 1, 2);
    System.arraycopy(streams, 0, x.data, 0, 4);
    System.arraycopy(output, 0, a.data, 0, 2);
    HyperConnection.Space space = new HyperConnection.Space(Step::rows, 1, 2);
    try (Team team = new Team(1)) {
      Eager g = new Eager(new Executor(team), step);
      site.collapse(g, x, space, y);
      site.expand(g, a, x, space);
    }
    return new float[] {y.data[0], y.data[1], x.data[0], x.data[1], x.data[2], x.data[3]};
  }

  @Test
  void theTwoStreamsOfTheHyperConnectionsChapterMixAsItSays() throws IOException {
    Offset<Float> half = Offset.offset(0.0006f); // the page has three digits
    float[] streams = {1, 2, 3, -1};
    assertThat(mixed(20, streams, new float[] {0.4f, -0.8f}))
        .containsExactly(new float[] {2.75f, 0.25f, 2.668f, -0.702f, 1.932f, 0.502f}, half);
    float[][] comb = { // by rows, behind 1, 2 and 20 iterations
      {0.4f, 0.667f, 0.6f, 0.333f},
      {0.368f, 0.636f, 0.632f, 0.364f},
      {0.366f, 0.634f, 0.634f, 0.366f}
    };
    int[] iterations = {1, 2, 20};
    for (int i = 0; i < 3; i++) {
      // The streams (1, 0) and (0, 1) without an output become the columns of comb.
      float[] m = mixed(iterations[i], new float[] {1, 0, 0, 1}, new float[2]);
      assertThat(new float[] {m[2], m[4], m[3], m[5]}).containsExactly(comb[i], half);
    }
    assertThat(page("hyper-connections.md"))
        .contains("0.400 0.667", "0.368 0.636", "0.366 0.634", "2.668, −0.702", "1.932, 0.502");
  }

  @Test
  void theDraftsOfTheRoundThatTheMtpChapterDrawsAreTheseWords() throws IOException {
    var tokenizer = storyteller.requireTokenizer();
    List<String> words =
        List.of(262, 946, 556).stream().map(id -> tokenizer.decode(new int[] {id}, false)).toList();
    assertThat(words).containsExactly(" a", " quiet", " v");
    assertThat(page("multi-token-prediction.md"))
        .contains("\"drafts\":[262,946,556]", "drafted a quiet v");
  }
}
