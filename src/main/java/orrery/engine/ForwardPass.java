package orrery.engine;

import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.kernels.KernelSwitch;
import orrery.model.GreedyForward;
import orrery.model.ModelRunner;

/** Runs the model over the rows of a step, with the kernels that their number wants. */
record ForwardPass(ModelRunner runner, KernelSwitch kernels, Workspace workspace) {
  /** Computes the states and logits of a step. */
  GreedyForward run(Step step) {
    try {
      return runPlain(step);
    } catch (OutOfMemoryError e) { // a bucket's buffers are made when they are first needed
      throw Heap.during("computing a step of " + step.rows() + " rows", e);
    }
  }

  /** The same; if memory runs out, the caller says what it was doing. */
  GreedyForward runPlain(Step step) {
    kernels.next(step.rows(), workspace::kernels);
    return runner.run(step);
  }
}
