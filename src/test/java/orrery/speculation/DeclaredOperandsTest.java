package orrery.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.OperandCheck;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.speculation.DraftPicker.How;
import orrery.speculation.Drafter.Order;

/**
 * Every op of every program of a model reads and writes exactly what it declares. The test stands
 * here because a chain of drafts has ops of all packages below.
 */
class DeclaredOperandsTest {
  private static final int ROWS = 8;
  private static final int LEAST_PAGE = 4;
  private static final SamplingParams GREEDY = SamplingParams.defaults().withTemperature(0);

  static Stream<Path> specks() {
    List<Path> rounded =
        List.of(TinyModels.quantised("glm-fp8-block"), TinyModels.quantised("v4-release"));
    return Stream.of(TinyModels.specks(), TinyModels.v4Specks(), rounded).flatMap(List::stream);
  }

  /** A model with two sequences in a cache full of numbers, and the programs that it can run. */
  private static final class Bench implements AutoCloseable {
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
    private final boolean fused; // the programs, or as they are launched

    Bench(Path directory, Kernels kernels, boolean fused) {
      this.fused = fused;
      // Rounds the inputs of quantised products; does nothing if there are none.
      model = Fp8Activations.of(LoadedModel.load(directory).model(), ActivationDtype.FP8);
      KvLayout layout = model.kvLayout(model.hasMtp(), KvDtype.F32);
      page = layout.wholeRows(LEAST_PAGE);
      int slots = 5 * page;
      KvCache cache = new KvCache(layout, page, slots, 2 * slots / page);
      step = new Step(ROWS, 2, 1, kernels);
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
        lanes[i] = new Lane(model.vocab(), new int[9 + i], slots, GREEDY, 0);
        lanes[i].table = cache.newTable();
        cache.reserve(lanes[i].table, slots);
        step.tables[i] = lanes[i].table;
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
      }
    }

    /** Prepares a step of each program, and hands over its ops. */
    void programs(Consumer<List<Op>> each) {
      rows(0);
      each.accept(ops(forward::main, forward.results()));
      if (model.hasMtp()) {
        rows(1);
        fill(forward.mtpInput().data);
        each.accept(ops(forward::mtpKv, forward.mtpResults()));
        each.accept(ops(forward::mtp, forward.mtpResults()));
        each.accept(ops(beginChain(), runner.forMtp(2).mtpResults()));
      }
    }

    private List<Op> ops(Consumer<Launcher> pass, Set<Buffer> results) {
      StepProgram launched = Capture.of(pass);
      return fused
          ? Fusion.apply(launched, FusionRules.ALL, results).program().ops()
          : launched.ops();
    }

    /** One sequence wants so many guesses that it stays, the other one drops out. */
    private Consumer<Launcher> beginChain() {
      List<Order> orders = new ArrayList<>();
      for (int count : new int[] {1000, 2}) {
        Lane lane = lanes[orders.size()];
        MtpDrafts drafts = (MtpDrafts) drafter.start(lane, lane.sampling);
        drafts.first = 3;
        fill(drafts.state);
        drafts.add(drafts.first, null);
        orders.add(new Order(drafts, count));
      }
      chain.begin(orders);
      Forward two = runner.forMtp(2);
      return g -> {
        two.mtp(g);
        g.launch(chain.next(two));
      };
    }

    @Override
    public void close() {
      team.close();
    }
  }

  @ParameterizedTest
  @MethodSource("specks")
  void anOpChangesOnlyWhatItDeclaresAndDependsOnNothingElse(Path directory) {
    for (Kernels kernels : List.of(new ScalarKernels(), new VectorKernels())) {
      for (boolean fused : new boolean[] {false, true}) {
        try (Bench bench = new Bench(directory, kernels, fused)) {
          bench.programs(
              ops -> {
                OperandCheck check = new OperandCheck(bench.step, ops);
                ops.forEach(check::run);
              });
        }
      }
    }
  }

  /** A new op must come in a program above, or it is not checked. */
  @Test
  void noOpOfTheHouseIsMissingAbove() {
    Set<String> checked = new TreeSet<>();
    for (Path directory : specks().toList()) {
      for (boolean fused : new boolean[] {false, true}) {
        try (Bench bench = new Bench(directory, new ScalarKernels(), fused)) {
          bench.programs(ops -> ops.forEach(op -> checked.add(op.getClass().getName())));
        }
      }
    }
    Set<String> all =
        new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("orrery")
                .stream()
                .filter(type -> type.isAssignableTo(Op.class))
                .filter(type -> !type.getModifiers().contains(JavaModifier.ABSTRACT))
                .map(JavaClass::getName)
                .collect(Collectors.toCollection(TreeSet::new));
    assertThat(checked).isEqualTo(all).hasSizeGreaterThan(15);
  }
}
