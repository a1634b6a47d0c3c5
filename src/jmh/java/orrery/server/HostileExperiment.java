package orrery.server;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.sampling.SamplingParams;
import orrery.server.HostileRequests.Hostile;

/**
 * How much hostile requests delay the engine: the time from one step of a story to the next, alone
 * and while eight clients attack the server. Rounds take turns in one JVM; the attackers are a
 * process of their own, as clients are. An argument: threads of the engine.
 */
public final class HostileExperiment {
  private static final int MAX_BODY = 32 << 10;
  private static final int CLIENTS = 8;
  private static final int ROUNDS = 10; // of each way; two more come first, to compile
  private static final int TOKENS = 1500; // of a round's story
  private static final int ATTACK = 1; // to the attackers' process
  private static final int REST = 0;

  private static final List<Long> STEPS = new ArrayList<>(); // when steps ended, nanoseconds

  private HostileExperiment() {}

  public static void main(String[] args) throws Exception {
    ServerOptions options = ServerOptions.defaults().withPort(0).withMaxBody(MAX_BODY);
    EngineOptions engineOptions =
        args.length == 0
            ? EngineOptions.defaults()
            : EngineOptions.defaults().withCompute(c -> c.withThreads(Integer.parseInt(args[0])));
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
        Engine engine = Engine.start(loaded, engineOptions, HostileExperiment::note);
        HttpServer server =
            HttpServer.listen(options, (call, thrown) -> thrown.printStackTrace())) {
      Serving serving = Serving.of(engine, loaded);
      Routes routes = new OpenAiRoutes(serving).addTo(new Routes());
      server.open(new SglangRoutes(serving).addTo(routes));
      int[] prompt = loaded.requireTokenizer().encode("Once upon a time");
      List<Double> alone = new ArrayList<>();
      List<Double> attacked = new ArrayList<>();
      Process attackers = attackers(server.port());
      for (int round = -2; round < ROUNDS; round++) {
        List<Double> quiet = gaps(engine, prompt);
        List<Double> loud = attacked(engine, prompt, attackers);
        if (round >= 0) {
          alone.addAll(quiet);
          attacked.addAll(loud);
        }
      }
      attackers.destroy();
      say("alone", alone);
      say("attacked", attacked);
    }
  }

  private static void note(Event event) {
    if (event instanceof Event.StepDone step) {
      STEPS.add(step.nanos());
    }
  }

  /** Milliseconds from step to step of one story. */
  private static List<Double> gaps(Engine engine, int[] prompt) {
    STEPS.clear();
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(TOKENS).withIgnoreEos(true).withSeed(1);
    engine.submit(Request.of(prompt, params)).join();
    engine.flushCache().join();
    List<Double> gaps = new ArrayList<>();
    for (int i = 1; i < STEPS.size(); i++) {
      gaps.add((STEPS.get(i) - STEPS.get(i - 1)) / 1e6);
    }
    return gaps;
  }

  private static List<Double> attacked(Engine engine, int[] prompt, Process attackers)
      throws IOException {
    tell(attackers, ATTACK);
    attackers.getInputStream().read(); // they have begun
    List<Double> gaps = gaps(engine, prompt);
    tell(attackers, REST);
    attackers.getInputStream().read(); // their last calls are answered
    return gaps;
  }

  private static void tell(Process attackers, int what) throws IOException {
    attackers.getOutputStream().write(what);
    attackers.getOutputStream().flush();
  }

  private static Process attackers(int port) throws IOException {
    List<String> command = new ArrayList<>(List.of("nice", "-n", "19")); // as if on another machine
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "-Xmx256m"));
    command.addAll(List.of(Attackers.class.getName(), Integer.toString(port)));
    return new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
  }

  /** The other process: eight clients, who attack and rest as they are told on standard input. */
  static final class Attackers {
    private static volatile boolean enough;

    private Attackers() {}

    public static void main(String[] args) throws Exception {
      int port = Integer.parseInt(args[0]);
      long seed = 1;
      while (System.in.read() == ATTACK) {
        enough = false;
        try (ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
          for (int i = 0; i < CLIENTS; i++) {
            long own = seed++;
            clients.submit(() -> attack(port, own));
          }
          say();
          System.in.read(); // REST, or the end
          enough = true;
        }
        say();
      }
    }

    private static void say() {
      System.out.write('.');
      System.out.flush();
    }

    private static Void attack(int port, long seed) throws IOException {
      HostileRequests requests = new HostileRequests(seed, MAX_BODY);
      while (!enough) {
        try (RawClient client = new RawClient(port)) {
          Hostile hostile = requests.next();
          client.send(hostile.bytes());
          if (!hostile.half()) {
            client.reply();
          }
        } catch (SocketException closed) {
          // as the server may do with such requests
        }
      }
      return null;
    }
  }

  private static void say(String what, List<Double> gaps) {
    double[] sorted = gaps.stream().mapToDouble(g -> g).sorted().toArray();
    System.out.printf(
        Locale.ROOT,
        "%-10s %6d steps; ms between them: median %.3f, 99 %% %.3f, 99.9 %% %.3f, longest %.3f%n",
        what,
        sorted.length,
        sorted[sorted.length / 2],
        sorted[(int) (sorted.length * 0.99)],
        sorted[(int) (sorted.length * 0.999)],
        Arrays.stream(sorted).max().orElseThrow());
  }
}
