package orrery.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.text.StreamDecoder;
import orrery.text.TinyTokenizers;
import orrery.text.TinyTokenizers.Kind;
import orrery.text.Tokenizer;

/**
 * Random answers of every kind of tokenizer, ended in every way, compared with a plain search in
 * the whole text.
 */
class AnswerTextPropertiesTest {
  private enum End {
    EOS,
    STOP_TOKEN,
    TEXT,
    SPECIAL,
    LENGTH,
    ABORT
  }

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(Kind.class)
  void piecesOfAnAnswerAreItsTextAndThePlainSearchGivesTheSameTextWhateverTheEnd(Kind kind) {
    long seed = 20;
    System.out.println("answers of " + kind + " seed " + seed);
    Random random = new Random(seed);
    Map<End, Integer> ends = new EnumMap<>(End.class);
    try (Tokenizer tokenizer = TinyTokenizers.write(directory, kind)) {
      for (int run = 0; run < 4_000; run++) {
        int[] tokens = random.ints(2 + random.nextInt(12), 0, tokenizer.vocabSize()).toArray();
        for (int i = 0; i < tokens.length; i++) {
          tokens[i] = random.nextInt(3) == 0 ? tokens[i] : tokens[random.nextInt(tokens.length)];
        }
        int[] prompt = random.nextBoolean() ? new int[] {tokens[0]} : new int[] {turn(tokenizer)};
        Case one = new Case(tokenizer, prompt, tokens, params(random, tokenizer, prompt, tokens));
        ends.merge(one.check(random.nextInt(3) == 0), 1, Integer::sum);
      }
    }
    assertThat(ends).as("seen").containsOnlyKeys(End.values());
    assertThat(ends.values()).allMatch(n -> n > 20);
  }

  private static int turn(Tokenizer tokenizer) {
    return tokenizer.idOf(TinyTokenizers.TURN).orElseThrow();
  }

