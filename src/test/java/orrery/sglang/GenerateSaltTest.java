package orrery.sglang;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.openai.Fields;
import orrery.openai.ServedModel;
import orrery.openai.ServedReader;

/** Which requests share cached pages, by whichever API they come. */
class GenerateSaltTest {
  private static LoadedModel loaded;
  private static GenerateReader generate;
  private static ServedReader completions;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(Path.of("tiny-models/speck-groups"));
    generate = new GenerateReader(loaded, 100);
    completions = new ServedReader(loaded, new ServedModel("m", loaded.directory(), 0, 100));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static List<String> generated(String field) {
    String body = "{\"input_ids\":[[1,2],[3]],\"sampling_params\":{\"max_new_tokens\":1}%s}";
    return generate.read(Fields.parse(body.formatted(field))).prompts().stream()
        .map(p -> p.request().salt())
        .toList();
  }

  private static String completed(String fields) {
    String body = "{\"prompt\":[1,2],\"max_tokens\":1%s}".formatted(fields);
    Request request = completions.read(Fields.parse(body), false).requests().getFirst();
    return request.salt();
  }

  @Test
  void oneExtraKeyIsOneSaltInBothApis() {
    for (String key : List.of("ab", "2:ab", "0:", ":")) {
      String field = ",\"extra_key\":\"" + key + "\"";
      assertThat(generated(field)).containsOnly(completed(field));
    }
    assertThat(generated("")).containsOnly("").containsOnly(completed(""));
    assertThat(generated(",\"extra_key\":[\"a\",\"b\"]")).doesNotHaveDuplicates();
  }

  @Test
  void noExtraKeyOfOneApiIsAnotherSaltOfTheOther() {
    String[] others = {
      ",\"cache_salt\":\"ab\"",
      ",\"cache_salt\":\"a\",\"extra_key\":\"b\"",
      ",\"cache_salt\":\"2\",\"extra_key\":\":ab\"",
      ""
    };
    Set<String> salts = new HashSet<>();
    for (String fields : others) {
      assertThat(salts.add(completed(fields))).as(fields).isTrue();
    }
    for (String key : List.of("ab", "2:ab", "1:ab", "1:2:ab", "0:ab")) {
      assertThat(salts).doesNotContainAnyElementsOf(generated(",\"extra_key\":\"" + key + "\""));
    }
  }
}
