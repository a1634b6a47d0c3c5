package orrery.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;

/** Draws what a request says about how long its blocks are kept. */
final class RandomRetention {
  private RandomRetention() {}

  static RetentionConfig of(Random r, Request request) {
    List<TokenRange> ranges = new ArrayList<>();
    int prompt = request.prompt().length;
    for (int at = r.nextInt(8); at < prompt && ranges.size() < 3; ) {
      int end = at + 1 + r.nextInt(prompt);
      ranges.add(
          r.nextInt(3) == 0
              ? TokenRange.from(at, retention(r))
              : TokenRange.of(at, end, retention(r)));
      at = ranges.getLast().end().isPresent() ? end + r.nextInt(8) : prompt;
    }
    return new RetentionConfig(
        ranges, r.nextBoolean() ? Optional.of(retention(r)) : Optional.empty());
  }

  private static Retention retention(Random r) {
    Retention forever = new Retention(r.nextInt(Retention.HIGHEST + 1));
    return r.nextBoolean() ? forever : forever.lasting(Duration.ofNanos(1 + r.nextInt(5_000_000)));
  }
}
