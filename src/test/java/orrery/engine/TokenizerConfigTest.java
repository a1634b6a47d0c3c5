package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.checkpoint.CheckpointException;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.TokenizerException;

/** Facts about tokens in other files than tokenizer.json: which are used, and which are refused. */
class TokenizerConfigTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe").toAbsolutePath();
  private static final JsonMapper JSON = new JsonMapper();
  private static final List<Message> QUESTION =
      List.of(new Message("user", "What is the opposite of hot?"));
  private static final SamplingParams GREEDY =
      SamplingParams.defaults().withTemperature(0).withMaxTokens(40);

  @TempDir Path directory;

  /** The storyteller, whose config names no end of sequence. */
  @BeforeEach
  void copy() throws IOException {
    Files.copy(STORYTELLER.resolve("model.safetensors"), directory.resolve("model.safetensors"));
    Files.copy(STORYTELLER.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
    edit(STORYTELLER.resolve("config.json"), c -> c.putNull("eos_token_id"));
  }

  private void edit(Path from, Consumer<ObjectNode> change) throws IOException {
    ObjectNode root = (ObjectNode) JSON.readTree(from.toFile());
    change.accept(root);
    JSON.writeValue(directory.resolve(from.getFileName()).toFile(), root);
  }

  private void tokenizerConfig(Consumer<ObjectNode> change) throws IOException {
    edit(STORYTELLER.resolve("tokenizer_config.json"), change);
  }

  private int[] eos() {
    try (LoadedModel model = LoadedModel.load(directory)) {
      return model.eos();
    }
  }

  private String answer(SamplingParams params) {
    try (LoadedModel model = LoadedModel.load(directory);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      return engine.submit(model.chat(QUESTION, params)).join().getFirst().text();
    }
  }

  @Test
  void anEndOfSequenceThatOnlyTheTokenizerConfigNamesEndsEveryAnswer() throws IOException {
    tokenizerConfig(c -> {});
    assertThat(eos()).containsExactly(0);
    assertThat(answer(GREEDY)).isEqualTo("The opposite of hot is cold.");
    tokenizerConfig(c -> c.putObject("eos_token").put("content", "<|user|>").put("lstrip", false));
    assertThat(eos()).containsExactly(1);
    tokenizerConfig(c -> c.putNull("eos_token"));
    assertThat(eos()).isEmpty();
    Files.writeString(directory.resolve("special_tokens_map.json"), "{\"eos_token\":\"<|end|>\"}");
    assertThat(eos()).containsExactly(0);
  }

  @Test
  void endsOfSequenceOfAllFilesCountAndEachOnce() throws IOException {
    tokenizerConfig(c -> {});
    edit(STORYTELLER.resolve("config.json"), c -> c.put("eos_token_id", 7));
    assertThat(eos()).containsExactly(7, 0);
    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":[0,9]}");
    assertThat(eos()).containsExactly(0, 9);
  }

  @Test
  void anEndOfTurnThatOnlyTheChatFormatKnowsEndsAChatAndNoPlainText() {
    assertThat(eos()).isEmpty();
    assertThat(answer(GREEDY)).isEqualTo("The opposite of hot is cold.");
    SamplingParams on =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(40).withIgnoreEos(true);
    assertThat(answer(on)).startsWith("The opposite of hot is cold.").hasSizeGreaterThan(40);
    try (LoadedModel model = LoadedModel.load(directory);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      Request chat = model.chat(QUESTION, GREEDY);
      Answer plain = engine.submit(Request.of(chat.prompt(), GREEDY)).join().getFirst();
      assertThat(plain.tokens()).hasSize(40).contains(0);
      Answer ended = engine.submit(chat).join().getFirst();
      assertThat(ended.finish()).isEqualTo(new FinishReason.StopToken(0));
    }
  }

  @Test
  void ourOwnFormatIsKnownInEveryFileThatTransformersReads() throws IOException {
    String ours =
        JSON.readTree(STORYTELLER.resolve("tokenizer_config.json").toFile())
            .get("chat_template")
            .textValue();
    tokenizerConfig(c -> {});
    assertThat(answer(GREEDY)).startsWith("The opposite");
    tokenizerConfig(
        c -> {
          var list = c.putArray("chat_template");
          list.addObject().put("name", "tool_use").put("template", "another");
          list.addObject().put("name", "default").put("template", ours);
        });
    assertThat(answer(GREEDY)).startsWith("The opposite");
    tokenizerConfig(c -> c.put("chat_template", "chat_template.jinja comes first"));
    Files.writeString(directory.resolve("chat_template.jinja"), ours + "\n");
    assertThat(answer(GREEDY)).startsWith("The opposite");
  }

  /** Short templates in the style of GLM and DeepSeek, which differ from Orrery's. */
  @Test
  void anotherFormatIsRefusedByItsFileAndEverythingElseStillWorks() throws IOException {
    String glm = "[GO]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}";
    tokenizerConfig(c -> c.put("chat_template", glm));
    refusesChats("tokenizer_config.json: chat_template: expected Orrery's own chat format");
    tokenizerConfig(c -> {});
    Files.writeString(directory.resolve("chat_template.jinja"), "{{ bos_token }}" + glm);
    refusesChats("chat_template.jinja: chat_template: expected Orrery's own chat format");
    Files.delete(directory.resolve("chat_template.jinja"));
    tokenizerConfig(c -> c.remove("chat_template"));
    ObjectNode older = JSON.createObjectNode().put("chat_template", glm);
    JSON.writeValue(directory.resolve("chat_template.json").toFile(), older);
    refusesChats("chat_template.json: chat_template: expected Orrery's own chat format");
    try (LoadedModel model = LoadedModel.load(directory);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      int[] prompt = model.requireTokenizer().encode("Once upon a time");
      assertThat(engine.submit(Request.of(prompt, GREEDY)).join().getFirst().text()).isNotEmpty();
    }
  }

  @Test
  void aTemplateThatCannotBeReadRefusesChatsOnly() throws IOException {
    String another = "chat_template: expected Orrery's own chat format";
    tokenizerConfig(c -> c.putArray("chat_template").addObject().put("name", "tool_use"));
    refusesChats("tokenizer_config.json: " + another);
    tokenizerConfig(c -> c.putObject("chat_template").put("default", "{{ x }}"));
    refusesChats("tokenizer_config.json: " + another);
    tokenizerConfig(c -> c.put("chat_template", 5));
    refusesChats("tokenizer_config.json: " + another);
    Files.write(directory.resolve("chat_template.jinja"), new byte[] {(byte) 0xFF});
    refusesChats("chat_template.jinja: " + another);
    Files.writeString(
        directory.resolve("chat_template.jinja"),
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 3501\n");
    refusesChats(
        "chat_template.jinja: expected the file itself, found a Git LFS pointer to its 3501 bytes");
  }

  private void refusesChats(String message) {
    try (LoadedModel model = LoadedModel.load(directory)) {
      assertThatThrownBy(() -> model.chat(QUESTION, GREEDY))
          .isInstanceOf(CheckpointException.class)
          .hasMessageStartingWith(directory.toString())
          .hasMessageContaining(message);
    }
  }

  @Test
  void aCheckpointWithoutAnyChatFormatRefusesChats() throws IOException {
    String json = Files.readString(directory.resolve("tokenizer.json"));
    Files.writeString(directory.resolve("tokenizer.json"), json.replace("<|user|>", "<|human|>"));
    refusesChats("chat format: expected a chat_template, or a tokenizer with Orrery's chat marks");
    tokenizerConfig(c -> c.remove("added_tokens_decoder"));
    try (LoadedModel model = LoadedModel.load(directory)) { // Orrery's template, but no marks
      assertThatThrownBy(() -> model.chat(QUESTION, GREEDY))
          .isInstanceOf(TokenizerException.class)
          .hasMessageContaining("tokenizer.json: chat format: expected the special token <|user|>");
    }
    Files.delete(directory.resolve("tokenizer.json"));
    refusesChats("tokenizer.json: expected a tokenizer for chats, found no such file");
  }

  @Test
  void aTokenizerOfAnotherModelIsRefusedByName() throws IOException {
    Path other = Path.of("src/test/resources/orrery/text/tokenizer.json"); // 600 tokens of 2,048
    Files.writeString(directory.resolve("tokenizer.json"), Files.readString(other));
    refused(
        "tokenizer.json: vocabulary: expected tokens for at least half of config.json's vocab_size"
            + " 2048, found 600 tokens; is it another model's tokenizer?");
    copyTokenizer();
    edit(STORYTELLER.resolve("config.json"), c -> c.put("vocab_size", 2047));
    assertThatThrownBy(() -> LoadedModel.load(directory)).isInstanceOf(CheckpointException.class);
  }

  @Test
  void tokensThatAFileNamesButTheTokenizerLacksAreRefusedByName() throws IOException {
    edit(
        STORYTELLER.resolve("tokenizer.json"),
        t -> { // one of 2,048 tokens is missing, and no merge makes it
          ObjectNode vocab = (ObjectNode) t.get("model").get("vocab");
          vocab.remove(lastOf(vocab));
          t.withObject("model").putArray("merges");
        });
    edit(STORYTELLER.resolve("config.json"), c -> c.put("eos_token_id", 2047));
    refused("config.json: eos_token_id: expected tokens of");
    edit(STORYTELLER.resolve("config.json"), c -> c.put("eos_token_id", 2046));
    assertThat(eos()).containsExactly(2046);
    copyTokenizer();
    tokenizerConfig(c -> c.put("eos_token", "</s>"));
    refused("tokenizer_config.json: eos_token: expected a token of");
    tokenizerConfig(
        c -> c.withObject("added_tokens_decoder").withObject("3").put("content", "<s>"));
    refused("tokenizer_config.json: added_tokens_decoder.3: expected \"<s>\" with this id in");
    tokenizerConfig(
        c -> c.withObject("added_tokens_decoder").withObject("3").put("content", "<|end|>"));
    refused("found id 0");
  }

  private static String lastOf(ObjectNode vocab) {
    return vocab.properties().stream()
        .filter(e -> e.getValue().intValue() == 2047)
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  private void copyTokenizer() throws IOException {
    edit(STORYTELLER.resolve("tokenizer.json"), t -> {});
  }

  private void refused(String message) {
    assertThatThrownBy(() -> LoadedModel.load(directory))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.toString())
        .hasMessageContaining(message);
  }

  @Test
  void bytesThatATokenizerCannotSpellAreSaid() throws IOException {
    try (LoadedModel model = LoadedModel.load(directory)) {
      assertThat(model.notices()).isEmpty();
    }
    edit(
        STORYTELLER.resolve("tokenizer.json"),
        t -> {
          ObjectNode vocabulary = (ObjectNode) t.get("model").get("vocab");
          vocabulary.set("unused 1", vocabulary.remove("\u00c0")); // a byte that UTF-8 never has
          vocabulary.set("unused 2", vocabulary.remove("\u00c1"));
        });
    try (LoadedModel model = LoadedModel.load(directory)) {
      assertThat(model.notices())
          .containsExactly(
              directory.resolve("tokenizer.json")
                  + ": 2 of the 256 bytes have no token, so characters with them are lost from a"
                  + " text");
    }
  }
}
