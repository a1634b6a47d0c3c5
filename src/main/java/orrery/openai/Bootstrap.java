package orrery.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Where the other half of a prompt is, if one server computes it and another one decodes. A router
 * adds these fields: {@code bootstrap_host}, {@code bootstrap_port} and {@code bootstrap_room},
 * each one value, or a list with one for each prompt. One room for several prompts is that of the
 * first prompt; prompt i has room + i.
 *
 * @param host of the server that computes the prompt
 * @param port at which it lets the other one call
 * @param room names the prompt on both servers
 */
public record Bootstrap(Optional<String> host, OptionalInt port, OptionalLong room) {
  /** The name of the room's field. */
  public static final String ROOM = "bootstrap_room";

  /** The name of the host's field. */
  public static final String HOST = "bootstrap_host";

  private static final String PORT = "bootstrap_port";

  /**
   * Reads the fields of each prompt.
   *
   * @throws FieldException if a list has another length, or a value another type
   */
  public static List<Bootstrap> read(Fields body, int prompts) {
    List<Bootstrap> all = new ArrayList<>();
    for (int i = 0; i < prompts; i++) {
      all.add(
          new Bootstrap(
              Optional.ofNullable(own(body, HOST, i, prompts).stringOr(HOST, null)),
              port(own(body, PORT, i, prompts)),
              room(body, i, prompts)));
    }
    return List.copyOf(all);
  }

  /** One room for several prompts is that of the first; the others have the next (SGLang, too). */
  private static OptionalLong room(Fields body, int at, int prompts) {
    Fields own = own(body, ROOM, at, prompts);
    OptionalLong room = own.longOrNone(ROOM);
    return own == body && room.isPresent() ? OptionalLong.of(room.getAsLong() + at) : room;
  }

  private static OptionalInt port(Fields own) {
    int port = own.intOr(PORT, -1);
    if (own.has(PORT) && (port < 1 || port > 0xFFFF)) {
      own.fail(PORT, "a port from 1 to 65535");
    }
    return port < 0 ? OptionalInt.empty() : OptionalInt.of(port);
  }

  /** An object with the field as the prompt has it. */
  private static Fields own(Fields body, String name, int at, int prompts) {
    if (!body.has(name) || !(body.value(name, "") instanceof List<?> items)) {
      return body;
    }
    if (items.size() != prompts) {
      throw new FieldException(
          name, "one value, or a list of " + prompts + ", as there are prompts", items.size() + "");
    }
    return Fields.of("", Map.of(name, items.get(at)));
  }
}
