package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.StepProgram;

/**
 * A program of one step, and how long it took each time.
 *
 * @param handOvers how often it hands work over to its team
 * @param bytes that its ops read and write in buffers
 * @param micros of a step, of each time
 */
record FusedTimes(
    String name, StepProgram program, int handOvers, long bytes, List<Double> micros) {
  private static final int STEPS = 8; // that are timed together

  static FusedTimes of(String name, StepProgram program, DecodeStep step) {
    long bytes = program.ops().stream().mapToLong(op -> bytes(op, step)).sum();
    return new FusedTimes(name, program, step.handOvers(program), bytes, new ArrayList<>());
  }

  private static long bytes(Op op, DecodeStep step) {
    return Stream.of(op.reads(), op.writes())
        .flatMap(List::stream)
        .filter(Buffer.class::isInstance)
        .mapToLong(b -> step.bytes((Buffer) b))
        .sum();
  }

  /** Runs it some times, and keeps the mean time. */
  void time(DecodeStep step) {
    long start = System.nanoTime();
    for (int i = 0; i < STEPS; i++) {
      step.run(program);
    }
    micros.add((System.nanoTime() - start) / 1e3 / STEPS);
  }

  Spread spread() {
    return Spread.of(micros.stream().mapToDouble(d -> d).toArray());
  }

  /** How many times as fast it is as another one, round by round. */
  Spread over(FusedTimes other) {
    double[] ratios = new double[micros.size()];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = other.micros.get(i) / micros.get(i);
    }
    return Spread.of(ratios);
  }
}
