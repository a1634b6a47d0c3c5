package orrery.batching;

import java.util.List;
import orrery.kv.KvGeometry;

/**
 * All that a policy sees: queues, lengths and page counts. No model, no tokens, no clock of its
 * own; so planning is a pure function, and can be tested by the million without a model.
 *
 * @param now milliseconds on the engine's clock
 * @param waiting in queue order: by priority, then arrival
 * @param running in order of admission
 * @param geometry how lengths turn into pages
 * @param free [pool] pages that are free or can be evicted from the prefix cache
 * @param total [pool] pages beside the dummy
 * @param ahead slots beyond its computed tokens whose pages a running sequence holds: 1 if an MTP
 *     layer drafts, whose newest row lies at the slot of the newest token; else 0
 * @param limits what a step may hold
 * @param memory what the policy wrote down in its last plan
 */
public record View(
    long now,
    List<Item> waiting,
    List<Item> running,
    KvGeometry geometry,
    int[] free,
    int[] total,
    int ahead,
    Limits limits,
    Memory memory) {

  /**
   * What a policy carries from step to step.
   *
   * @param newTokenRatio SGLang's guess of the share of max_tokens that running requests will use
   * @param batch sequences that a static batch began with
   */
  public record Memory(double newTokenRatio, int batch) {}

  /**
   * What a step may hold.
   *
   * @param maxRunning most running sequences
   * @param chunk most prompt rows of a step ({@code --chunked-prefill-size})
   * @param maxRows most rows of a step
   */
  public record Limits(int maxRunning, int chunk, int maxRows) {}

  /**
   * One sequence.
   *
   * @param id unique
   * @param known tokens of prompt and answer so far
   * @param computed tokens whose rows are cached; waiting: the hit it would have now
   * @param held slots whose pages it holds, at least those of the computed tokens
   * @param drafts guesses for the next tokens that could be verified with its newest row
   * @param prompt tokens of the prompt
   * @param longest tokens at most, prompt and answer
   * @param hitIdle [pool] waiting: pages of that hit that count as free now, and would not any more
   * @param reclaimable [pool] running: pages that retracting it would make free or evictable
   * @param priority higher goes first
   * @param arrival order of arrival
   * @param arrivedAt milliseconds
   * @param deferred waiting: it shares a prefix with a prompt being computed, and waits for that
   */
  public record Item(
      int id,
      int known,
      int computed,
      int held,
      int drafts,
      int prompt,
      int longest,
      int[] hitIdle,
      int[] reclaimable,
      int priority,
      long arrival,
      long arrivedAt,
      boolean deferred) {
    /** Rows that would bring its cache up to date. */
    public int pending() {
      return known - computed;
    }

    /** Tokens of the answer so far. */
    public int output() {
      return known - prompt;
    }

    /** Whether it only has the newest token of its answer to compute; not so of a prompt's last. */
    public boolean decoding() {
      return pending() == 1 && computed > 0 && output() > 0;
    }
  }
}
