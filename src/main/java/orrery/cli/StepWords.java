package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.events.Event;
import orrery.events.HostPools.HostSlots;

/**
 * A step in words.
 *
 * @param host slots of host memory after the step; empty if there is none
 * @param files what came from files and went there since the step before; empty if nothing did
 * @param drafts whether the words give the number of drafts, even if this step has none
 * @param padding whether the words give the number of padding rows
 */
record StepWords(
    Event.StepDone step, List<HostSlots> host, String files, boolean drafts, boolean padding) {
  /** The words one by one, the most important first, for lines of any width. */
  List<String> all() {
    List<String> all = new ArrayList<>(List.of(number(), load(), time(), rows(false)));
    if (padding) {
      all.add(step.paddingRows() + " padding rows");
    }
    all.addAll(List.of(stop(), pages()));
    if (!host.isEmpty()) {
      all.add(hostSlots());
    }
    if (!files.isEmpty()) {
      all.add(files);
    }
    return all;
  }

  /** All in one line. */
  String line() {
    return String.join(" | ", number(), rows(padding), load(), time(), stop())
        + "; "
        + pages()
        + (host.isEmpty() ? "" : "; " + hostSlots())
        + (files.isEmpty() ? "" : "; " + files);
  }

  private String number() {
    return String.format("step %3d", step.step());
  }

  private String rows(boolean withPadding) {
    return String.format("%3d prompt + %2d decode", step.prefillRows(), step.decodeRows())
        + (drafts ? String.format(" + %2d draft", step.draftRows()) : "")
        + (withPadding ? String.format(" + %2d padding", step.paddingRows()) : "")
        + " rows";
  }

  private String load() {
    return String.format("%2d run, %2d wait", step.running(), step.waiting());
  }

  private String time() {
    return String.format(Locale.ROOT, "%5.2f ms", step.busyNanos() / 1e6);
  }

  private String stop() {
    return "stop: " + step.stop().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  /** The pages of each pool; the name of a pool only where there are several. */
  private String pages() {
    if (step.pools().size() == 1) {
      return "pages: " + pages(step.pages());
    }
    List<String> each = step.pools().stream().map(p -> p.pool() + ": " + pages(p)).toList();
    return "pages of " + String.join("; ", each);
  }

  /** The slots of host memory; the name of a pool only where there are several. */
  private String hostSlots() {
    if (host.size() == 1) {
      return "host slots: " + slots(host.getFirst());
    }
    List<String> each = host.stream().map(s -> s.pool() + ": " + slots(s)).toList();
    return "host slots of " + String.join("; ", each);
  }

  private static String slots(HostSlots s) {
    String evicted = s.evicted() > 0 ? ", " + s.evicted() + " evicted" : "";
    return String.format(
        "%d used, %d being stored, %d free%s", s.whole(), s.storing(), s.free(), evicted);
  }

  /** The pages of a pool. */
  static String pages(Event.PoolPages p) {
    String passed = p.passed() > 0 ? ", " + p.passed() + " passed" : "";
    return String.format(
        "%d held, %d cached, %d free%s", p.referenced(), p.idle(), p.free(), passed);
  }
}
