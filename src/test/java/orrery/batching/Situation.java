package orrery.batching;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.View.Item;
import orrery.batching.View.Limits;
import orrery.batching.View.Memory;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * Builds the view of a hand-made situation: one pool, pages of 4 tokens unless {@link #page} says
 * otherwise.
 */
final class Situation {
  private final List<Item> waiting = new ArrayList<>();
  private final List<Item> running = new ArrayList<>();
  private int page = 4;
  private int free = 100;
  private int maxRunning = 8;
  private int chunk = 64;
  private int ahead;
  private long now = 1_000;
  private Memory memory = new Memory(0, 0);

  Situation page(int tokens) {
    page = tokens;
    return this;
  }

  Situation free(int pages) {
    free = pages;
    return this;
  }

  Situation maxRunning(int n) {
    maxRunning = n;
    return this;
  }

  Situation chunk(int tokens) {
    chunk = tokens;
    return this;
  }

  /** For sequences that are added from here on: the drafter writes {@code slots} slots beyond. */
  Situation ahead(int slots) {
    ahead = slots;
    return this;
  }

  Situation now(long millis) {
    now = millis;
    return this;
  }

  Situation memory(double newTokenRatio, int batch) {
    memory = new Memory(newTokenRatio, batch);
    return this;
  }

  /** Adds a sequence that waits with a prompt; its answer has at most {@code most} tokens. */
  Situation waits(int id, int prompt, int most) {
    return waits(id, prompt, most, 0, 0);
  }

  Situation waits(int id, int prompt, int most, int hit, int priority) {
    waiting.add(item(id, prompt, hit, hit, 0, prompt, prompt + most, 0, priority, false));
    return this;
  }

  /** Adds a sequence that waits for a prefix that another sequence computes. */
  Situation waitsForPrefix(int id, int prompt) {
    return waitsForPrefix(id, prompt, 0, 0);
  }

  Situation waitsForPrefix(int id, int prompt, int hit, int priority) {
    waiting.add(item(id, prompt, hit, hit, 0, prompt, prompt + 1, 0, priority, true));
    return this;
  }

  /** Adds a sequence that has only its newest token to compute. */
  Situation decodes(int id, int prompt, int output, int most) {
    return drafts(id, prompt, output, most, 0);
  }

  /** Adds a sequence that has only its newest token to compute, and drafts for the next ones. */
  Situation drafts(int id, int prompt, int output, int most, int drafts) {
    int known = prompt + output;
    int held = known - 1 + ahead;
    int pages = pages(held);
    running.add(item(id, known, known - 1, held, drafts, prompt, prompt + most, pages, 0, false));
    return this;
  }

  /** Adds a sequence in the middle of its prompt. */
  Situation reads(int id, int prompt, int computed, int most) {
    int held = computed + (computed > 0 ? ahead : 0);
    running.add(item(id, prompt, computed, held, 0, prompt, prompt + most, pages(held), 0, false));
    return this;
  }

  private int pages(int tokens) {
    return Math.ceilDiv(tokens, page);
  }

  private static Item item(
      int id,
      int known,
      int computed,
      int held,
      int drafts,
      int prompt,
      int longest,
      int pages,
      int priority,
      boolean deferred) {
    int[] first = {0};
    int[] idle = {0};
    int[] reclaimable = {pages};
    Sequence s = new Sequence(id, id, 0, new int[prompt], longest, priority, id, 0, "");
    return new Item(s, known, computed, computed, held, drafts, first, idle, reclaimable, deferred);
  }

  View view() {
    int held = running.stream().mapToInt(i -> i.reclaimable()[0]).sum();
    KvGeometry g = new KvGeometry(new KvLayout(List.of(Stream.whole("key", 1))), page);
    Limits limits = new Limits(maxRunning, chunk);
    int[] total = {free + held};
    int[] unused = {free};
    return new View(now, waiting, running, g, unused, total, ahead, ahead, limits, memory);
  }

  /** The numbers of sequences. */
  static List<Integer> ids(List<Sequence> sequences) {
    return sequences.stream().map(s -> s.id).toList();
  }

  /** The rows of a plan as {@code id:count id:count}. */
  static String rows(StepPlan plan) {
    StringBuilder s = new StringBuilder();
    plan.rows().forEach(r -> s.append(' ').append(r.sequence().id).append(':').append(r.count()));
    return s.toString().trim();
  }
}
