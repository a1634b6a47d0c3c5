package orrery.cli;


import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import orrery.engine.Answer;

/** Counts and times of a batch, for its summary. */
final class BatchTally {
  private static final int MOST_SHOWN = 5;

  private final long start = System.nanoTime();
  private final Samples firstToken = new Samples(); // ms
  private final Samples perToken = new Samples(); // ms
  private final List<String> firstFailures = new ArrayList<>();
  private int ok;
  private int failed;
  private int written; // lines that are in the file
  private int kept; // of ok and failed, from an earlier run
  private long promptTokens;
  private long cachedTokens;
  private long answerTokens;

  /** Numbers for a mean and percentiles, 8 bytes each. */
  private static final class Samples {
    private double[] values = new double[64]; // [capacity >= count]
    private int count;

    void add(double value) {
      values = count == values.length ? Arrays.copyOf(values, 2 * count) : values;
      values[count++] = value;
    }

    String summary() {
      if (count == 0) {
        return "none";
      }
      double[] sorted = Arrays.copyOf(values, count);
      Arrays.sort(sorted);
      return String.format(
          Locale.ROOT,
          "mean %.2f ms, p50 %.2f ms, p99 %.2f ms",
          Arrays.stream(sorted).average().orElseThrow(),
          percentile(sorted, 50),
          percentile(sorted, 99));
    }
  }

  /** Nearest rank: the smallest value that {@code percent} of all values do not exceed. */
  static double percentile(double[] sorted, int percent) {
    return sorted[Math.max(0, (int) Math.ceil(percent / 100.0 * sorted.length) - 1)];
  }

  void answered(List<Answer> answers) {
    ok++;
    promptTokens += answers.getFirst().promptTokens();
    cachedTokens += answers.getFirst().cachedTokens();
    for (Answer a : answers) {
      answerTokens += a.tokens().length;
      firstToken.add(a.firstTokenNanos() / 1e6);
      if (a.tokens().length > 1) {
        perToken.add(a.secondsPerToken() * 1e3);
      }
    }
  }

  /**
   * Counts a line that failed.
   *
   * @param why one line of text, which begins with the number of the line of the batch
   */
  void failed(String why) {
    failed++;
    if (failed <= MOST_SHOWN) {
      firstFailures.add(why);
    }
  }

  /** Why the first few lines failed: enough to see what is wrong with a file. */
  List<String> firstFailures() {
    return Collections.unmodifiableList(firstFailures);
  }

  /** Whether there were lines and every one failed. */
  boolean allFailed() {
    return ok == 0 && failed > 0;
  }

  /** Counts a line that an earlier run has answered. */
  void kept(boolean withError) {
    kept++;
    ok += withError ? 0 : 1;
    failed += withError ? 1 : 0;
  }

  /** Counts an answer that is in the file now. */
  void wrote() {
    written++;
  }

  /** Lines whose answer is in the file. */
  int written() {
    return written;
  }

  /** Lines answered, with an answer or an error. */
  int lines() {
    return ok + failed;
  }

  /** The figures of a progress line. */
  String brief() {
    return String.format(
        Locale.ROOT,
        "%d failed, %d answer tokens, %.0f tok/s",
        failed,
        answerTokens,
        answerTokens / seconds());
  }

  String summary() {
    return String.format(
        Locale.ROOT,
        "requests  %d answered, %d failed%s, in %.2f s%n"
            + "tokens    %d prompt (%d from the prefix cache), %d answer, %.0f answer tok/s%n"
            + "TTFT      %s (waiting in the queue included)%n"
            + "TPOT      %s",
        ok,
        failed,
        kept == 0 ? "" : " (" + kept + " of them by an earlier run)",
        seconds(),
        promptTokens,
        cachedTokens,
        answerTokens,
        answerTokens / seconds(),
        firstToken.summary(),
        perToken.summary());
  }

  private double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }
}
