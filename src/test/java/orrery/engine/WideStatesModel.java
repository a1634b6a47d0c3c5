package orrery.engine;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepField;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Activations;
import orrery.model.BoundaryKv;
import orrery.model.Forward;
import orrery.model.KeepBoundary;
import orrery.model.Model;
import orrery.model.ModelInfo;
import orrery.model.ModelSpec;

/**
 * A made-up model that hands three residual streams over to its MTP layer, not a hidden state. The
 * token after t at position p is always {@link #after}. Column c of the streams of that row is
 * {@link #state}. The MTP layer guesses right, and stops the engine if a column of its input is not
 * that of the token before.
 *
 * @param inputWidth columns that the MTP layer reads
 */
record WideStatesModel(int inputWidth) implements Model {
  static final int HIDDEN = 4;
  static final int STREAMS = 3;
  static final int WIDTH = STREAMS * HIDDEN;
  static final int VOCAB = 97;

  static int after(int token, int position) {
    return (token * 3 + position) % VOCAB;
  }

  static float state(int token, int position, int column) {
    return token + 100 * position + 1e6f * column;
  }

  /** What the model is. */
  private static final class Config implements ModelSpec {
    @Override
    public String architecture() {
      return "made-up";
    }

    @Override
    public int vocab() {
      return VOCAB;
    }

    @Override
    public int hidden() {
      return HIDDEN;
    }

    @Override
    public int layers() {
      return 1;
    }

    @Override
    public int maxPositions() {
      return 256;
    }

    @Override
    public boolean hasMtp() {
      return true;
    }

    @Override
    public KvLayout kvLayout(boolean mtp, KvDtype dtype) {
      Stream key = Stream.whole("layers.0.key", 1);
      return new KvLayout(
          mtp ? List.of(key, Stream.boundary("mtp.boundary", WIDTH)) : List.of(key));
    }

    @Override
    public ModelInfo info() {
      return new ModelInfo(List.of());
    }

    @Override
    public Activations activations(boolean mtp, int slots) {
      return new Activations(0, 0, 0, 0, 0, 0);
    }
  }

  @Override
  public ModelSpec config() {
    return new Config();
  }

  @Override
  public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    BoundaryKv boundary = cache.layout().boundary() < 0 ? null : BoundaryKv.of(cache);
    return rows -> new WideForward(rows, Math.min(rows, maxLogitRows), boundary);
  }

  private interface Rows {
    void of(Step step, int row);
  }

  private record EachRow(String line, List<Operand> reads, List<Operand> writes, Rows rows)
      implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      for (int r = 0; share == 0 && r < step.rows(); r++) {
        rows.of(step, r);
      }
    }

    @Override
    public long cost(Step step) {
      return 0;
    }
  }

  private final class WideForward implements Forward {
    private final BoundaryKv boundary; // null without MTP
    private final Buffer states;
    private final Buffer logits;
    private final Buffer wanted; // [rows][vocab] before the rows that want logits are picked
    private final Buffer mtpInput;
    private final Buffer mtpStates;
    private final Buffer mtpLogits;

    private WideForward(int rows, int logitRows, BoundaryKv boundary) {
      this.boundary = boundary;
      states = new Buffer("streams", Step::rows, rows, WIDTH);
      wanted = new Buffer("wanted", Step::rows, rows, VOCAB);
      logits = new Buffer("logits", Step::logitRows, logitRows, VOCAB);
      mtpInput = new Buffer("mtpInput", Step::rows, rows, inputWidth);
      mtpStates = new Buffer("mtpStreams", Step::rows, rows, WIDTH);
      mtpLogits = new Buffer("mtpLogits", Step::logitRows, logitRows, VOCAB);
    }

    private void put(Buffer to, int row, int token, int position) {
      for (int c = 0; c < WIDTH; c++) {
        to.data[to.row(row) + c] = state(token, position, c);
      }
    }

    private void point(int row, int token) {
      Arrays.fill(wanted.data, wanted.row(row), wanted.row(row) + VOCAB, 0);
      wanted.data[wanted.row(row) + token] = 1;
    }

    @Override
    public void main(Launcher g) {
      g.launch(
          new EachRow(
              "streams, logits = f(token, position)",
              List.of(StepField.TOKEN, StepField.POSITION),
              List.of(states, wanted),
              (step, r) -> {
                put(states, r, step.token[r], step.position[r]);
                point(r, after(step.token[r], step.position[r]));
              }));
      if (boundary != null) {
        g.launch(new KeepBoundary(states, boundary));
      }
      head(g);
    }

    @Override
    public void head(Launcher g) {
      g.logitRows(wanted, logits);
    }

    /** Row p holds token p + 1 and the state of token p. */
    @Override
    public void mtp(Launcher g) {
      g.launch(
          new EachRow(
              "mtpStreams, mtpLogits = f(token, mtpInput)",
              List.of(mtpInput, StepField.TOKEN, StepField.POSITION),
              List.of(mtpStates, wanted),
              (step, r) -> {
                int token = step.token[r];
                int position = step.position[r];
                put(mtpStates, r, token, position + 1);
                point(r, after(token, position + 1));
                requireContinues(r, position);
              }));
      g.logitRows(wanted, mtpLogits);
    }

    @Override
    public void mtpKv(Launcher g) {
      g.launch(
          new EachRow(
              "looks only",
              List.of(mtpInput, StepField.POSITION),
              List.of(),
              (step, r) -> requireContinues(r, step.position[r])));
    }

    private void requireContinues(int row, int position) {
      int at = mtpInput.row(row);
      int before = (int) mtpInput.data[at] - 100 * position;
      for (int c = 0; c < WIDTH; c++) {
        if (before < 0 || before >= VOCAB || mtpInput.data[at + c] != state(before, position, c)) {
          throw new IllegalStateException(
              "MTP row %d, column %d: found %s".formatted(position, c, mtpInput.data[at + c]));
        }
      }
    }

    @Override
    public Buffer states() {
      return states;
    }

    @Override
    public Buffer logits() {
      return logits;
    }

    @Override
    public Buffer mtpInput() {
      return mtpInput;
    }

    @Override
    public Buffer mtpStates() {
      return mtpStates;
    }

    @Override
    public Buffer mtpLogits() {
      return mtpLogits;
    }
  }
}
