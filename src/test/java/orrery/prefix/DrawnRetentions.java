package orrery.prefix;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import orrery.prefix.RetentionConfig.TokenRange;

/** Draws what the sequences of a walk say about how long their blocks are kept. */
final class DrawnRetentions {
  private DrawnRetentions() {}

  /** What one of them says; half of them say nothing. */
  static Retentions of(Random random, int prompt) {
    if (random.nextBoolean()) {
      return Retentions.NONE;
    }
    List<TokenRange> ranges = new ArrayList<>();
    for (int at = random.nextInt(8); at < prompt && ranges.size() < 4; ) {
      int end = at + 1 + random.nextInt(prompt);
      ranges.add(TokenRange.of(at, end, one(random)));
      at = end + random.nextInt(8);
    }
    return new RetentionConfig(
            ranges, random.nextBoolean() ? Optional.of(one(random)) : Optional.empty())
        .over(prompt);
  }

  private static Retention one(Random random) {
    Retention forever = new Retention(random.nextInt(5) * 25);
    return random.nextBoolean()
        ? forever
        : forever.lasting(Duration.ofNanos(1 + random.nextInt(200)));
  }
}
