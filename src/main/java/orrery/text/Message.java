package orrery.text;

import java.util.List;
import java.util.Objects;

/**
 * One turn of a chat.
 *
 * @param role the speaker: {@code system}, {@code user} or {@code assistant}
 * @param content what is said: plain text, never read as markup
 */
public record Message(String role, String content) {
  /** The roles our models know. */
  public static final List<String> ROLES = List.of("system", "user", "assistant");

  /**
   * @throws IllegalArgumentException naming the role, if it is none of {@link #ROLES}
   */
  public Message {
    Objects.requireNonNull(role, "message role: expected a string, found null");
    Objects.requireNonNull(content, "message content: expected a string, found null");
    if (!ROLES.contains(role)) {
      throw new IllegalArgumentException(
          "message role: expected one of " + String.join(", ", ROLES) + ", found \"" + role + "\"");
    }
  }
}
