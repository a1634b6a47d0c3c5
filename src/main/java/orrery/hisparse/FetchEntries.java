package orrery.hisparse;

import java.util.Arrays;
import java.util.List;
import orrery.graph.IntBuffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.kv.PageTable;

/**
 * places[r] = where on the device the entries lie that row r has selected, in the same order; those
 * that are not there are copied from the host first. The rows of a sequence share its buffer, so a
 * share takes whole sequences. For each of them
 *
 * <ol>
 *   <li>what its rows selected together stays in the buffer as far as it lies there;
 *   <li>entries that its rows have just completed are copied again if they lie there: they were
 *       made of drafts that were rejected;
 *   <li>the others that were selected take the slots that were not used for the longest time;
 *   <li>so do the completed ones that were not selected, as far as no selected entry has to go.
 * </ol>
 *
 * <p>If the rows of a sequence select more together than its buffer holds, as those of a prompt do,
 * they read on the host in place. So do the rows of a table without a buffer: they are padding.
 *
 * @param selected [rows][topk] entries in increasing order, then -1
 * @param places [rows][topk] rows of {@link EntryBuffers#rows}, then -1; {@link #DIRECT} first if
 *     the row reads on the host
 */
public record FetchEntries(IntBuffer selected, EntryBuffers buffers, IntBuffer places)
    implements Op {
  /** In place of the first place of a row that reads on the host. */
  public static final int DIRECT = -1;

  /**
   * @throws IllegalArgumentException if there are not as many places as entries
   */
  public FetchEntries {
    if (selected.cols != places.cols || selected.rowCount() != places.rowCount()) {
      throw new IllegalArgumentException(
          places + " = places of " + selected + ": expected as many places as entries");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = selected.rows(step);
    int turn = 0;
    for (int from = 0; from < rows; turn++) {
      int to = end(step, from, rows);
      if (turn % shares == share) {
        fetch(step, from, to, share);
      }
      from = to;
    }
  }

  /** Where the rows of the sequence end whose first row is {@code from}. */
  private static int end(Step step, int from, int rows) {
    int to = from + 1;
    while (to < rows && step.sequence[to] == step.sequence[from]) {
      to++;
    }
    return to;
  }

  /** The rows [from, to) are those of one sequence, one slot after the other. */
  private void fetch(Step step, int from, int to, int share) {
    Arrays.fill(places.data, from * places.cols, to * places.cols, DIRECT);
    PageTable table = step.tables[step.sequence[from]];
    if (table.buffer() == PageTable.NO_BUFFER) {
      return;
    }
    StreamRows host = buffers.host();
    int[] pages = host.pages(table);
    int begin = host.entries(step.slot[from] - 1); // the first entry that is new
    int end = host.entries(step.slot[to - 1]);
    EntryBuffer buffer = buffers.buffer(table.buffer());
    buffer.begin(table.bufferTerm());
    if (buffer.choose(selected, from, to, step.scratch(share).rows(end), end)) {
      buffer.fetch(pages, begin, end, step.hostReads(), step.threadOf(share));
      place(buffer, from, to);
      step.hostReads().buffered(step.sequence[from]);
    } else {
      long listed = listed(step, from, to);
      buffer.passBy(pages, begin, end, listed, step.hostReads(), step.threadOf(share));
    }
  }

  private void place(EntryBuffer buffer, int from, int to) {
    for (int i = from * selected.cols; i < to * selected.cols; i++) {
      if (selected.data[i] >= 0) {
        places.data[i] = buffer.row(selected.data[i]);
      }
    }
  }

  /** How many entries the rows [from, to) read, each row for itself. */
  private long listed(Step step, int from, int to) {
    long listed = 0;
    for (int r = from; r < to; r++) {
      listed += Math.min(buffers.host().entries(step.slot[r]), selected.cols);
    }
    return listed;
  }

  @Override
  public List<Operand> reads() {
    return List.of(selected, buffers.host(), StepField.SEQUENCE, StepField.SLOT);
  }

  /** The buffers' rows are read through the places alone, so these stand for them too. */
  @Override
  public List<Operand> writes() {
    return List.of(places);
  }

  @Override
  public long cost(Step step) {
    int rows = selected.rows(step);
    long copied = 0; // at most: a sequence copies no more than its buffer holds
    for (int from = 0; from < rows; ) {
      int to = end(step, from, rows);
      copied += Math.min(listed(step, from, to), buffers.slots());
      from = to;
    }
    return copied * buffers.host().width();
  }

  @Override
  public String line() {
    return places + " = places of " + selected + " of " + buffers.host() + " in " + buffers;
  }
}
