package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.graph.Executor;
import orrery.graph.IntBuffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StreamRows;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.PageTable;

/** The worked example of the chapter on hybrid attention: token 20 of a speck's golden ids. */
class HybridFiguresTest {
  private static final Path SPECK = TinyModels.speck("v4-mtp");
  private static final int T = 20;

  /**
   * What head 0 of token 20 reads in a layer.
   *
   * @param entries compressed entries that are read
   * @param percent of the softmax, [window rows, then entries, then the sink]
   */
  private record Read(int window, List<Integer> entries, double[] percent) {
    double near() {
      return Arrays.stream(percent, 0, window).sum();
    }
  }

  private static final List<Read> LAYERS = new ArrayList<>();
  private static double[] weights; // [8] of the tokens 12..19, of channel 0 of an entry

  @BeforeAll
  static void compute() {
    int[] ids = Arrays.copyOf(TinyModels.ids(SPECK), T + 1);
    try (LoadedModel loaded = LoadedModel.load(SPECK);
        Team team = new Team(1);
        SafetensorsFile file = SafetensorsFile.open(SPECK.resolve("model.safetensors"))) {
      KvCache cache = new KvCache(loaded.model().kvLayout(false, KvDtype.F32), 8, 24, 3);
      PageTable table = cache.newTable();
      cache.reserve(table, T + 1);
      Step step = new Step(T + 1, 1, 1, new ScalarKernels());
      step.tables[0] = table;
      for (int p = 0; p <= T; p++) {
        step.add(ids[p], p, 0, p == T);
      }
      Executor executor = new Executor(team);
      loaded
          .model()
          .bind(cache, 1)
          .apply(T + 1)
          .main(
              new Launcher() {
                @Override
                public void launch(Op op) {
                  executor.run(op, step);
                  if (op.getClass().getSimpleName().equals("AttendLatent")) {
                    String sink = "layers." + LAYERS.size() + ".attn.attn_sink";
                    LAYERS.add(read(op, step, file.tensor(sink).floats()[0]));
                  }
                }
              });
      weights = weights(cache, step);
    }
  }

  private static <O> List<O> operands(Op op, Class<O> kind) {
    return op.reads().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static Read read(Op op, Step step, double sink) {
    StreamRows raw = operands(op, StreamRows.class).getFirst();
    List<StreamRows> both = operands(op, StreamRows.class);
    List<Integer> entries = new ArrayList<>();
    List<Double> scores = new ArrayList<>();
    Buffer q = operands(op, Buffer.class).getFirst();
    for (int slot = T - 7; slot <= T; slot++) {
      scores.add(score(q, raw, raw.at(raw.pages(step, T), slot)));
    }
    if (both.size() > 1) {
      StreamRows compressed = both.get(1);
      List<IntBuffer> selected = operands(op, IntBuffer.class);
      IntStream read =
          selected.isEmpty()
              ? IntStream.range(0, (T + 1) / compressed.tokensPerRow())
              : Arrays.stream(selected.getFirst().data, T * 3, T * 3 + 3);
      for (int entry : read.toArray()) {
        entries.add(entry);
        int at = compressed.at(compressed.pages(step, T), entry * compressed.tokensPerRow());
        scores.add(score(q, compressed, at));
      }
    }
    scores.add(sink);
    return new Read(8, entries, softmax(scores.stream().mapToDouble(s -> s).toArray(), 100));
  }

  private static double score(Buffer q, StreamRows rows, int at) {
    double dot = 0;
    for (int d = 0; d < rows.width(); d++) {
      dot += q.data[q.row(T) + d] * rows.data()[at + d];
    }
    return dot / Math.sqrt(rows.width());
  }

  private static double[] softmax(double[] scores, double whole) {
    double sum = Arrays.stream(scores).map(Math::exp).sum();
    return Arrays.stream(scores).map(s -> whole * Math.exp(s) / sum).toArray();
  }

  /** Of entry 4 of layer 1, which stands for tokens 16 to 19 and overlaps those before. */
  private static double[] weights(KvCache cache, Step step) {
    int stream =
        cache.layout().streams().stream().map(s -> s.name()).toList().indexOf("layers.1.state");
    StreamRows state = StreamRows.of(cache, stream);
    int headDim = state.width() / 4; // two vectors and two gates
    double[] gates = new double[8];
    for (int i = 0; i < 8; i++) {
      int at = state.at(state.pages(step, T), 12 + i) + 2 * headDim + (i < 4 ? 0 : headDim);
      gates[i] = state.data()[at];
    }
    return softmax(gates, 1);
  }

  private static String page() throws IOException {
    return Files.readString(Path.of("docs/hybrid-attention.md")).replaceAll("\\s+", " ");
  }

  private static String numbers(String format, double... numbers) {
    return Arrays.stream(numbers)
        .mapToObj(n -> String.format(Locale.ROOT, format, n))
        .collect(Collectors.joining(" "));
  }

  /** A line of the chapter's table. */
  private static String line(String layer, Read r) {
    int window = r.percent.length - r.entries.size() - 1;
    StringBuilder line = new StringBuilder(layer + " ");
    line.append(numbers("%.1f", Arrays.copyOf(r.percent, window)));
    line.append(numbers(" %.1f", r.near()));
    for (int e = 0; e < r.entries.size(); e++) {
      line.append(" ").append(r.entries.get(e)).append(":");
      line.append(numbers(" %.1f", r.percent[window + e]));
    }
    return line.append(numbers(" %.1f", r.percent[r.percent.length - 1])).toString();
  }

  @Test
  void token20ReadsTheRowsThatTheChapterSays() throws IOException {
    String[] layers = {"0 SWA", "1 CSA", "2 HCA", "3 CSA"};
    assertThat(LAYERS).hasSize(layers.length);
    for (int l = 0; l < layers.length; l++) {
      assertThat(page()).contains(line(layers[l], LAYERS.get(l)));
    }
  }

  @Test
  void theTokensOfAnEntryWeighWhatTheChapterSays() throws IOException {
    assertThat(page()).contains(numbers("%.2f", weights));
  }
}
