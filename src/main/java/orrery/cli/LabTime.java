package orrery.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.lab.LabSettings;

/** About how long an experiment takes, so that its user can decide to wait, or to ask for less. */
final class LabTime {
  private static final int ROUNDS = 7; // rounds that SECONDS are for
  private static final int WARM_UP_ROUNDS = 2; // not measured, but each takes as long

  /** Seconds of computing with the model that ships, on one thread. */
  private static final Map<String, Integer> SECONDS =
      Map.ofEntries(
          Map.entry("batching", 55),
          Map.entry("paging", 190),
          Map.entry("prefix", 170),
          Map.entry("chunking", 55),
          Map.entry("policies", 230),
          Map.entry("mtp", 320),
          Map.entry("throughput", 30),
          Map.entry("overlap", 150),
          Map.entry("tiers", 240),
          Map.entry("hisparse", 300),
          Map.entry("disagg", 90),
          Map.entry("frontier", 600),
          Map.entry("ops", 10),
          Map.entry("fusion", 40),
          Map.entry("hybrid", 70),
          Map.entry("kv", 60),
          Map.entry("formats", 120));

  private LabTime() {}

  /** A line for people. */
  static String about(String experiment, LabSettings settings) {
    double share = (settings.rounds() + WARM_UP_ROUNDS) / (double) (ROUNDS + WARM_UP_ROUNDS);
    boolean counts =
        !List.of("ops", "fusion", "hybrid", "kv", "formats").contains(experiment); // no rounds
    double seconds = SECONDS.get(experiment) * (counts ? share : 1);
    return String.format(
        Locale.ROOT,
        "takes about %s with the model that ships%s, on an idle machine; --quick takes seconds",
        seconds < 90
            ? Math.max(10, Math.round(seconds / 10) * 10) + " s"
            : Math.round(seconds / 60) + " minutes",
        settings.twin().isPresent() ? ", and several times that with its twin" : "");
  }
}
