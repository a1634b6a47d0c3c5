package orrery.server;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillHosts;
import orrery.disagg.PrefillSide;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.Request;
import orrery.openai.Bootstrap;
import orrery.openai.FieldException;
import orrery.openai.Fields;

/** What a server does of each request: all of it, its prompt, or what follows the prompt. */
public sealed interface Role {
  /** As SGLang's {@code disaggregation_mode} says it. */
  String mode();

  /**
   * Hands requests to the engine, all or none.
   *
   * @param bootstrap the fields of {@link Bootstrap}, unread
   * @throws FieldException if they do not say where the other half of a request is
   */
  List<Completion> submit(Engine engine, List<Request> requests, Fields bootstrap);

  /** The server answers alone; what a body says of another server has no meaning. */
  record Whole() implements Role {
    @Override
    public String mode() {
      return "null";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, Fields bootstrap) {
      return engine.submit(requests);
    }
  }

  /** The server computes prompts. */
  record Prefill(PrefillSide side) implements Role {
    @Override
    public String mode() {
      return "prefill";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, Fields bootstrap) {
      return each(requests, bootstrap, (request, at) -> side.submit(request, room(at)));
    }
  }

  /**
   * The server goes on behind prompts.
   *
   * @param hosts that a body may name, with their ports
   * @param port of a prefill server for which the body names none
   */
  record Decode(DecodeSide side, PrefillHosts hosts, int port) implements Role {
    @Override
    public String mode() {
      return "decode";
    }

    @Override
    public List<Completion> submit(Engine engine, List<Request> requests, Fields bootstrap) {
      return each(requests, bootstrap, this::submit);
    }

    private Completion submit(Request request, Bootstrap at) {
      int called = at.port().orElse(port);
      return side.submit(request, host(at, called), called, room(at));
    }

    private String host(Bootstrap at, int called) {
      String server = "the host of the server that computes the prompt";
      String host = at.host().orElseThrow(() -> new FieldException(Bootstrap.HOST, server, "none"));
      if (!hosts.allow(host, called)) {
        String expected =
            "port "
                + hosts.port()
                + " of this machine, or a host of --disaggregation-prefill-hosts";
        String found = Fields.shown(host) + " with port " + called;
        throw new FieldException(Bootstrap.HOST, expected, found);
      }
      return host;
    }
  }

  private static long room(Bootstrap bootstrap) {
    OptionalLong room = bootstrap.room();
    String expected = "the room of the request, since this server does not do all of it";
    return room.orElseThrow(() -> new FieldException(Bootstrap.ROOM, expected, "none"));
  }

  /** Submits one after the other; if one is refused, those before it are cancelled. */
  private static List<Completion> each(
      List<Request> requests, Fields bootstrap, BiFunction<Request, Bootstrap, Completion> submit) {
    int choices = requests.getFirst().params().n();
    List<Bootstrap> where = Bootstrap.read(bootstrap, requests.size(), choices);
    List<Completion> taken = new ArrayList<>();
    boolean all = false;
    try {
      for (int i = 0; i < requests.size(); i++) {
        taken.add(submit.apply(requests.get(i), where.get(i)));
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
