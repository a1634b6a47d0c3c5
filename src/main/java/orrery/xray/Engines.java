package orrery.xray;

import java.util.List;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;

/** Starts engines as a page asks for them: by flags, as they are written on the command line. */
public interface Engines {
  /**
   * A flag that an engine may be started with.
   *
   * @param name with its dashes
   * @param value what follows it, such as {@code N}; empty if nothing does
   * @param help what it means
   */
  record Flag(String name, String value, String help) {}

  /** Every flag that there is. */
  List<Flag> flags();

  /**
   * The options that flags say.
   *
   * @throws IllegalArgumentException with the words of the command line, if they are wrong
   */
  EngineOptions read(String flags);

  /**
   * Starts an engine of the model that is served.
   *
   * @throws IllegalArgumentException if an option does not fit the model or the memory
   */
  Engine start(EngineOptions options);

  /** The message of such an error, with flags in the place of options. */
  String explained(String message);
}