  private static SamplingParams params(
      Random random, Tokenizer tokenizer, int[] prompt, int[] tokens) {
    if (random.nextInt(3) == 0) {
      tokens[random.nextInt(tokens.length)] = turn(tokenizer);
    }
    if (random.nextInt(3) == 0) {
      tokens[random.nextInt(tokens.length)] = turn(tokenizer) - 1;
    }
    String text = TinyTokenizers.text(tokenizer, tokens);
    List<String> stops = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0 && !text.isEmpty(); i--) {
      int from = random.nextInt(text.length());
      int to = from + 1 + random.nextInt(Math.min(4, text.length() - from));
      boolean whole =
          !Character.isLowSurrogate(text.charAt(from))
              && !Character.isHighSurrogate(text.charAt(to - 1));
      String name = random.nextInt(5) == 0 ? TinyTokenizers.TURN : "";
      stops.add(whole && random.nextInt(6) > 0 ? text.substring(from, to) + name : "<|turn|>");
    }
    int max = 1 + random.nextInt(tokens.length);
    return SamplingParams.defaults()
        .withStop(stops)
        .withStopTokenIds(random.nextInt(4) > 0 ? List.of() : List.of(tokens[tokens.length / 2]))
        .withMinTokens(random.nextBoolean() ? 0 : random.nextInt(max))
        .withMaxTokens(max)
        .withIgnoreEos(random.nextInt(4) == 0);
  }

  /** One character of an answer, or the last one of a special token's name. */
  private record Item(String special, char c, boolean counts) {}

  private record Case(Tokenizer tokenizer, int[] prompt, int[] tokens, SamplingParams params) {

    /** Runs the answer and compares; returns how it ended. */
    End check(boolean abort) {
      int[] eos = {turn(tokenizer) - 1};
      AnswerText answer = new AnswerText(params, eos, 1_000, tokenizer.continuing(prompt));
      int most = Math.min(params.maxTokens(), abort ? tokens.length / 2 : tokens.length);
      StringBuilder shown = new StringBuilder();
      while (answer.tokens() < most && !answer.finished()) {
        shown.append(answer.accept(tokens[answer.tokens()]));
        assertThat(answer.text()).isEqualTo(shown.toString());
      }
      if (!answer.finished()) {
        shown.append(answer.abort("test"));
      }
      assertThat(answer.text()).as(toString()).isEqualTo(shown.toString());
      assertThat(answer.text() + "|" + stopOf(answer.finishReason()))
          .as(toString())
          .isEqualTo(expected(answer.tokens(), answer.finishReason()));
      int last = tokens[answer.tokens() - 1];
      if (!(answer.finishReason() instanceof FinishReason.StopString)) {
        boolean stopped = answer.finishReason() instanceof FinishReason.StopToken;
        int[] said = Arrays.copyOf(tokens, answer.tokens() - (stopped ? 1 : 0));
        if (tokenizer.bytes(prompt[0])[0] >= 0 || prompt[0] == turn(tokenizer)) {
          assertThat(answer.text())
              .as(toString())
              .isEqualTo(TinyTokenizers.continuation(tokenizer, prompt, said));
        }
      }
      return end(answer.finishReason(), last == eos[0], last == turn(tokenizer));
    }

    private static End end(FinishReason why, boolean eos, boolean turn) {
      return switch (why) {
        case FinishReason.StopToken s -> eos ? End.EOS : End.STOP_TOKEN;
        case FinishReason.StopString s -> turn ? End.SPECIAL : End.TEXT;
        case FinishReason.Complete c ->
            throw new AssertionError("complete without a constraint"); // SampledTextsTest has them
        case FinishReason.Length l -> End.LENGTH;
        case FinishReason.Abort a -> End.ABORT;
      };
    }

    private static String stopOf(FinishReason why) {
      return why instanceof FinishReason.StopString s ? s.matched() : null;
    }

    /** The text before the first stop string that counts, and that stop string. */
    private String expected(int count, FinishReason why) {
      List<Item> items = items(count, why);
      for (int end = 1; end <= items.size(); end++) {
        String best = null;
        int cut = 0;
        for (String stop : items.get(end - 1).counts() ? params.stop() : List.<String>of()) {
          int begin = begin(items.subList(0, end), stop);
          if (begin >= 0 && (best == null || stop.length() > best.length())) {
            best = stop;
            cut = begin;
          }
        }
        if (best != null) {
          return shown(items.subList(0, cut)) + "|" + best;
        }
      }
      return shown(items) + "|null";
    }

    /**
     * The characters and special tokens of all tokens, and at the end the text that the decoder
     * held.
     */
    private List<Item> items(int count, FinishReason why) {
      StreamDecoder decoder = tokenizer.continuing(prompt);
      List<Item> items = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        boolean counts = i + 1 > params.minTokens();
        boolean last = i == count - 1;
        String name = decoder.special(tokens[i]);
        if (last && why instanceof FinishReason.StopToken) {
          name = "";
        } else if (name.isEmpty()) {
          add(items, decoder.append(tokens[i]), counts);
        } else if (counts && params.stop().contains(name)) {
          add(items, decoder.flush(), counts);
        }
        if (!name.isEmpty()) {
          items.add(new Item(name, ' ', counts));
        }
        if (last) {
          add(items, decoder.flush(), counts);
        }
      }
      return items;
    }

    private static void add(List<Item> items, String text, boolean counts) {
      text.chars().forEach(c -> items.add(new Item(null, (char) c, counts)));
    }

    /** Where a stop string begins if it ends with the last item; -1 if it does not end there. */
    private static int begin(List<Item> items, String stop) {
      boolean onText = items.getLast().special() == null;
      for (int from = items.size() - 1; from >= 0; from--) {
        List<Item> tail = items.subList(from, items.size());
        boolean named =
            tail.stream().allMatch(i -> i.special() == null || stop.contains(i.special()));
        if (onText && shown(tail).equals(stop) && items.get(from).special() == null
            || named && spelled(tail).equals(stop)) {
          return from;
        }
      }
      return -1;
    }

    private static String shown(List<Item> items) {
      StringBuilder text = new StringBuilder();
      items.stream().filter(i -> i.special() == null).forEach(i -> text.append(i.c()));
      return text.toString();
    }

    private static String spelled(List<Item> items) {
      StringBuilder text = new StringBuilder();
      items.forEach(i -> text.append(i.special() == null ? String.valueOf(i.c()) : i.special()));
      return text.toString();
    }

    @Override
    public String toString() {
      List<String> names = Arrays.stream(tokens).mapToObj(tokenizer::name).toList();
      return tokenizer.name(prompt[0]) + " -> " + names + ", " + params;
    }
  }
}
