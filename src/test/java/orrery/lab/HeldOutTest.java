package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.engine.LoadedModel;

/** Prompts of a model, and requests made of them. */
class HeldOutTest {
  private static final Path STORYTELLER = Path.of("tiny-models", "storyteller-moe");

  @TempDir private Path directory;

  @Test
  void heldOutPromptsAreSortedIntoFourKindsOfText() {
    try (LoadedModel loaded = LoadedModel.load(STORYTELLER)) {
      List<Text> texts = HeldOut.of(loaded, 1);
      assertThat(texts).extracting(Text::name).containsExactly("stories", "chat", "tasks", "prose");
      assertThat(texts).extracting(t -> t.prompts().size()).containsExactly(8, 16, 32, 6);
      assertThat(texts).extracting(Text::endless).containsExactly(true, false, false, true);
      assertThat(texts.get(2).jobs(0, 1, 99, 1).getFirst().params().stop()).containsExactly("\n");
      String first = loaded.requireTokenizer().decode(texts.getFirst().prompts().getFirst(), false);
      assertThat(first).startsWith("Once upon a time there was a lonely squirrel named Molly.");
    }
  }

  @Test
  void aModelWithoutPromptsAnswersRandomTokens() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"))) {
      assertThat(HeldOut.of(loaded, 1)).extracting(Text::name).containsExactly("random");
    }
  }

  @Test
  void aLineThatIsNoPromptIsRefusedWithFileAndLine() throws IOException {
    for (String bad :
        List.of("nonsense", "{\"kind\":\"story\"}", "{\"kind\":1,\"prompt\":\"x\"}")) {
      try (LoadedModel loaded = withPrompts("{\"kind\":\"story\",\"prompt\":\"Once\"}\n" + bad)) {
        assertThatThrownBy(() -> HeldOut.of(loaded, 1))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining(directory.resolve("prompts.jsonl") + ": line 2: ");
      }
    }
  }

  @Test
  void promptsOfOtherKindsAloneAreRefused() throws IOException {
    try (LoadedModel loaded = withPrompts("{\"kind\":\"song\",\"prompt\":\"La\"}")) {
      assertThatThrownBy(() -> HeldOut.of(loaded, 1)).hasMessageContaining("none of these");
    }
  }

  private LoadedModel withPrompts(String lines) throws IOException {
    Files.writeString(directory.resolve("prompts.jsonl"), lines);
    LoadedModel m = LoadedModel.load(STORYTELLER);
    return new LoadedModel(directory, m.model(), m.tokenizer(), m.eos());
  }

  @Test
  void aPromptThatComesAgainInABatchIsAnotherRequest() {
    Text text = new Text("x", List.of(new int[] {1, 2, 3, 4}, new int[] {5}), 50, true, "", 0);
    List<Job> jobs = text.jobs(1, 4, 20, 7);
    assertThat(jobs.stream().map(j -> Arrays.toString(j.prompt())))
        .containsExactly("[5]", "[1, 2, 3, 4]", "[5]", "[3, 4]");
    assertThat(jobs).allSatisfy(j -> assertThat(j.limit()).isEqualTo(20));
    List<Job> sampled = text.at(0.8).jobs(1, 4, 20, 7);
    assertThat(sampled.get(3).prompt()).containsExactly(1, 2, 3, 4);
    assertThat(sampled.stream().map(j -> j.params().seed().orElseThrow())).doesNotHaveDuplicates();
    assertThat(text.at(0.8).name()).isEqualTo("x, T 0.8");
  }

  @Test
  void aTextWithoutPromptsIsRefused() {
    assertThatThrownBy(() -> new Text("x", List.of(), 5, true, "", 0))
        .hasMessage("x: expected prompts, found none");
  }
}
