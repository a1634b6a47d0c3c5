package orrery.attention;

import java.util.List;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.graph.StreamRows;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;

/**
 * Makes the entries that the step's rows complete, from the cached states of all their tokens,
 * whichever step and page they are of, and rounds them as their stream's format says. A state row
 * has been written before, so chunks of a prompt change nothing; and an entry of rejected drafts is
 * made again when other tokens complete it.
 */
record Compress(StreamRows state, Compressor compressor, RopeTable rope, StreamRows entries)
    implements Op {
  Compress {
    if (state.width() != 2 * compressor.width()
        || entries.width() != compressor.headDim()
        || entries.tokensPerRow() != compressor.ratio()
        || 2 * rope.pairs() > compressor.headDim()) {
      throw new IllegalArgumentException(
          entries
              + " of width "
              + entries.width()
              + ", "
              + entries.tokensPerRow()
              + " tokens an entry, = compressor of "
              + compressor.ratio()
              + " tokens of "
              + state
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int completed = 0;
    for (int r = 0; r < step.rows(); r++) {
      if (entries.completes(step.slot[r]) && completed++ % shares == share) {
        make(step, r, share);
      }
    }
  }

  private void make(Step step, int r, int share) {
    int first = step.slot[r] + 1 - compressor.ratio();
    int headDim = compressor.headDim();
    int[] rows = step.scratch(share).rows(compressor.tokens());
    int n = 0;
    int[] pages = state.pages(step, r);
    for (int s = first - compressor.tokens() + compressor.ratio(); s <= step.slot[r]; s++) {
      if (s >= 0) { // the first entry has no tokens before it
        boolean own = compressor.overlap() && s >= first;
        rows[n++] = state.at(pages, s) + (own ? headDim : 0);
      }
    }
    Scratch scratch = step.scratch(share);
    float[] entry = scratch.numbers(headDim);
    Kernels kernels = step.kernels();
    kernels
        .latent()
        .compress(state.data(), rows, n, compressor.width(), headDim, entry, 0, scratch);
    kernels.rmsNorm(entry, 0, compressor.norm(), 0, compressor.eps(), headDim, entry, 0, scratch);
    RopeTail.rotate(step, rope, entry, 0, headDim, first);
    entries.stored().write(entries.row(entries.pages(step, r), first), entry, 0);
  }

  @Override
  public List<Operand> reads() {
    return List.of(state, StepField.SEQUENCE, StepField.SLOT);
  }

  @Override
  public List<Operand> writes() {
    return List.of(entries);
  }

  @Override
  public long cost(Step step) {
    long completed = 0;
    for (int r = 0; r < step.rows(); r++) {
      completed += entries.completes(step.slot[r]) ? 1 : 0;
    }
    return completed * compressor.tokens() * compressor.headDim() * 16; // exp is 14 operations
  }

  @Override
  public String line() {
    return entries
        + "[slot / "
        + compressor.ratio()
        + "] = rope rmsNorm mean of "
        + compressor.tokens()
        + " rows of "
        + state
        + ", softmax by channel";
  }
}
