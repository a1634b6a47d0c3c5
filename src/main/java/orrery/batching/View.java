package orrery.batching;

import java.util.List;
import orrery.kv.KvGeometry;

/**
 * Everything that a policy sees: queues, lengths and page counts. It has no model, no tokens and no
 * clock of its own. So planning is a pure function, and a test can make millions of plans without a
 * model.
 *
 * @param now milliseconds on the engine's clock
 * @param waiting in queue order: by priority, then arrival
 * @param running in order of admission
 * @param geometry how lengths turn into pages
 * @param free [pool] pages that are free or can be evicted from the prefix cache
 * @param total [pool] all pages but the dummy
 * @param ahead slots beyond its computed tokens that a running sequence holds pages for. It is 1 if
 *     an MTP layer drafts, because its newest row lies at the slot of the newest token; else 0
 * @param limits what a step may hold
 * @param memory what the policy remembered in its last plan
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
   * What a policy remembers from step to step.
   *
   * @param newTokenRatio SGLang's guess of the share of max_tokens that running requests will use
   * @param batch number of sequences with which a static batch began
   */
  public record Memory(double newTokenRatio, int batch) {}

  /**
   * What a step may hold.
   *
   * @param maxRunning the most running sequences
   * @param chunk the most prompt rows of a step ({@code --chunked-prefill-size})
   * @param maxRows the most rows of a step
   */
  public record Limits(int maxRunning, int chunk, int maxRows) {}

  /**
   * One sequence.
   *
   * @param id unique
   * @param known tokens of prompt and answer so far
   * @param computed tokens with cached rows; of a waiting sequence, the hit that it would have now
   * @param held slots that it holds pages for, at least those of the computed tokens
   * @param drafts guesses for the next tokens that could be verified beside its newest row
   * @param prompt tokens of the prompt
   * @param longest the most tokens of prompt and answer
   * @param hitIdle [pool] of a waiting sequence: pages of its hit that count as free until it is
   *     admitted
   * @param reclaimable [pool] of a running sequence: pages that become free or evictable if it is
   *     retracted
   * @param priority a higher one goes first
   * @param arrival order of arrival
   * @param arrivedAt milliseconds on the engine's clock
   * @param deferred of a waiting sequence: whether it waits for a sequence that computes a prefix
   *     they share
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
    /** How many rows it has still to compute. */
    public int pending() {
      return known - computed;
    }

    /** Tokens of the answer so far. */
    public int output() {
      return known - prompt;
    }

    /**
     * Whether only the newest token of its answer is still to compute. The last token of a prompt
     * does not count.
     */
    public boolean decoding() {
      return pending() == 1 && computed > 0 && output() > 0;
    }
  }
}
