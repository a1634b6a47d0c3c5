package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.FloatModel;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.SafetensorsFile;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.lab.Fidelity.Score;
import orrery.lab.HeldOutText.Passage;
import orrery.quantization.layouts.Layouts;

class FidelityTest {
  private static final EngineOptions OPTIONS = EngineOptions.defaults();

  @TempDir private Path directory;

  private Path floats() {
    Path model = directory.resolve("model");
    return Files.exists(model) ? model : FloatModel.write(FloatModel.of(FloatModel.GLM, 3), model);
  }

  private static int[] ids(int seed, int n, int vocab) {
    return new Draw(seed, vocab).tokens(n);
  }

  /** Logits [tokens][vocab] by another way: the dump of the whole text as one step. */
  private double[][] logits(Path model, int[] ids) {
    Path file = directory.resolve("dump");
    try (LoadedModel loaded = LoadedModel.load(model)) {
      TensorDump.write(loaded, OPTIONS, ids, 0, file);
    }
    try (SafetensorsFile dump = SafetensorsFile.open(file)) {
      float[] all = dump.tensor("logits").floats();
      double[][] rows = new double[ids.length][all.length / ids.length];
      for (int i = 0; i < all.length; i++) {
        rows[i / rows[0].length][i % rows[0].length] = all[i];
      }
      return rows;
    }
  }

  /** Probabilities by the plain formula; small models have small logits. */
  private static double[] probabilities(double[] logits) {
    double[] p = Arrays.stream(logits).map(Math::exp).toArray();
    double sum = Arrays.stream(p).sum();
    return Arrays.stream(p).map(v -> v / sum).toArray();
  }

  private static int best(double[] p) {
    int best = 0;
    for (int v = 1; v < p.length; v++) {
      best = p[v] > p[best] ? v : best;
    }
    return best;
  }

  @Test
  void theScoresAreThoseOfThePlainFormulasOverDumpedLogits() {
    Path out = directory.resolve("out");
    Quantize.write(floats(), Layouts.of("mxfp4", null), out, (done, of) -> {});
    List<Passage> passages =
        List.of(
            new Passage("one", ids(1, 150, 67), true), // more than two chunks
            new Passage("other", ids(2, 9, 67), true),
            new Passage("one", ids(3, 64, 67), true));
    List<Score> scores;
    try (LoadedModel before = LoadedModel.load(floats());
        LoadedModel after = LoadedModel.load(out)) {
      scores = Fidelity.compare(before, after, passages, OPTIONS);
    }
    assertThat(scores.stream().map(Score::kind)).containsExactly("one", "other", "all");
    assertPlain(scores.get(0), List.of(passages.get(0), passages.get(2)), out);
    assertPlain(scores.get(1), List.of(passages.get(1)), out);
    assertPlain(scores.get(2), passages, out);
  }

  private void assertPlain(Score score, List<Passage> passages, Path out) {
    List<Double> kls = new ArrayList<>();
    double same = 0;
    double foretold = 0;
    double logP = 0;
    double logQ = 0;
    double right = 0;
    double otherRight = 0;
    for (Passage passage : passages) {
      double[][] before = logits(floats(), passage.ids());
      double[][] after = logits(out, passage.ids());
      for (int t = 0; t < before.length; t++) {
        double[] p = probabilities(before[t]);
        double[] q = probabilities(after[t]);
        double kl = 0;
        for (int v = 0; v < p.length; v++) {
          kl += p[v] * Math.log(p[v] / q[v]);
        }
        kls.add(kl);
        same += best(p) == best(q) ? 1 : 0;
        if (t + 1 < before.length) {
          int next = passage.ids()[t + 1];
          foretold++;
          logP += Math.log(p[next]);
          logQ += Math.log(q[next]);
          right += best(p) == next ? 1 : 0;
          otherRight += best(q) == next ? 1 : 0;
        }
      }
    }
    double rows = kls.size();
    assertThat(score.rows()).isEqualTo(kls.size());
    assertThat(score.foretold()).isEqualTo((long) foretold);
    assertThat(score.kl()).isCloseTo(kls.stream().mapToDouble(k -> k).sum() / rows, within(1e-9));
    assertThat(score.worstKl())
        .isCloseTo(kls.stream().mapToDouble(k -> k).max().orElseThrow(), within(1e-9));
    assertThat(score.kl()).as("mxfp4 costs something").isGreaterThan(1e-4);
    assertThat(score.agreement()).isCloseTo(same / rows, within(1e-12));
    assertThat(score.perplexity()).isCloseTo(Math.exp(-logP / foretold), within(1e-6));
    assertThat(score.otherPerplexity()).isCloseTo(Math.exp(-logQ / foretold), within(1e-6));
    assertThat(score.right()).isCloseTo(right / foretold, within(1e-12));
    assertThat(score.otherRight()).isCloseTo(otherRight / foretold, within(1e-12));
  }

