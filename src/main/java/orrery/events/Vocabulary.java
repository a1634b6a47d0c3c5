package orrery.events;

import java.util.List;

/**
 * The text of every token, as views show a token alone. Comes once, before the first {@link
 * Keyframe}; not if the model has no tokenizer.
 *
 * @param texts [vocab] empty for an id that is no token
 */
public record Vocabulary(long nanos, List<String> texts) implements Event.Books {
  public Vocabulary {
    texts = List.copyOf(texts);
  }
}
