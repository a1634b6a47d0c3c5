package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.SamplingParams;
import orrery.server.HttpServer;
import orrery.server.ServerOptions;
import orrery.server.Serving;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** How a server that serves comes to its end. */
@Timeout(600)
class ServeEndTest {
  private static final Request REQUEST =
      Request.of(new int[] {1, 2, 3}, SamplingParams.defaults().withMaxTokens(5));

  private final StringWriter err = new StringWriter();
  private final CommandSpec spec =
      new CommandLine(new ServeCommand()).setErr(new PrintWriter(err)).getCommandSpec();

  private int exitCode(Engine engine, LoadedModel loaded, Ending ending) throws Exception {
    ServerOptions options = ServerOptions.defaults().withPort(0);
    Serving serving = Serving.of(engine, loaded);
    try (HttpServer http = HttpServer.listen(options, (call, bug) -> {});
        PageServer page = new PageServer(false, loaded, EventSink.NONE)) {
      return ServeEnd.await(serving, http, page, ending, new Reports(spec));
    }
  }

  @Test
  void aBugThatStopsTheEngineEndsTheServerAndIsTold() throws Exception {
    EventSink broken =
        event -> {
          if (event instanceof Event.StepDone) {
            throw new IllegalStateException("a broken sink");
          }
        };
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Engine engine = Engine.start(loaded, EngineOptions.defaults(), broken);
        Ending ending = new Ending()) {
      assertThatThrownBy(() -> engine.submit(REQUEST).join()).hasMessageContaining("a broken sink");
      assertThat(exitCode(engine, loaded, ending)).isEqualTo(1);
      assertThat(err.toString())
          .contains("the engine stopped: this is a bug of Orrery")
          .contains("java.lang.IllegalStateException: a broken sink")
          .contains("ending: new calls are refused");
    }
  }

  @Test
  void whatIsPausedAtTheEndGoesOn() throws Exception {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("bias"));
        Engine engine = Engine.start(loaded, EngineOptions.defaults());
        Ending ending = new Ending()) {
      engine.pause(PauseMode.IN_PLACE).join();
      var waits = engine.submit(REQUEST);
      ending.begin();
      assertThat(exitCode(engine, loaded, ending)).isZero();
      assertThat(waits.join().getFirst().tokens()).isNotEmpty();
      assertThatThrownBy(() -> engine.pause(PauseMode.ABORT)).hasMessageContaining("no more");
    }
  }
}
