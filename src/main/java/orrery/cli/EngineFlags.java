package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine.ArgGroup;

/**
 * The switches of the engine, in groups. No switch changes an answer, with one exception: a {@code
 * --speculative-acceptance} other than {@code coupled}. The flags of dtypes are no switches: they
 * make another model.
 */
final class EngineFlags {
  static final String COMPUTE =
      "%nEngine, computing (only flags named ...-dtype change answers):%n";

  @ArgGroup(validate = false, order = 10, heading = COMPUTE)
  private ComputeFlags compute = new ComputeFlags();

  @ArgGroup(validate = false, order = 11, heading = "%nEngine, memory:%n")
  private MemoryFlags memory = new MemoryFlags();

  @ArgGroup(validate = false, order = 12, heading = "%nEngine, scheduling:%n")
  private ScheduleFlags schedule = new ScheduleFlags();

  @ArgGroup(validate = false, order = 14, heading = "%nEngine, speculation:%n")
  private SpeculationFlags speculation = new SpeculationFlags();

  /**
   * The options that the user asked for.
   *
   * @throws IllegalArgumentException if a value is out of its range, naming the option
   */
  EngineOptions options() {
    return options(Algorithm.OFF);
  }

  /**
   * The same, with another algorithm of speculation if the user names none.
   *
   * @throws IllegalArgumentException if a value is out of its range, naming the option
   */
  EngineOptions options(Algorithm unlessSaid) {
    EngineOptions options = compute.applyTo(EngineOptions.defaults());
    options = schedule.applyTo(memory.applyTo(options));
    return speculation.applyTo(options, unlessSaid);
  }
}
