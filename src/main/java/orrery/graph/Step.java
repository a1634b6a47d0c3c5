package orrery.graph;

import java.util.Arrays;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;
import orrery.kv.PageTable;

/**
 * Everything about one step that changes from step to step: a ragged batch of rows, each a token of
 * some sequence. Prefill, a chunk of prefill, decode and verification are the same thing here.
 *
 * <p>Ops hold buffers and weights; whatever is a value of the step they read from here when they
 * run. So a captured program serves every step.
 */
public final class Step {
  public final int[] token; // [maxRows] token id
  public final int[] position; // [maxRows] RoPE position
  public final int[]
      slot; // [maxRows] cache slot the row is written to; it sees slots up to this one
  public final int[] sequence; // [maxRows] index into tables
  public final int[] logitRow; // [maxRows] rows whose logits are wanted, the first logitRows count
  public final PageTable[] tables; // [maxSequences] where each sequence's cached rows lie

  private final Scratch[] scratch; // [threads]
  private int rows;
  private int logitRows;
  private Kernels kernels;

  public Step(int maxRows, int maxSequences, int threads, Kernels kernels) {
    token = new int[maxRows];
    position = new int[maxRows];
    slot = new int[maxRows];
    sequence = new int[maxRows];
    logitRow = new int[maxRows];
    tables = new PageTable[maxSequences];
    scratch = new Scratch[threads];
    Arrays.setAll(scratch, i -> new Scratch());
    this.kernels = kernels;
  }

  /** Empties the batch. */
  public void clear() {
    rows = 0;
    logitRows = 0;
  }

  /** Adds a row whose cache slot is its position, as in every main layer. */
  public void add(int token, int position, int sequence, boolean wantsLogits) {
    add(token, position, position, sequence, wantsLogits);
  }

  /** Adds a row. */
  public void add(int token, int position, int slot, int sequence, boolean wantsLogits) {
    this.token[rows] = token;
    this.position[rows] = position;
    this.slot[rows] = slot;
    this.sequence[rows] = sequence;
    if (wantsLogits) {
      logitRow[logitRows++] = rows;
    }
    rows++;
  }

  /**
   * Drops all rows but the first, where every row wants its logits: the rest of a chain of drafts
   * whose sequences want fewer.
   */
  public void keepFirst(int rows) {
    if (logitRows != this.rows || rows > this.rows) {
      throw new IllegalStateException(
          "keep " + rows + " rows of " + this.rows + ", of which " + logitRows + " want logits");
    }
    this.rows = rows;
    this.logitRows = rows;
  }

  public int rows() {
    return rows;
  }

  public int logitRows() {
    return logitRows;
  }

  public int maxRows() {
    return token.length;
  }

  public Kernels kernels() {
    return kernels;
  }

  /**
   * Changes the kernels between two steps; legal at any time, since all kernels give the same bits.
   */
  public void kernels(Kernels kernels) {
    this.kernels = kernels;
  }

  /** Working memory of one part. */
  public Scratch scratch(int part) {
    return scratch[part];
  }
}