  @Test
  void theWorstTokenIsNamedByPassageAndPlace() {
    Path out = directory.resolve("out");
    Quantize.write(floats(), Layouts.of("mxfp4", null), out, (done, of) -> {});
    List<Passage> passages =
        List.of(
            new Passage("a", ids(5, 70, 67), true),
            new Passage("b", ids(6, 70, 67), true),
            new Passage("b", ids(7, 70, 67), true));
    try (LoadedModel before = LoadedModel.load(floats());
        LoadedModel after = LoadedModel.load(out)) {
      Score b = Fidelity.compare(before, after, passages, OPTIONS).get(1);
      int[] cut = Arrays.copyOf(passages.get(1 + b.worstPassage()).ids(), b.worstToken() + 1);
      Passage upToIt = new Passage("cut", cut, true);
      Score again = Fidelity.compare(before, after, List.of(upToIt), OPTIONS).getFirst();
      assertThat(again.worstToken()).isEqualTo(b.worstToken());
      assertThat(again.worstKl()).isEqualTo(b.worstKl());
    }
  }

  @Test
  void aModelAgreesWithItself() {
    Passage natural = new Passage("text", ids(1, 100, 67), true);
    Passage random = new Passage("random", ids(2, 100, 67), false);
    try (LoadedModel model = LoadedModel.load(floats())) {
      List<Score> scores = Fidelity.compare(model, model, List.of(natural, random), OPTIONS);
      for (Score score : scores) {
        assertThat(score.kl()).isCloseTo(0, within(1e-12));
        assertThat(score.worstKl()).isCloseTo(0, within(1e-12));
        assertThat(score.agreement()).isOne();
      }
      assertThat(scores.get(0).otherPerplexity()).isEqualTo(scores.get(0).perplexity()).isFinite();
      assertThat(scores.get(1).foretold()).as("random tokens foretell nothing").isZero();
      assertThat(scores.get(1).perplexity()).isNaN();
      assertThat(scores.get(2).foretold()).isEqualTo(99);
    }
  }

  @Test
  void aModelThatBreaksIsNotHidden() {
    EditedModel edited = FloatModel.of(FloatModel.GLM, 3);
    edited.tensors.get("model.norm.weight").floats()[0] = Float.NaN;
    Path broken = FloatModel.write(edited, directory.resolve("broken"));
    Passage text = new Passage("text", ids(1, 10, 67), true);
    try (LoadedModel model = LoadedModel.load(floats());
        LoadedModel other = LoadedModel.load(broken)) {
      Score score = Fidelity.compare(model, other, List.of(text), OPTIONS).getFirst();
      assertThat(score.kl()).isNaN();
      assertThat(score.worstKl()).isNaN();
      assertThat(score.otherPerplexity()).isNaN();
    }
  }

  @Test
  void modelsOfOtherVocabulariesCannotBeCompared() {
    try (LoadedModel one = LoadedModel.load(floats());
        LoadedModel other = LoadedModel.load(TinyModels.speck("mtp"))) {
      assertThat(other.model().vocab()).isNotEqualTo(67);
      assertThatThrownBy(() -> Fidelity.compare(one, other, List.of(), OPTIONS))
          .hasMessageStartingWith("vocabulary: expected 67 tokens, found ");
    }
  }

  @Test
  void aTextIsCutIntoPassagesOf512TokensAndNoTokenIsLost() throws IOException {
    Path file = directory.resolve("text.txt");
    Files.writeString(file, "Once upon a time there was a little fox. ".repeat(200));
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"))) {
      List<Passage> passages = HeldOutText.of(model, file, 1);
      int[] whole = model.requireTokenizer().encode(Files.readString(file));
      int[] joined = passages.stream().flatMapToInt(p -> Arrays.stream(p.ids())).toArray();
      assertThat(joined).isEqualTo(whole);
      assertThat(passages).hasSizeGreaterThan(2).allMatch(p -> p.ids().length <= 512);
      assertThat(passages).allMatch(p -> p.kind().equals("text") && p.natural());
    }
  }

  @Test
  void theShippedTextHasFiveKindsAndAModelWithoutTextGetsRandomTokens() {
    for (String name : List.of("storyteller-moe", "storyteller-v4")) {
      try (LoadedModel model = LoadedModel.load(Path.of("tiny-models", name))) {
        List<Passage> passages = HeldOutText.of(model, null, 1);
        assertThat(passages.stream().map(Passage::kind).distinct())
            .containsExactly("stories", "chat", "json", "tasks", "prose");
        assertThat(passages.stream().mapToInt(p -> p.ids().length).sum()).isGreaterThan(9_000);
      }
    }
    try (LoadedModel model = LoadedModel.load(floats())) {
      List<Passage> passages = HeldOutText.of(model, null, 1);
      assertThat(passages).isNotEmpty().noneMatch(Passage::natural);
      assertThat(passages).allMatch(p -> p.ids().length <= model.model().maxPositions());
    }
  }

  @Test
  void aListThatIsNoneIsRefusedByItsLine() throws IOException {
    Path list = directory.resolve("list.jsonl");
    Path empty = Files.writeString(directory.resolve("empty.txt"), "");
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"))) {
      Files.writeString(list, "{\"kind\": \"a\", \"text\": \"Once upon\"}\n{\"kind\": 3}\n");
      assertThatThrownBy(() -> HeldOutText.of(model, list, 1))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("line 2: expected an object with kind and text");
      Files.writeString(list, "{\n");
      assertThatThrownBy(() -> HeldOutText.of(model, list, 1))
          .hasMessageContaining("line 1: expected valid JSON");
      assertThatThrownBy(() -> HeldOutText.of(model, empty, 1))
          .hasMessageContaining("text: expected two tokens or more, found fewer");
    }
  }
}
