package orrery.speculation;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.Kernels;
import orrery.kernels.Team;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.Fp8Activations;
import orrery.model.FusionRules;
import orrery.model.GreedyForward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.speculation.DraftPicker.How;
import orrery.speculation.Drafter.Order;

/** A model with two sequences in a cache full of numbers, and the programs that it can run. */
final class ProgramBench implements AutoCloseable {
  private static final int ROWS = 8;
  private static final int LEAST_PAGE = 4;
  private static final SamplingParams GREEDY = SamplingParams.defaults().withTemperature(0);

  /**
   * A program.
   *
   * @param prepare prepares the step, and what lies outside of it
   * @param results buffers that are read when it has run
   */
  record Program(String name, Runnable prepare, Consumer<Launcher> forward, Set<Operand> results) {
    /** The ops as they are launched, or as rules rewrite them. */
    List<Op> ops(boolean fused) {
      StepProgram launched = Capture.of(forward);
      return fused
          ? Fusion.apply(launched, FusionRules.ALL, results).program().ops()
          : launched.ops();
    }
  }

  final Model model;
  final Step step;
  final Forward forward; // of the step's bucket
  final Random random = new Random(11);
  private final MtpDrafter drafter;
  private final MtpChain chain;
  private final ModelRunner runner;
  private final Lane[] lanes = new Lane[2];
  private final Team team = new Team(1);
  private final int page; // P
  private final KvCache cache;

  ProgramBench(Path directory, Kernels kernels, int threads) {
    this(directory, kernels, threads, 0);
  }

  /**
   * A bench with entries on the host, if rows of the model choose any.
   *
   * @param rows a device buffer has the slots that so many rows may choose; 0: all on the device
   */
  ProgramBench(Path directory, Kernels kernels, int threads, int rows) {
    // Rounds the inputs of quantised products; does nothing if there are none.
    model = Fp8Activations.of(LoadedModel.load(directory).model(), ActivationDtype.FP8);
    KvLayout device = model.kvLayout(model.hasMtp(), KvDtype.F32);
    DeviceBuffers buffers =
        rows == 0 ? DeviceBuffers.NONE : new DeviceBuffers(rows * device.chosen(), lanes.length);
    KvLayout layout = device.onHost(buffers);
    page = layout.wholeRows(LEAST_PAGE);
    int slots = 5 * page;
    cache = new KvCache(layout, page, slots, 2 * slots / page);
    step = new Step(ROWS, 2, threads, kernels);
    runner = new ModelRunner(model, cache, team, ROWS, ROWS, false);
    forward = runner.forMtp(ROWS);
    DraftPicker picker =
        new DraftPicker(new Sampler(model.vocab(), new int[0]), How.LIKELIEST, model.vocab());
    drafter = model.hasMtp() ? new MtpDrafter(runner, step, cache, picker) : null;
    chain = new MtpChain(runner, step, picker);
    for (int stream = 0; stream < cache.layout().streams().size(); stream++) {
      fill(cache.rows(stream).floats());
    }
    for (int i = 0; i < 2; i++) {
      SamplingParams params = i == 0 ? GREEDY : SamplingParams.defaults();
      lanes[i] = new Lane(model.vocab(), new int[9 + i], slots, params, 0);
      lanes[i].table = cache.newTable();
      cache.reserve(lanes[i].table, slots);
      step.tables[i] = lanes[i].table;
    }
  }

  /** Both sequences have the device buffers that they had, with nothing in them. */
  void emptyBuffers() {
    for (int i = lanes.length - 1; i >= 0; i--) {
      cache.giveBackBuffer(lanes[i].table);
    }
    for (Lane lane : lanes) { // the buffer that was given back last is taken first
      cache.takeBuffer(lane.table);
    }
  }

  void fill(float[] data) {
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
  }

  /** The end of one page and the middle of another; some rows want logits. */
  void rows(int slotOf) {
    step.clear();
    for (int row = 0; row < 5; row++) {
      int position = row < 3 ? 2 * page - 2 + row : 4 * page - 2 + row;
      int token = random.nextInt(model.vocab());
      step.add(token, position, position + slotOf, row < 3 ? 0 : 1, row % 2 == 0);
      if (row == 2) {
        step.greedy(); // of rows that want logits, some are greedy and some are not
      }
    }
    if (slotOf == 1) {
      fill(forward.mtpInput().data);
    }
  }

  /**
   * The programs that the model can run.
   *
   * @param links of its chain of drafts; ops between them may run several times only in the last
   */
  List<Program> programs(int links) {
    List<Program> programs = new ArrayList<>();
    programs.add(new Program("main", () -> rows(0), forward::main, forward.results()));
    programs.add(new Program("head", () -> rows(0), forward::head, forward.results()));
    if (model.hasMtp()) {
      Set<Operand> results = forward.mtpResults();
      Set<Operand> ofTwo = runner.forMtp(2).mtpResults();
      programs.add(new Program("MTP rows", () -> rows(1), forward::mtpKv, results));
      programs.add(new Program("MTP", () -> rows(1), forward::mtp, results));
      programs.add(new Program("chain", this::beginChain, g -> chain(g, links), ofTwo));
    }
    return programs;
  }

  /** One sequence wants so many guesses that it stays, the other one drops out. */
  private void beginChain() {
    List<Order> orders = new ArrayList<>();
    for (int count : new int[] {1000, 2}) {
      Lane lane = lanes[orders.size()];
      lane.sampling.history().rollback(0);
      MtpDrafts drafts = (MtpDrafts) drafter.start(lane, lane.sampling);
      drafts.first = 3;
      fill(drafts.state);
      drafts.add(drafts.first, null);
      orders.add(new Order(drafts, count));
    }
    chain.begin(orders);
  }

  private void chain(Launcher g, int links) {
    GreedyForward two = runner.forMtp(2);
    for (int link = 0; link < links; link++) {
      two.mtp(g);
      g.launch(chain.next(two));
    }
  }

  @Override
  public void close() {
    team.close();
  }
}
