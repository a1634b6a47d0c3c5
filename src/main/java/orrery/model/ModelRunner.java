package orrery.model;

import java.util.Arrays;
import java.util.function.Function;
import java.util.function.IntFunction;
import orrery.graph.Buckets;
import orrery.graph.Capture;
import orrery.graph.Eager;
import orrery.graph.Executor;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.Team;
import orrery.kv.KvCache;

/**
 * Runs steps of a model: eagerly, or by replaying a program that was captured once per row bucket.
 * Both give the same bits. Replay allocates nothing.
 */
public final class ModelRunner {
  private static final class Bucket {
    final Forward forward;
    StepProgram main; // captured on first use
    StepProgram mtp;
    StepProgram mtpKv;
    StepProgram[] chains = new StepProgram[0]; // [links] several MTP runs in one program

    Bucket(Forward forward) {
      this.forward = forward;
    }
  }

  private final Executor executor;
  private final boolean graph;
  private final Buckets<Bucket> buckets;

  /**
   * @param graph whether to capture and replay programs instead of running ops eagerly
   * @param maxRows rows of the largest step
   * @param maxLogitRows most rows of a step that want logits
   */
  public ModelRunner(
      Model model, KvCache cache, Team team, int maxRows, int maxLogitRows, boolean graph) {
    this.executor = new Executor(team);
    this.graph = graph;
    IntFunction<Forward> bound = model.bind(cache, maxLogitRows);
    this.buckets = new Buckets<>(maxRows, rows -> new Bucket(bound.apply(rows)));
  }

  /** Runs the main model. The result holds states and logits until the next step runs. */
  public Forward run(Step step) {
    Bucket b = buckets.get(step.rows());
    if (graph) {
      if (b.main == null) {
        b.main = Capture.of(b.forward::main);
      }
      b.main.run(executor, step);
    } else {
      b.forward.main(new Eager(executor, step));
    }
    return b.forward;
  }

  /**
   * The forward pass of an MTP step of {@code rows} rows. The caller puts the states that these
   * rows continue into its {@link Forward#mtpInput}.
   */
  public Forward forMtp(int rows) {
    return buckets.get(rows).forward;
  }

  /** Runs the MTP layer on the states that the caller put into {@link #forMtp} of as many rows. */
  public Forward runMtp(Step step) {
    Bucket b = buckets.get(step.rows());
    if (graph) {
      if (b.mtp == null) {
        b.mtp = Capture.of(b.forward::mtp);
      }
      b.mtp.run(executor, step);
    } else {
      b.forward.mtp(new Eager(executor, step));
    }
    return b.forward;
  }

  /**
   * Computes only the MTP layer's cache rows, from the states that the caller put into {@link
   * #forMtp}.
   */
  public void runMtpKv(Step step) {
    Bucket b = buckets.get(step.rows());
    if (graph) {
      if (b.mtpKv == null) {
        b.mtpKv = Capture.of(b.forward::mtpKv);
      }
      b.mtpKv.run(executor, step);
    } else {
      b.forward.mtpKv(new Eager(executor, step));
    }
  }

  /**
   * Runs the MTP layer several times in a row, a chain of drafts. It starts from the states that
   * the caller put into {@link #forMtp}.
   *
   * @param links how many times the layer runs
   * @param next makes the op that prepares the rows of the next link; always the same function for
   *     one runner
   */
  public Forward runMtpChain(Step step, int links, Function<Forward, Op> next) {
    Bucket b = buckets.get(step.rows());
    if (graph) {
      if (b.chains.length <= links) {
        b.chains = Arrays.copyOf(b.chains, links + 1);
      }
      if (b.chains[links] == null) {
        b.chains[links] = Capture.of(g -> chain(g, b.forward, links, next));
      }
      b.chains[links].run(executor, step);
    } else {
      chain(new Eager(executor, step), b.forward, links, next);
    }
    return b.forward;
  }

  /** The captured program of {@link #runMtpChain}, of the bucket for {@code rows} rows. */
  public StepProgram mtpChainProgram(int rows, int links, Function<Forward, Op> next) {
    return Capture.of(g -> chain(g, buckets.get(rows).forward, links, next));
  }

  private static void chain(Launcher g, Forward f, int links, Function<Forward, Op> next) {
    for (int link = 0; link < links; link++) {
      f.mtp(g);
      g.launch(next.apply(f));
    }
  }

  /** Runs the main model eagerly, through a launcher that the caller makes to watch the taps. */
  public Forward run(Step step, java.util.function.BiFunction<Executor, Step, Launcher> watching) {
    Forward forward = buckets.get(step.rows()).forward;
    forward.main(watching.apply(executor, step));
    return forward;
  }

  /** The captured main program of the bucket for {@code rows} rows. */
  public StepProgram program(int rows) {
    return Capture.of(buckets.get(rows).forward::main);
  }

  /** The captured program of {@link #runMtpKv}, of the bucket for {@code rows} rows. */
  public StepProgram mtpKvProgram(int rows) {
    return Capture.of(buckets.get(rows).forward::mtpKv);
  }

  /** The captured MTP program of the bucket for {@code rows} rows. */
  public StepProgram mtpProgram(int rows) {
    return Capture.of(buckets.get(rows).forward::mtp);
  }
}
