package orrery.speculation;

import java.util.List;

/**
 * What a drafter knows of a sequence beside its tokens and its cached rows, so that the drafter of
 * another engine can go on. An MTP layer reads the states that the main model hands over; so a
 * state is as wide as those of the <em>main</em> model, whatever the layer's own width is.
 *
 * @param written the rows of tokens before this one are in the cache
 * @param states [tokens][width] of the main model, of the newest computed tokens
 */
public record DrafterState(int written, List<float[]> states) {
  /** Of a drafter that knows nothing beside the tokens. */
  public static final DrafterState NONE = new DrafterState(0, List.of());

  public DrafterState {
    states = List.copyOf(states);
  }
}
