package orrery.graph;

import java.util.List;

/**
 * One operation of a forward pass, bound to its buffers, weights and cache handles, never to a
 * value of a step. Each technique keeps its ops in its own package.
 */
public interface Op {
  /**
   * Does one thread's share of the work, {@code share} of {@code shares}: some of the outputs or
   * rows, never a piece of a sum.
   */
  void run(Step step, int share, int shares);

  /**
   * What the results depend on, beside weights and the step's number of rows. An op that works in
   * place names its buffer here and in {@link #writes}.
   */
  List<Operand> reads();

  /**
   * What may change. A buffer that is written and not read has new values in all its rows in use,
   * so whatever it held is gone. Of a stream's rows an op writes some and keeps the others.
   */
  List<Operand> writes();

  /** Multiply-adds, roughly. They decide whether splitting over threads is worth the hand-over. */
  long cost(Step step);

  /**
   * How shares are cut, if they are cut by rows: share s of n then does the rows {@code [rows·s/n,
   * rows·(s+1)/n)} of this count. It reads and writes only these rows of the buffers with this row
   * count, and of cached rows it writes those of its own rows. Ops that are cut alike need no
   * hand-over between them. Null if the shares are cut in another way.
   */
  default RowCount rowwise() {
    return null;
  }

  /**
   * The same op with its shares cut as is best for steps of up to {@code rows} rows on {@code
   * threads} threads. An op that can be cut by rows ({@link #rowwise}) or in another way asks
   * {@link Cuts#byRows}; others are cut as they are.
   */
  default Op cut(int rows, int threads) {
    return this;
  }

  /**
   * Whether the op cannot be split. The calling thread then runs it alone, as share 0 of 1, before
   * other ops are handed over.
   */
  default boolean serial() {
    return false;
  }

  /**
   * Whether shares may be more than threads and smaller, for a thread that is slow to do fewer of
   * them. Not if small shares take longer together.
   */
  default boolean fine() {
    return true;
  }

  /** The op in one line, for listings. */
  String line();
}
