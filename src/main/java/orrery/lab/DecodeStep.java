package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.Heap;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Executor;
import orrery.graph.Fusion;
import orrery.graph.FusionRule;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.CachedRows;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.model.Activations;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.GreedyForward;
import orrery.model.Model;

/**
 * The forward pass of a step, mostly a decoding one, to be timed as a whole or op by op. The cached
 * rows before it hold made-up numbers: how long an op takes does not depend on them.
 */
final class DecodeStep {
  private static final int PAGE = 16; // rounded up to whole rows

  private final Forward forward;
  private final StepProgram launched;
  private final int rows; // of the step
  private final StepProgram captured; // fused and in regions, as the engine replays it
  private final Executor executor;
  private final Step step;
  private final List<TimedOp> ops = new ArrayList<>(); // of the whole step, in order

  /**
   * A step of decoding requests, one row each.
   *
   * @param rows decoding requests
   * @param context tokens behind each
   * @param dtype of the cached rows
   */
  DecodeStep(Model model, Team team, int rows, int context, KvDtype dtype, Draw draw) {
    this(model, team, rows, 1, context, dtype, draw);
  }

  /**
   * A step of requests with several rows each, such as a chunk of a prompt; the last row of each
   * wants logits.
   *
   * @param each rows of a request
   */
  DecodeStep(
      Model model, Team team, int requests, int each, int context, KvDtype dtype, Draw draw) {
    int length = context + each;
    int rows = requests * each;
    KvLayout layout = model.kvLayout(false, dtype);
    int page = layout.wholeRows(PAGE);
    int slots = Math.ceilDiv(length, page) * page;
    KvCache cache = new KvCache(layout, page, slots, requests * slots / page);
    forward = new GreedyForward(model.bind(cache, requests).apply(rows));
    launched = Capture.of(forward::main);
    this.rows = rows;
    executor = new Executor(team);
    captured = inRegions(fused(FusionRules.of(rows, team.size())).program());
    step = new Step(rows, requests, team.size(), new VectorKernels());
    for (int r = 0; r < requests; r++) {
      PageTable table = cache.newTable();
      cache.reserve(table, length);
      step.tables[r] = table;
      for (int i = 1; i <= each; i++) {
        step.add(draw.between(0, model.vocab() - 1), context + i - 1, r, i == each);
        step.greedy();
      }
    }
    for (int stream = 0; stream < layout.streams().size(); stream++) {
      fill(cache.rows(stream));
    }
  }

  private static void fill(CachedRows rows) {
    float[] row = new float[rows.width()];
    for (int r = 0; r < rows.rows(); r++) {
      for (int i = 0; i < row.length; i++) {
        row[i] = Product.value(r * row.length + i);
      }
      rows.write(r, row, 0);
    }
  }

  /** About how many bytes one takes. */
  static long bytes(Model model, int threads, int rows, int context, KvDtype dtype) {
    KvLayout layout = model.kvLayout(false, dtype);
    int page = layout.wholeRows(PAGE);
    long pages = Math.ceilDiv(context + 1L, page);
    Activations a = model.activations(false, (int) Math.min(pages * page, Integer.MAX_VALUE));
    long cache = Heap.times(rows, pages, layout.bytesPerPage(page));
    long positions = Heap.plus(a.positions(), Heap.times(threads, a.thread(rows)));
    long buffers = Heap.times(rows, a.row() + a.logitRow());
    return Heap.plus(cache, Heap.plus(positions, buffers));
  }

  /** Runs the step as the engine does, as one captured program. */
  void run() {
    captured.run(executor, step);
  }

  /** The step's program, fused or as it was launched. */
  StepProgram program(boolean fusion) {
    return fusion ? captured : launched;
  }

  /** Runs a program of this step. */
  void run(StepProgram program) {
    program.run(executor, step);
  }

  /** All rules, also those that the engine leaves out because the step has many rows. */
  List<FusionRule> rules() {
    return FusionRules.of(executor.threads());
  }

  /** The step as some rules rewrite it; each op has a hand-over of its own. */
  Fusion.Fused fused(List<FusionRule> rules) {
    return Fusion.apply(launched, rules, forward.results());
  }

  /** A program with as few hand-overs as its ops allow. */
  StepProgram inRegions(StepProgram program) {
    return program.inRegions(rows, executor.threads());
  }

  /** Hand-overs of a program of this step. */
  int handOvers(StepProgram program) {
    return program.handOvers(step, executor.threads());
  }

  /** Bytes of the rows of a buffer that are in use. */
  long bytes(Buffer buffer) {
    return 4L * buffer.rows(step) * buffer.cols;
  }

  /** Runs the captured program with a hand-over for each op. */
  void runApart() {
    launched.run(executor, step);
  }

  /** Hand-overs of the step, as the engine runs it. */
  int handOvers() {
    return captured.handOvers(step, executor.threads());
  }

  /** Hand-overs of the step if each op has its own. */
  int handOversApart() {
    return launched.handOvers(step, executor.threads());
  }

  /**
   * Runs the ops one by one, and keeps the time of each.
   *
   * @param fusion whether the ops are those of the fused program
   */
  void runOpByOp(boolean fusion) {
    int next = 0;
    for (Op op : program(fusion).ops()) {
      long start = System.nanoTime();
      executor.run(op, step);
      long took = System.nanoTime() - start;
      if (next == ops.size()) {
        ops.add(new TimedOp(op, op.cost(step)));
      }
      ops.get(next++).nanos().add(took);
    }
  }

  /** The ops of the step, with the times of all runs. */
  List<TimedOp> ops() {
    return List.copyOf(ops);
  }

  /** Forgets the times so far. */
  void forget() {
    ops.forEach(op -> op.nanos().clear());
  }
}
