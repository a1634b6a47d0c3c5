package orrery.batching;

import java.util.List;
import orrery.kv.KvGeometry;

/**
 * Everything that a policy sees: queues, lengths and page counts. It has no model and no clock of
 * its own, and no policy reads tokens. So planning is a pure function, and a test can make millions
 * of plans without a model.
 *
 * @param now milliseconds on the engine's clock
 * @param waiting in queue order: by priority, then arrival
 * @param running in order of admission
 * @param geometry how lengths turn into pages
 * @param free [pools] pages that are free or can be evicted from the prefix cache
 * @param total [pools] all pages but the dummy
 * @param ahead slots beyond its computed tokens that a running sequence holds pages for. It is 1 if
 *     an MTP layer drafts, because its newest row lies at the slot of the newest token; else 0
 * @param margin slots beside its window that a running sequence may hold pages for: those ahead,
 *     and those of computed tokens whose rows a drafter has put off
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
    int margin,
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
   */
  public record Limits(int maxRunning, int chunk) {}

  /**
   * One sequence, with its lengths at the time of the view.
   *
   * @param sequence goes into the plan; a policy reads nothing of it but what never changes
   * @param known tokens of prompt and answer so far
   * @param computed tokens with cached rows; of a waiting sequence, the hit that it would have now
   * @param complete computed tokens whose rows are written in all streams
   * @param held slots that it holds pages for, at least those of the computed tokens
   * @param drafts guesses for the next tokens that could be verified beside its newest row
   * @param first [pools] pages at the beginning that it does not hold; of a waiting sequence, that
   *     its hit does not need
   * @param takes [pools] of a waiting sequence: pages of its hit that count as free until it is
   *     admitted: idle ones, and new ones for rows that a slower memory has
   * @param reclaimable [pools] of a running sequence: pages that become free or evictable if it is
   *     retracted
   * @param deferred of a waiting sequence: whether it waits for a sequence that computes a prefix
   *     they share
   */
  public record Item(
      Sequence sequence,
      int known,
      int computed,
      int complete,
      int held,
      int drafts,
      int[] first,
      int[] takes,
      int[] reclaimable,
      boolean deferred) {
    /** Tokens of the prompt. */
    public int prompt() {
      return sequence.promptLength;
    }

    /** The most tokens of prompt and answer. */
    public int longest() {
      return sequence.longest;
    }

    /** A higher one goes first. */
    public int priority() {
      return sequence.priority;
    }

    /** Milliseconds on the engine's clock. */
    public long arrivedAt() {
      return sequence.arrivedAt;
    }

    /** How many rows it has still to compute. */
    public int pending() {
      return known - computed;
    }

    /** Tokens of the answer so far. */
    public int output() {
      return known - prompt();
    }

    /** Whether it decodes, as {@link Sequence#decoding()} says. */
    public boolean decoding() {
      return Sequence.decoding(prompt(), known, computed);
    }
  }
}
