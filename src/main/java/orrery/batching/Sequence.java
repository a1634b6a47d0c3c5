package orrery.batching;

import java.util.Arrays;
import orrery.kv.PageTable;
import orrery.prefix.PrefixCache.Lease;
import orrery.speculation.Draftable;
import orrery.speculation.Drafts;

/**
 * One choice of one request on its way through the engine: its known tokens, how many of them are
 * computed, and where their rows lie. It has no phase: prefill, decode and recomputation after a
 * retraction differ only in how far {@code computed} is behind {@code known}.
 *
 * <p>An engine extends this class with the state that turns logits into tokens. So whatever carries
 * out a plan has this state in its hands, and policies see nothing of it.
 */
public class Sequence implements Draftable {
  public final int id;
  public final int request;
  public final int choice; // which answer of the request, from 0
  public final int promptLength;
  public final int longest; // the most tokens of prompt and answer
  public final int priority; // a higher one goes first
  public final long arrival; // order of arrival
  public final long arrivedAt; // milliseconds on the engine's clock
  public final String salt; // only equal salts share prefixes

  private int[] tokens; // [>= known]
  private int known;
  private int computed;
  private int complete; // tokens whose rows are written in all streams, at most `computed`
  private int held; // slots that it holds pages for
  private int flying; // rows of steps that are not settled: they are computed now, or soon
  private int undecided; // tokens that these steps decide
  private int offered;
  private int retractions;
  private boolean fetching; // waits for rows, and not to be scheduled
  private PageTable table; // this and the two below: null while waiting
  private Lease lease;
  private Drafts drafts;

  public Sequence(
      int id,
      int request,
      int choice,
      int[] prompt,
      int longest,
      int priority,
      long arrival,
      long arrivedAt,
      String salt) {
    this.id = id;
    this.request = request;
    this.choice = choice;
    this.promptLength = prompt.length;
    this.longest = longest;
    this.priority = priority;
    this.arrival = arrival;
    this.arrivedAt = arrivedAt;
    this.salt = salt;
    this.tokens = prompt.clone();
    this.known = prompt.length;
  }

  @Override
  public final int[] tokens() {
    return tokens;
  }

  @Override
  public final int known() {
    return known;
  }

  @Override
  public final int computed() {
    return computed;
  }

  /**
   * How many tokens will be known once all steps that are on their way are settled, if they do not
   * end the answer. A step is planned with this number; without overlap it is {@link #known}.
   */
  public final int knownSoon() {
    return known + undecided;
  }

  /** How many tokens will be computed once all steps that are on their way are settled. */
  public final int computedSoon() {
    return computed + flying;
  }

  /** Rows of steps that are not settled. */
  public final int flying() {
    return flying;
  }

  /** Whether a step on its way decides the last token that there is room for. */
  public final boolean ending() {
    return undecided > 0 && knownSoon() >= longest;
  }

  /**
   * Takes note of a step that computes rows of this sequence, and will be settled later.
   *
   * @param decides whether the step decides a token
   */
  public final void launch(int rows, boolean decides) {
    flying += rows;
    undecided += decides ? 1 : 0;
  }

  /** Takes note that a step which was launched is being settled. */
  public final void land(int rows, boolean decides) {
    flying -= rows;
    undecided -= decides ? 1 : 0;
  }

  /**
   * How many of its computed tokens have all their rows, also those that a drafter may write later.
   * What these tokens alone need may be shared, and pages that no later row sees are given up.
   */
  public final int complete() {
    return complete;
  }

  public final void complete(int tokens) {
    complete = tokens;
  }

  /** Whether it waits for rows from slow memory: until they are there, the scheduler passes it. */
  public final boolean fetching() {
    return fetching;
  }

  public final void fetching(boolean fetching) {
    this.fetching = fetching;
  }

  /** How often it was retracted. */
  public final int retractions() {
    return retractions;
  }

  /**
   * Slots that it holds pages for: those of the computed tokens, and those beyond that drafting
   * needs.
   */
  public final int held() {
    return held;
  }

  public final void held(int slots) {
    held = slots;
  }

  /** How many drafts could be verified beside its newest token in the next step. */
  public final int offered() {
    return offered;
  }

  public final void offered(int drafts) {
    offered = drafts;
  }

  /** Its drafts, with what the drafter knows of it; null while it waits. */
  public final Drafts drafts() {
    return drafts;
  }

  public final void drafts(Drafts drafts) {
    this.drafts = drafts;
  }

  @Override
  public final PageTable table() {
    return table;
  }

  /** Its hold on the prefix cache; null while it waits. */
  public final Lease lease() {
    return lease;
  }

  /** Whether it runs, which means that it has a page table. */
  public final boolean running() {
    return table != null;
  }

  /** Tokens of the answer. */
  public final int output() {
    return known - promptLength;
  }

  /**
   * Whether its next step decodes: only the newest token of its answer is still to compute. The
   * last token of a prompt does not count.
   */
  public final boolean decoding() {
    return decoding(promptLength, knownSoon(), computedSoon());
  }

  /** The same, of a sequence with these lengths. */
  static boolean decoding(int promptLength, int known, int computed) {
    return computed == known - 1 && known > promptLength;
  }

  /** The most tokens that a prefix hit may have: rows behind them are still to be computed. */
  public int mayHit() {
    return known - 1;
  }

  /** Starts with a table that has all rows of the first {@code hit} tokens. */
  public final void start(PageTable table, Lease lease, int hit) {
    start(table, lease, hit, hit);
  }

  /** Starts as a fork, with the rows that {@code from} has. */
  public final void fork(PageTable table, Lease lease, Sequence from) {
    start(table, lease, from.computed, from.complete);
  }

  private void start(PageTable table, Lease lease, int computed, int complete) {
    this.table = table;
    this.lease = lease;
    this.computed = computed;
    this.complete = complete;
    this.held = computed;
  }

  /**
   * Counts {@code rows} more known tokens as computed.
   *
   * @throws IllegalStateException if that is more than are known
   */
  public final void advance(int rows) {
    computed += rows;
    if (computed > known) {
      throw new IllegalStateException(
          "sequence " + id + ": " + computed + " tokens computed of " + known);
    }
  }

  /** Adds a token of the answer. */
  public final void append(int token) {
    if (known == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(longest, 2 * known) + 1);
    }
    tokens[known++] = token;
  }

  /** Gives up its table; the computed tokens will have to be computed again. */
  public final void stop(boolean retracted) {
    table = null;
    lease = null;
    computed = 0;
    complete = 0;
    held = 0;
    flying = 0;
    undecided = 0;
    offered = 0;
    drafts = null;
    retractions += retracted ? 1 : 0;
  }
}
