package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import orrery.Patience;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.sampling.SamplingParams;
import orrery.text.Message;

class LlmTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final SamplingParams GREEDY =
      SamplingParams.defaults().withTemperature(0).withMaxTokens(40);

  @Test
  void textGoesInAndTextComesOut() {
    try (Llm llm = Llm.open(STORYTELLER)) {
      assertThat(llm.generate("add: 27 + 45 =>", GREEDY)).isEqualTo(" 72\n");
      assertThat(llm.generate(List.of("add: 27 + 45 =>", "sort: 9 4 7 =>"), GREEDY))
          .containsExactly(" 72\n", " 4 7 9\n");
      assertThat(llm.generate(List.of(), GREEDY)).isEmpty();
      assertThat(llm.generate("Once upon a time")).isNotEmpty();
      Message user = new Message("user", "What is the opposite of hot?");
      assertThat(llm.chat(List.of(user), GREEDY)).isEqualTo("The opposite of hot is cold.");
      StringBuilder streamed = new StringBuilder();
      llm.stream("copy: red sun map cup =>", GREEDY).forEach(t -> streamed.append(t.text()));
      assertThat(streamed.toString()).isEqualTo(" red sun map cup\n");
    }
  }

  @Test
  void anArgumentThatIsNullIsNamed() {
    try (Llm llm = Llm.open(STORYTELLER)) {
      assertNull(() -> llm.generate(null), "prompt: expected a string, found null");
      assertNull(() -> llm.generate((List<String>) null, GREEDY), "prompts: expected a list");
      assertNull(() -> llm.generate("hi", null), "params: expected sampling parameters");
      assertNull(() -> llm.chat(null), "message content: expected a string, found null");
      assertNull(() -> llm.chat(null, GREEDY), "messages: expected a list, found null");
      assertNull(
          () -> llm.chat(Collections.singletonList(null), GREEDY),
          "messages: expected messages, found null among them");
      assertNull(() -> new Message(null, "hi"), "message role: expected a string, found null");
      assertNull(
          () -> llm.model().requireTokenizer().decode(null, true),
          "ids: expected token ids, found null");
    }
  }

  private static void assertNull(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(NullPointerException.class)
        .hasMessageStartingWith(message);
  }

  @Test
  void severalAnswersToAPromptAreRefusedAndTheEngineIsNamed() {
    try (Llm llm = Llm.open(STORYTELLER)) {
      SamplingParams three = SamplingParams.defaults().withN(3);
      assertThatThrownBy(() -> llm.generate("hi", three))
          .hasMessage("n: expected 1, found 3; Engine.submit gives several answers");
    }
  }

  @Test
  void aTextThatWasCutOffIsAnErrorAndNotAnAnswer() throws Exception {
    try (Llm llm = Llm.open(STORYTELLER)) {
      llm.engine().pause(PauseMode.IN_PLACE).join();
      SamplingParams endless = SamplingParams.defaults().withMaxTokens(1500).withIgnoreEos(true);
      CompletableFuture<String> text =
          CompletableFuture.supplyAsync(() -> llm.generate("Once upon a time", endless));
      Patience.await("the other thread has asked", () -> llm.engine().waiting() == 1);
      assertThat(llm.engine().step(3).join()).isEqualTo(3);
      llm.engine().shutdownNow();
      assertThatThrownBy(() -> text.get(2, TimeUnit.MINUTES))
          .hasCauseInstanceOf(RequestException.class)
          .hasMessageContaining("cut off (shutdown)");
    }
  }

  @Test
  void aModelWithoutATokenizerIsRefused() {
    assertThatThrownBy(() -> Llm.open(TinyModels.speck("groups")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("tokenizer");
  }
}
