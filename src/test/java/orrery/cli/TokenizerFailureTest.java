package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.TinyModels;

/** A tokenizer that aborts on some texts and some tokens: each is one request's error. */
class TokenizerFailureTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int SHORT = 7; // a token of which the decoder cuts more than it has
  private static final int WORD = 8;

  @TempDir Path directory;
  private Path model;

  @BeforeEach
  void build() throws IOException {
    model = Files.createDirectory(directory.resolve("model"));
    EditedModel.of(TinyModels.speck("groups")).writeTo(model); // 101 tokens
    ObjectNode vocab = JSON.createObjectNode();
    for (int id = 0; id < 100; id++) {
      vocab.put(id == SHORT ? "~" : "word" + id, id);
    }
    ObjectNode root = JSON.createObjectNode().put("version", "1.0");
    root.putArray("added_tokens")
        .addObject()
        .put("id", 100)
        .put("content", "\u200C")
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", true)
        .put("special", false);
    root.putObject("normalizer")
        .put("type", "Replace")
        .put("content", "")
        .putObject("pattern")
        .put("String", "\u200C");
    root.putObject("decoder")
        .put("type", "Strip")
        .put("content", "~")
        .put("start", 0)
        .put("stop", 2);
    root.putObject("model").put("type", "WordLevel").put("unk_token", "word0").set("vocab", vocab);
    JSON.writeValue(model.resolve("tokenizer.json").toFile(), root);
  }

  private static String line(String prompt, int token, String more) {
    return """
    {"custom_id":"x","method":"POST","url":"/v1/completions","body":{"prompt":%s,\
    "max_tokens":2,"temperature":0,"logit_bias":{"%d":1000}%s}}\
    """
        .formatted(prompt, token, more);
  }

  @Test
  void aTextOrATokenOnWhichTheTokenizerAbortsFailsItsLineAndNoOther() throws IOException {
    List<String> lines =
        List.of(
            line("[1,2]", WORD, ""),
            line("\"price: £5\"", WORD, ""),
            line("[1,2]", SHORT, ""),
            line("[1,2]", WORD, ",\"logprobs\":20"),
            line("[%d,%d]".formatted(SHORT, SHORT), WORD, ""),
            line("[1,2]", WORD, ""));
    Path in = Files.write(directory.resolve("in.jsonl"), BatchIds.numbered(lines));
    Path out = directory.resolve("out.jsonl");
    StringWriter err = new StringWriter();
    String[] args = {
      "run-batch", "-m", model.toString(), "-i", in.toString(), "-o", out.toString()
    };
    assertThat(Main.run(new PrintWriter(err), new PrintWriter(err), args)).as("%s", err).isZero();
    List<JsonNode> answers = new ArrayList<>();
    for (String answer : Files.readAllLines(out)) {
      answers.add(JSON.readTree(answer));
    }
    assertThat(answers).hasSize(6);
    for (int fine : new int[] {0, 5}) {
      assertThat(answers.get(fine).at("/response/body/choices/0/text").asText())
          .isEqualTo("word8word8");
    }
    JsonNode text = answers.get(1).at("/response");
    assertThat(text.at("/status_code").asInt()).isEqualTo(400);
    assertThat(text.at("/body/error/param").asText()).isEqualTo("body.prompt");
    assertThat(text.at("/body/error/message").asText())
        .startsWith("line 2: body.prompt: ")
        .contains("tokenizer.json: cannot take this text: the tokenizer library gave up on it");
    JsonNode token = answers.get(2).at("/response");
    assertThat(token.at("/status_code").asInt()).isEqualTo(500);
    assertThat(token.at("/body/error/message").asText())
        .startsWith("line 3: ")
        .contains("tokenizer.json: cannot decode these tokens: the tokenizer library gave up")
        .doesNotContain("Exception");
    for (int either : new int[] {3, 4}) { // an error only if the token has to be decoded
      assertThat(answers.get(either).at("/response/status_code").asInt()).isIn(200, 500);
    }
  }

  @Test
  void generateSaysItInALine() {
    StringWriter err = new StringWriter();
    String[] args = {"generate", "-m", model.toString(), "-p", "£"};
    assertThat(Main.run(new PrintWriter(err), new PrintWriter(err), args)).isEqualTo(1);
    assertThat(err.toString().strip())
        .startsWith("orrery generate: " + model.resolve("tokenizer.json") + ": cannot take this")
        .doesNotContain("\n");
  }
}
