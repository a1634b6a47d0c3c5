package orrery.sglang;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.engine.LoadedModel;
import orrery.openai.Fields;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;

/** How long blocks are kept, in a body for {@code /generate}. */
class GenerateRetentionTest {
  private static final String TWO = "{\"input_ids\":[[1,2],[3]],\"kv_cache_retention_config\":";
  private static GenerateReader reader;

  @BeforeAll
  static void load() throws IOException {
    reader = new GenerateReader(LoadedModel.load(Path.of("tiny-models/storyteller-moe")), 100);
  }

  private static GenerateRequest read(String body) {
    return reader.read(Fields.parse(body));
  }

  private static Optional<Retention> decode(int priority) {
    return Optional.of(new Retention(priority));
  }

  @Test
  void oneRetentionIsForAllPromptsAndAListHasOneForEach() {
    assertThat(read(TWO + "{\"decode_retention_priority\":9}}").prompts())
        .extracting(p -> p.request().retention().decode())
        .containsExactly(decode(9), decode(9));
    assertThat(
            read(TWO + "[{\"decode_retention_priority\":1},{\"decode_retention_priority\":2}]}")
                .prompts())
        .extracting(p -> p.request().retention().decode())
        .containsExactly(decode(1), decode(2));
    assertThat(read("{\"input_ids\":[1]}").prompts().getFirst().request().retention())
        .isEqualTo(RetentionConfig.NONE);
  }

  @Test
  void anErrorNamesTheFieldOfThePrompt() {
    assertThatThrownBy(() -> read(TWO + "[{},{\"decode_retention_priority\":-1}]}"))
        .hasMessage(
            "kv_cache_retention_config[1].decode_retention_priority: expected a number from 0 to"
                + " 100, found -1");
  }
}
