package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.LoadedModel;
import orrery.graph.Buffer;
import orrery.kernels.VectorKernels;
import orrery.kv.KvDtype;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.sampling.SamplingParams;
import orrery.speculation.DraftPicker.How;
import orrery.speculation.Drafter.Order;
import orrery.speculation.Lanes.Rows;

/** Compares the MTP drafter with the independent implementation in {@code training/mtp.py}. */
class MtpDrafterTest {
  private static final float TOLERANCE = 2e-4f;
  private static final SamplingParams GREEDY = SamplingParams.defaults().withTemperature(0);

  static List<Path> models() {
    return TinyModels.all().stream()
        .filter(
            path -> {
              try (SafetensorsFile golden = TinyModels.golden(path)) {
                return golden.has("mtp.logits");
              }
            })
        .toList();
  }

  private static Lanes lanes(Model model, int page, int longest) {
    return new Lanes(
        model,
        model.kvLayout(true, KvDtype.F32).wholeRows(page),
        longest,
        new VectorKernels(),
        (runner, step, cache, sampler) ->
            new MtpDrafter(
                runner, step, cache, new DraftPicker(sampler, How.LIKELIEST, model.vocab())));
  }

  /** It also holds if a prompt comes in pieces and rows are put off until the last piece. */
  @ParameterizedTest
  @MethodSource("models")
  void itsDraftsAfterAPromptAreTheGoldenChain(Path path) {
    Model model = LoadedModel.load(path).model();
    int[] ids = TinyModels.ids(path);
    int[] prefixes;
    int[] golden;
    try (SafetensorsFile file = TinyModels.golden(path)) {
      prefixes = TinyModels.ints(file, "mtp.chain.prefix");
      golden = TinyModels.ints(file, "mtp.chain.drafts"); // [prefixes][3]
    }
    assertThat(prefixes).isNotEmpty();
    for (int c = 0; c < prefixes.length; c++) {
      int[] expected = Arrays.copyOfRange(golden, 3 * c, 3 * c + 3);
      for (int piece : new int[] {64, 5}) {
        for (boolean soon : new boolean[] {true, false}) {
          int[] prefix = Arrays.copyOf(ids, prefixes[c]);
          int longest = prefix.length + 8;
          Lane s = new Lane(model.vocab(), prefix, longest, GREEDY, 0);
          try (Lanes lanes = lanes(model, 16, longest)) {
            lanes.start(s);
            while (s.computed < prefix.length - 1) { // the newest token is the prompt's last
              int left = prefix.length - 1 - s.computed;
              boolean last = left <= piece;
              lanes.step(List.of(new Rows(s, Math.min(piece, left))), soon || last);
            }
            lanes.reserve(s, 4);
            lanes.drafter.draft(List.of(new Order(s.drafts, 3)));
            assertThat(s.drafts.toArray())
                .as("%s, prefix of %d, pieces of %d", path, prefix.length, piece)
                .isEqualTo(expected);
          }
        }
      }
    }
  }

  /**
   * The layer's row p reads the state of token p and token p + 1. If it reads token p instead, it
   * is far off.
   */
  @ParameterizedTest
  @MethodSource("models")
  void aPairingOneTokenOffIsFarFromTheGoldenTensors(Path path) {
    Model model = LoadedModel.load(path).model();
    int[] ids = Arrays.copyOf(TinyModels.ids(path), 48);
    float[] golden; // [rows][vocab]
    int[] rows; // those of the first tokens of which the file has logits
    try (SafetensorsFile file = TinyModels.golden(path)) {
      golden = file.tensor("mtp.logits").floats();
      rows =
          file.has("mtp.rows")
              ? TinyModels.ints(file, "mtp.rows")
              : IntStream.range(0, ids.length - 1).toArray();
    }
    rows = Arrays.stream(rows).takeWhile(row -> row < ids.length - 1).toArray();
    assertThat(rows).isNotEmpty();
    assertThat(worstMtpDifference(model, ids, golden, rows, 1)).isLessThan(TOLERANCE);
    assertThat(worstMtpDifference(model, ids, golden, rows, 0)).isGreaterThan(1_000 * TOLERANCE);
  }

  private static float worstMtpDifference(
      Model model, int[] ids, float[] golden, int[] chosen, int pairing) {
    float worst = 0;
    try (Lanes lanes = lanes(model, 16, ids.length)) {
      var table = lanes.cache.newTable();
      lanes.cache.reserve(table, ids.length + 1);
      lanes.step.tables[0] = table;
      lanes.step.clear();
      for (int p = 0; p < ids.length; p++) {
        lanes.step.add(ids[p], p, 0, false);
      }
      Buffer hidden = lanes.runner.run(lanes.step).states();
      int rows = ids.length - 1;
      lanes.step.clear();
      Buffer in = lanes.runner.forMtp(rows).mtpInput();
      for (int p = 0; p < rows; p++) {
        lanes.step.add(ids[p + pairing], p, p + 1, 0, true);
        System.arraycopy(hidden.data, hidden.row(p), in.data, in.row(p), hidden.cols);
      }
      Forward f = lanes.runner.runMtp(lanes.step);
      for (int i = 0; i < chosen.length; i++) {
        for (int t = 0; t < model.vocab(); t++) {
          float found = f.mtpLogits().data[f.mtpLogits().row(chosen[i]) + t];
          worst = Math.max(worst, Math.abs(found - golden[i * model.vocab() + t]));
        }
      }
    }
    return worst;
  }
}
