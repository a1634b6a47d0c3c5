package orrery.server;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillSide;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.Request;
import orrery.openai.Bootstrap;
import orrery.openai.FieldException;

/**
 * The part of each request that a server does: all of it, its prompt, or what follows the prompt.
 */
public sealed interface Part {
  /** As SGLang's {@code disaggregation_mode} says it. */
  String mode();

  /**
   * Hands requests to the engine, all or none.
   *
   * @param rooms [requests]
   * @throws FieldException if the other half of a request cannot be found
   */
  List<Completion> submit(Engine engine, List<Request> requests, List<Bootstrap> rooms);

  /** The server answers alone; what a body says of another server has no meaning. */
  record Whole() implements Part {
    @Override
    public String mode() {
      return "null";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, List<Bootstrap> rooms) {
      return engine.submit(requests);
    }
  }

  /** The server computes prompts. */
  record Prefill(PrefillSide side) implements Part {
    @Override
    public String mode() {
      return "prefill";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, List<Bootstrap> rooms) {
      return each(requests, rooms, (request, room) -> side.submit(request, room(room)));
    }
  }

  /**
   * The server goes on behind prompts.
   *
   * @param port of a prefill server for which the body names none
   */
  record Decode(DecodeSide side, int port) implements Part {
    @Override
    public String mode() {
      return "decode";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, List<Bootstrap> rooms) {
      return each(
          requests,
          rooms,
          (request, room) -> {
            String expected = "the host of the server that computes the prompt";
            String host =
                room.host().orElseThrow(() -> new FieldException(Bootstrap.HOST, expected, "none"));
            return side.submit(request, host, room.port().orElse(port), room(room));
          });
    }
  }

  private static long room(Bootstrap bootstrap) {
    OptionalLong room = bootstrap.room();
    String expected = "the room of the request, since this server does one part of it";
    return room.orElseThrow(() -> new FieldException(Bootstrap.ROOM, expected, "none"));
  }

  /** Submits one after the other; if one is refused, those before it are cancelled. */
  private static List<Completion> each(
      List<Request> requests,
      List<Bootstrap> rooms,
      BiFunction<Request, Bootstrap, Completion> submit) {
    List<Completion> taken = new ArrayList<>();
    boolean all = false;
    try {
      for (int i = 0; i < requests.size(); i++) {
        taken.add(submit.apply(requests.get(i), rooms.get(i)));
      }
      all = true;
    } finally {
      if (!all) {
        taken.forEach(Completion::cancel);
      }
    }
    return taken;
  }
}
