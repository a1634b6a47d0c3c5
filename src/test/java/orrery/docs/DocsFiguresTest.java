package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.engine.LoadedModel;
import orrery.kernels.AttentionShape;
import orrery.kv.Stream;
import orrery.model.classic.ClassicConfig;
import orrery.model.classic.ClassicModel;

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
    assertThat(shape.valueIndex(table, 37, 1)).isEqualTo(6496);
    assertThat(shape.keyIndex(table, 37, 1)).isEqualTo(6661);
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
    for (Stream s : storyteller.model().kvLayout(true).streams()) {
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
