package orrery.openai;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Where the other half of a prompt is, if one server computes it and another one decodes. A router
 * adds these fields: {@code bootstrap_host}, {@code bootstrap_port} and {@code bootstrap_room},
 * each one value, or a list with one for each prompt or for each choice. A prompt takes the value
 * of its first choice. One room for several prompts is that of the first prompt; prompt i has room
 * + i.
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

  /** The fields of a body, unread: a server of whole requests does not look at them. */
  public static Fields in(Fields body) {
    Map<String, Object> found = new HashMap<>();
    for (String name : List.of(HOST, PORT, ROOM)) {
      if (body.has(name)) {
        found.put(name, body.value(name, ""));
      }
    }
    return Fields.of("", found);
  }

  /**
   * Reads the fields of each prompt.
   *
   * @param choices of each prompt
   * @throws FieldException if a list has another length, or a value another type
   */
  public static List<Bootstrap> read(Fields body, int prompts, int choices) {
    Each each = new Each(body, prompts, choices);
    List<Bootstrap> all = new ArrayList<>();
    for (int i = 0; i < prompts; i++) {
      all.add(
          new Bootstrap(
              Optional.ofNullable(each.own(HOST, i).stringOr(HOST, null)),
              port(each.own(PORT, i)),
              each.room(i)));
    }
    return List.copyOf(all);
  }

  private static OptionalInt port(Fields own) {
    int port = own.intOr(PORT, -1);
    if (own.has(PORT) && (port < 1 || port > 0xFFFF)) {
      own.fail(PORT, "a port from 1 to 65535");
    }
    return port < 0 ? OptionalInt.empty() : OptionalInt.of(port);
  }

  /** The fields of each prompt of a body. */
  private record Each(Fields body, int prompts, int choices) {
    /** An object with the field as the prompt has it. */
    Fields own(String name, int at) {
      if (!body.has(name) || !(body.value(name, "") instanceof List<?> items)) {
        return body;
      }
      int all = prompts * choices; // SGLang's router counts the choices of a chat as prompts
      if (items.size() != prompts && items.size() != all) {
        String expected = "one value, or a list of " + prompts + ", as there are prompts";
        String more = all == prompts ? "" : ", or of " + all + ", as there are choices";
        throw new FieldException(name, expected + more, items.size() + "");
      }
      return Fields.of("", Map.of(name, items.get(at * (items.size() / prompts))));
    }

    /**
     * One room for several prompts is that of the first; the others have the next (SGLang, too).
     */
    OptionalLong room(int at) {
      Fields own = own(ROOM, at);
      OptionalLong room = own.longOrNone(ROOM);
      return own == body && room.isPresent() ? OptionalLong.of(room.getAsLong() + at) : room;
    }
  }
}
