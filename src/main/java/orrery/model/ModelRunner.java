package orrery.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntFunction;
import orrery.graph.Buckets;
import orrery.graph.Capture;
import orrery.graph.Eager;
import orrery.graph.Executor;
import orrery.graph.Fusion;
import orrery.graph.FusionRule;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.Team;
import orrery.kv.Arrival;
import orrery.kv.KvCache;

/**
 * Runs steps of a model: eagerly, or by replaying a program that was captured once per row bucket.
 * Both give the same bits. Replay allocates nothing.
 */
public final class ModelRunner {
  /** A piece of a forward pass that is captured as one program. */
  private interface Pass {
    void launch(GreedyForward forward, Launcher g);

    /** What is read when the pass has run. */
    Set<Operand> results(GreedyForward forward);
  }

  /** The passes that are the same for every runner. */
  private enum Fixed implements Pass {
    MAIN,
    HEAD,
    MTP,
    MTP_KV;

    @Override
    public void launch(GreedyForward forward, Launcher g) {
      switch (this) {
        case MAIN -> forward.main(g);
        case HEAD -> forward.head(g);
        case MTP -> forward.mtp(g);
        case MTP_KV -> forward.mtpKv(g);
      }
    }

    @Override
    public Set<Operand> results(GreedyForward forward) {
      return this == MAIN || this == HEAD ? forward.results() : forward.mtpResults();
    }
  }

  /** So many runs of the MTP layer, and behind each the op that prepares the next one. */
  private record Chain(int runs, Function<GreedyForward, Op> next) implements Pass {
    @Override
    public void launch(GreedyForward forward, Launcher g) {
      for (int link = 0; link < runs; link++) {
        forward.mtp(g);
        g.launch(next.apply(forward));
      }
    }

    @Override
    public Set<Operand> results(GreedyForward forward) {
      return forward.mtpResults();
    }
  }

  private final class Bucket {
    final int rows;
    final GreedyForward forward;
    final Map<Pass, StepProgram> programs = new HashMap<>(); // captured on first use

    Bucket(int rows, Forward forward) {
      this.rows = rows;
      this.forward = new GreedyForward(forward);
    }

    StepProgram program(Pass pass) {
      StepProgram program = programs.get(pass); // computeIfAbsent would allocate its function
      if (program == null) {
        program = Capture.of(g -> pass.launch(forward, g));
        if (fusion) {
          List<FusionRule> rules = FusionRules.of(rows, executor.threads());
          program = Fusion.apply(program, rules, pass.results(forward)).program();
        }
        program = regions ? program.inRegions(rows, executor.threads()) : program;
        programs.put(pass, program);
      }
      return program;
    }
  }

  private final Executor executor;
  private final boolean graph;
  private final boolean fusion;
  private final boolean regions;
  private final Buckets<Bucket> buckets;
  private final List<Pass> chains = new ArrayList<>(); // [links] that many MTP runs in a row

  /** A runner whose captured programs are fused and run in regions. */
  public ModelRunner(
      Model model, KvCache cache, Team team, int maxRows, int maxLogitRows, boolean graph) {
    this(model, cache, team, maxRows, maxLogitRows, graph, true);
  }

  /** As below; captured programs run in regions. */
  public ModelRunner(
      Model model,
      KvCache cache,
      Team team,
      int maxRows,
      int maxLogitRows,
      boolean graph,
      boolean fusion) {
    this(model, cache, team, maxRows, maxLogitRows, graph, fusion, true);
  }

  /**
   * @param graph whether to capture and replay programs instead of running ops eagerly
   * @param fusion whether captured programs are rewritten by {@link FusionRules}
   * @param maxRows rows of the largest step
   * @param maxLogitRows most rows of a step that want logits
   * @param regions whether the ops of a captured program share hand-overs
   */
  public ModelRunner(
      Model model,
      KvCache cache,
      Team team,
      int maxRows,
      int maxLogitRows,
      boolean graph,
      boolean fusion,
      boolean regions) {
    this.executor = new Executor(team);
    this.graph = graph;
    this.fusion = fusion;
    this.regions = regions;
    IntFunction<Forward> bound = model.bind(cache, maxLogitRows);
    this.buckets = new Buckets<>(maxRows, rows -> new Bucket(rows, bound.apply(rows)));
  }

  /**
   * Runs the main model. The result holds states, logits, and the highest logits of greedy rows,
   * until the next step runs. When this returns, all pages of the step are there: other passes,
   * which have steps of their own, need not wait.
   */
  public GreedyForward run(Step step) {
    GreedyForward forward = run(Fixed.MAIN, step);
    step.arrival().await(Arrival.EVERY_STREAM);
    return forward;
  }

  /**
   * Computes the logits of the rows that want them now, from the states that {@link #run} has just
   * left for this step.
   */
  public void runHead(Step step) {
    run(Fixed.HEAD, step);
  }

  /**
   * The forward pass of an MTP step of {@code rows} rows. The caller puts the states that these
   * rows continue into its {@link Forward#mtpInput}.
   */
  public GreedyForward forMtp(int rows) {
    return buckets.get(rows).forward;
  }

  /** Runs the MTP layer on the states that the caller put into {@link #forMtp} of as many rows. */
  public GreedyForward runMtp(Step step) {
    return run(Fixed.MTP, step);
  }

  /**
   * Computes only the MTP layer's cache rows, from the states that the caller put into {@link
   * #forMtp}.
   */
  public void runMtpKv(Step step) {
    run(Fixed.MTP_KV, step);
  }

  /**
   * Runs the MTP layer several times in a row, a chain of drafts. It starts from the states that
   * the caller put into {@link #forMtp}.
   *
   * @param links how many times the layer runs
   * @param next makes the op that prepares the rows of the next link; always the same function for
   *     one runner
   */
  public GreedyForward runMtpChain(Step step, int links, Function<GreedyForward, Op> next) {
    return run(chain(links, next), step);
  }

  private Pass chain(int links, Function<GreedyForward, Op> next) {
    while (chains.size() <= links) {
      chains.add(new Chain(chains.size(), next));
    }
    return chains.get(links);
  }

  private GreedyForward run(Pass pass, Step step) {
    Bucket b = buckets.get(step.rows());
    if (graph) {
      b.program(pass).run(executor, step);
    } else {
      pass.launch(b.forward, new Eager(executor, step));
    }
    return b.forward;
  }

  /** The captured program of {@link #runMtpChain}, of the bucket for {@code rows} rows. */
  public StepProgram mtpChainProgram(int rows, int links, Function<GreedyForward, Op> next) {
    return buckets.get(rows).program(chain(links, next));
  }
}
