package orrery.graph;

import orrery.kernels.Kernels;
import orrery.kernels.Scratch;
import orrery.kernels.Team;
import orrery.kv.Arrival;
import orrery.kv.PageTable;

/**
 * Everything that changes from step to step: a ragged batch of rows, each of them one token of one
 * sequence. Prefill, a chunk of prefill, decode and verification are the same thing here.
 *
 * <p>Ops hold buffers and weights. They read the values of the step from here when they run, so one
 * captured program serves every step.
 */
public final class Step {
  public final int[] token; // [maxRows] token id
  public final int[] position; // [maxRows] RoPE position
  public final int[]
      slot; // [maxRows] cache slot the row is written to; the row sees slots up to this one
  public final int[] sequence; // [maxRows] index into tables
  public final int[] logitRow; // [maxRows] rows that want logits; the first logitRows entries count
  public final int[] greedy; // [maxRows] 1 if of the row's logits only the highest is wanted
  public final PageTable[] tables; // [maxSequences] where each sequence's cached rows lie

  private final Workspace workspace;
  private final HostReads hostReads;
  private int rows;
  private int logitRows;
  private Arrival arrival = Arrival.COMPLETE; // of pages that are being loaded for this step

  /** A step with a workspace of its own, for {@code threads} shares. */
  public Step(int maxRows, int maxSequences, int threads, Kernels kernels) {
    this(maxRows, maxSequences, new Workspace(threads, kernels));
  }

  /** Makes the arrays for steps of up to {@code maxRows} rows of {@code maxSequences} sequences. */
  public Step(int maxRows, int maxSequences, Workspace workspace) {
    token = new int[maxRows];
    position = new int[maxRows];
    slot = new int[maxRows];
    sequence = new int[maxRows];
    logitRow = new int[maxRows];
    greedy = new int[maxRows];
    tables = new PageTable[maxSequences];
    this.workspace = workspace;
    this.hostReads = new HostReads(workspace.threads(), maxSequences);
  }

  /** Empties the batch. */
  public void clear() {
    rows = 0;
    logitRows = 0;
    arrival = Arrival.COMPLETE;
    hostReads.clear();
  }

  /** Counts what the ops of this step read of entries on the host. */
  public HostReads hostReads() {
    return hostReads;
  }

  /** Some pages of this step are on their way; ops wait for the rows that they read. */
  public void arrival(Arrival arrival) {
    this.arrival = arrival;
  }

  /** Tells which streams of the pages are there. */
  public Arrival arrival() {
    return arrival;
  }

  /** Adds a row with its position as its cache slot, as in every main layer. */
  public void add(int token, int position, int sequence, boolean wantsLogits) {
    add(token, position, position, sequence, wantsLogits);
  }

  /** Adds a row. */
  public void add(int token, int position, int slot, int sequence, boolean wantsLogits) {
    this.token[rows] = token;
    this.position[rows] = position;
    this.slot[rows] = slot;
    this.sequence[rows] = sequence;
    this.greedy[rows] = 0;
    if (wantsLogits) {
      logitRow[logitRows++] = rows;
    }
    rows++;
  }

  /** Of the logits of the row that was added last, only the highest is wanted. */
  public void greedy() {
    greedy[rows - 1] = 1;
  }

  /** Makes the first {@code count} of these rows want logits, in this order, and no other row. */
  public void wantLogits(int[] rows, int count) {
    System.arraycopy(rows, 0, logitRow, 0, count);
    logitRows = count;
  }

  /**
   * Keeps the first {@code rows} rows and drops the others. A chain of drafts drops the rows of
   * sequences that want no further draft.
   *
   * @throws IllegalStateException if the step has fewer rows, or a row that wants no logits
   */
  public void keepFirst(int rows) {
    if (logitRows != this.rows || rows > this.rows) {
      throw new IllegalStateException(
          "keep " + rows + " rows of " + this.rows + ", of which " + logitRows + " want logits");
    }
    this.rows = rows;
    this.logitRows = rows;
  }

  /** How many rows the batch has. */
  public int rows() {
    return rows;
  }

  /** How many of the rows want logits. */
  public int logitRows() {
    return logitRows;
  }

  /** How many rows the batch can have. */
  public int maxRows() {
    return token.length;
  }

  public Kernels kernels() {
    return workspace.kernels();
  }

  /** A thread is about to do a share that is no thread's own; see {@link Team.Task#taken}. */
  void taken(int share, int thread) {
    workspace.taken(share, thread);
  }

  /** How many threads do the shares of an op at once, if it has so many. */
  public int threads() {
    return workspace.threads();
  }

  /** Which of the threads' places a share has, for what each counts for itself. */
  public int threadOf(int share) {
    return workspace.threadOf(share);
  }

  /** Working memory of one share. */
  public Scratch scratch(int share) {
    return workspace.scratch(share);
  }
}
