package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.Patience;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.text.TinyTokenizers;
import orrery.text.TinyTokenizers.Kind;

/** The pieces that an answer hands out, with a tokenizer in SentencePiece style. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class AnswerPiecesTest {
  private static final int[] PROMPT = {0, 1, 3, 5, 0, 9, 7, 1, 0}; // ends in "▁one"

  @TempDir Path directory;
  private LoadedModel loaded;

  @BeforeEach
  void load() throws IOException {
    loaded = load(EditedModel.of(TinyModels.speck("bias")));
  }

  @AfterEach
  void close() {
    loaded.close();
  }

  /** A model with words, bytes of some characters, and special tokens 95 and 96. */
  private LoadedModel load(EditedModel model) throws IOException {
    List<String> names =
        new ArrayList<>(
            List.of(
                "▁one", "▁line", "▁", "▁▁", "true", "▁true", ".", "ab", "c", "你", "▁é", "好",
                "\uFFFD"));
    for (int b : new int[] {0x0A, 0x20, 0xC3, 0xA9, 0xE4, 0xBD, 0xA0, 0xF0, 0x9F, 0xA5, 0xB0}) {
      names.add("<0x%02X>".formatted(b));
    }
    for (int b = 0x30; names.size() < 95; b++) {
      names.add("<0x%02X>".formatted(b));
    }
    TinyTokenizers.write(directory, Kind.SENTENCE_PIECE, names).close();
    return LoadedModel.load(model.writeTo(directory));
  }

  private static SamplingParams lively(int maxTokens) {
    return SamplingParams.defaults()
        .withTemperature(1.5)
        .withIgnoreEos(true)
        .withMaxTokens(maxTokens);
  }

  /** The text of a choice's pieces; checks that the last one says how the answer ended. */
  private static String joined(List<Token> pieces, Answer a) {
    StringBuilder text = new StringBuilder();
    List<Token> mine = pieces.stream().filter(t -> t.choice() == a.choice()).toList();
    for (Token t : mine) {
      text.append(t.text());
      assertThat(t.finish()).isEqualTo(t == mine.getLast() ? a.finish() : null);
    }
    assertThat(mine.stream().mapToInt(Token::id).filter(id -> id != Token.NONE).toArray())
        .isEqualTo(a.tokens());
    return text.toString();
  }

  private static List<Token> all(Completion completion) {
    List<Token> pieces = new ArrayList<>();
    completion.forEach(pieces::add);
    return pieces;
  }

  @Test
  void piecesOfEveryChoiceAreItsTextWhateverEndsItAndWhateverTheSwitches() {
    List<EngineOptions> switches =
        List.of(
            EngineTest.SCALAR,
            EngineTest.SCALAR
                .withKv(kv -> kv.withMaxTotalTokens(96).withContextLength(64))
                .withBatching(b -> b.withChunkedPrefillSize(4)),
            EngineTest.SCALAR.withSpeculation(
                s -> s.withAlgorithm(SpeculationOptions.Algorithm.NGRAM).withNumSteps(3)));
    List<String> expected = new ArrayList<>();
    for (EngineOptions options : switches) {
      int retracted = 0;
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        SamplingParams params = lively(40).withN(1 + i % 3).withSeed(i).withMinTokens(i % 2 * 5);
        params =
            params.withStop(i % 4 == 0 ? List.of() : List.of("é", "\uFFFD.", "ab", "<|turn|>"));
        params = params.withStopTokenIds(i % 4 == 1 ? List.of(5, 9) : List.of());
        requests.add(Request.of(PROMPT, params));
      }
      List<String> texts = new ArrayList<>();
      try (Engine engine = Engine.start(loaded, options)) {
        for (Completion completion : engine.submit(requests)) {
          List<Token> pieces = all(completion);
          for (Answer a : completion.join()) {
            assertThat(joined(pieces, a)).isEqualTo(a.text());
            texts.add(a.text() + "|" + a.finish() + Arrays.toString(a.textOffsets()));
            retracted += a.retractions();
            if (!(a.finish() instanceof FinishReason.StopString)) {
              int drawn = a.tokens().length;
              int said = a.finish() instanceof FinishReason.StopToken ? drawn - 1 : drawn;
              int[] tokens = Arrays.copyOf(a.tokens(), said);
              assertThat(a.text()).isEqualTo(continuation(tokens));
            }
          }
        }
      }
      expected = expected.isEmpty() ? texts : expected;
      assertThat(texts).isEqualTo(expected);
      assertThat(retracted > 0).isEqualTo(options == switches.get(1));
    }
    for (String end : new String[] {"StopString", "StopToken", "Length"}) {
      assertThat(expected).anyMatch(text -> text.contains("|" + end));
    }
  }

  private String continuation(int[] tokens) {
    return TinyTokenizers.continuation(loaded.requireTokenizer(), PROMPT, tokens);
  }

  @Test
  void aCancelledAnswerHandsOutItsHeldText() {
    assertThat(heldUntilTheEnd("cancelled", Optional.empty())).isTrue();
  }

  @Test
  void anAnswerPastItsDeadlineHandsOutItsHeldText() throws Exception {
    Patience.grow(
        Duration.ofMillis(40), deadline -> heldUntilTheEnd("deadline", Optional.of(deadline)));
  }

  /**
   * The whole answer is the beginning of a stop string, so no text comes before the end.
   *
   * @param deadline of the answer, which is cancelled if it has none
   * @return whether it got 20 tokens before its deadline
   */
  private boolean heldUntilTheEnd(String cause, Optional<Duration> deadline) {
    List<Event.Finished> finished = new CopyOnWriteArrayList<>();
    EventSink sink =
        e -> {
          if (e instanceof Event.Finished f) {
            finished.add(f);
          }
        };
    try (Engine engine = Engine.start(loaded, EngineTest.SCALAR, sink)) {
      SamplingParams params = lively(200).withSeed(3);
      Answer whole = engine.submit(Request.of(PROMPT, params)).join().getFirst();
      String stop = whole.text() + "and more";
      Request request = Request.of(PROMPT, params.withStop(List.of(stop)));
      engine.pause(PauseMode.IN_PLACE).join();
      Completion completion = engine.submit(deadline.map(request::withDeadline).orElse(request));
      int steps = engine.step(20).join();
      if (deadline.isEmpty()) {
        completion.cancel();
      }
      List<Token> pieces = new ArrayList<>();
      completion.forEach(pieces::add);
      if (steps < 20) {
        return false;
      }
      Answer cut = completion.join().getFirst();
      assertThat(cut.finish()).isEqualTo(new FinishReason.Abort(cause));
      assertThat(joined(pieces, cut)).isEqualTo(cut.text()).isNotEmpty();
      assertThat(whole.text()).startsWith(cut.text().replaceAll("\uFFFD*$", ""));
      assertThat(pieces.getLast().id()).isEqualTo(Token.NONE);
      assertThat(pieces.getLast().text()).isEqualTo(cut.text());
      assertThat(finished.getLast().text()).isEqualTo(cut.text());
      return true;
    }
  }

  @Test
  void aFailedRequestHandsOutItsHeldTextBeforeItsError() throws IOException {
    EditedModel model = EditedModel.of(TinyModels.speck("bias"));
    float[] embedding = model.tensors.get("model.embed_tokens.weight").floats();
    int hidden = embedding.length / 97;
    SamplingParams params = lively(60).withSeed(3);
    Answer whole;
    try (Engine engine = Engine.start(loaded, EngineTest.SCALAR)) {
      whole = engine.submit(Request.of(PROMPT, params)).join().getFirst();
    }
    int bad = whole.tokens()[20]; // the step that computes this token fails
    Arrays.fill(embedding, bad * hidden, (bad + 1) * hidden, Float.NaN);
    try (LoadedModel poisoned = load(model);
        Engine engine = Engine.start(poisoned, EngineTest.SCALAR)) {
      params = params.withStop(List.of(whole.text() + "and more"));
      Completion completion = engine.submit(Request.of(PROMPT, params));
      List<Token> pieces = new ArrayList<>();
      assertThatThrownBy(() -> completion.forEach(pieces::add)).hasMessageContaining("NaN");
      Token last = pieces.getLast();
      assertThat(last.id()).isEqualTo(Token.NONE);
      assertThat(last.finish()).isEqualTo(new FinishReason.Abort("failed"));
      assertThat(last.text()).isNotEmpty();
      assertThat(pieces).allMatch(t -> t == last || t.text().isEmpty());
    }
  }

  @Test
  void offsetsCountCharactersOfTheTextThatTheClientSees() {
    try (Engine engine = Engine.start(loaded, EngineTest.SCALAR)) {
      for (int seed = 0; seed < 30; seed++) {
        Answer a = engine.submit(Request.of(PROMPT, lively(30).withSeed(seed))).join().getFirst();
        for (int i = 0; i < a.tokens().length; i++) {
          String before = continuation(Arrays.copyOf(a.tokens(), i)).replaceAll("\uFFFD*$", "");
          String token = a.text().substring(a.text().offsetByCodePoints(0, a.textOffsets()[i]));
          String name = loaded.requireTokenizer().name(a.tokens()[i]);
          if (!name.startsWith("<")) {
            assertThat(token).startsWith(name.replace('▁', ' '));
          }
          assertThat(a.textOffsets()[i])
              .isGreaterThanOrEqualTo(before.codePointCount(0, before.length()));
        }
      }
    }
  }
}
