package orrery.engine;

/**
 * What a pause does with the requests that are in the engine; the names are SGLang's. Whatever the
 * mode is, requests that come during the pause wait.
 */
public enum PauseMode {
  /** They stay as they are, and go on later. */
  IN_PLACE,
  /** Those that run give up their pages and wait; later they compute their tokens again. */
  RETRACT,
  /** They end, and their tokens so far are their answers. */
  ABORT
}
