package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.server.HttpException;
import orrery.server.Serving;

/** What becomes of a page's pause when pages leave, and of another client's. */
@Timeout(600)
class ControlTest {
  private final Queue<Runnable> later = new ArrayDeque<>(); // what is due after the time of grace
  private final Feed feed = new Feed(100, Long.MAX_VALUE, 1000);
  private LoadedModel loaded;
  private Serving serving;
  private Control control;

  @BeforeEach
  void serve() throws Exception {
    loaded = LoadedModel.load(TinyModels.speck("bias"));
    Engines engines = new NoOthers();
    serving = Serving.of(engines.start(EngineOptions.defaults()), loaded);
    control = new Control(serving, feed, engines, "", later::add);
  }

  @AfterEach
  void close() {
    serving.shutdownNow();
    serving.close();
    loaded.close();
  }

  private final class NoOthers implements Engines {
    @Override
    public List<Flag> flags() {
      return List.of();
    }

    @Override
    public EngineOptions read(String flags) {
      return EngineOptions.defaults();
    }

    @Override
    public Engine start(EngineOptions options) {
      return Engine.start(loaded, options, feed);
    }

    @Override
    public String explained(String message) {
      return message;
    }
  }

  private void clientPauses() {
    serving.engine().pause(PauseMode.IN_PLACE).join();
  }

  /** Lets the time of grace pass; returns whether the engine is paused after it. */
  private boolean pausedAfterGrace() {
    for (Runnable due = later.poll(); due != null; due = later.poll()) {
      due.run();
    }
    serving.engine().flushCache().join(); // what was asked for before has been done
    return feed.pauses().now();
  }

  @Test
  void whatAPageStoppedGoesOnWhenTheLastPageHasGone() {
    control.pages().come();
    control.pages().come();
    control.pause();
    control.pages().leave();
    assertThat(pausedAfterGrace()).as("a page is open").isTrue();
    control.pages().leave();
    assertThat(pausedAfterGrace()).isFalse();
  }

  @Test
  void aPageThatCameBackAndLeftAgainHasItsWholeTime() {
    control.pages().come();
    control.pause();
    control.pages().leave();
    control.pages().come();
    control.pages().leave();
    assertThat(later).hasSize(2);
    later.remove().run(); // the first leaving's
    serving.engine().flushCache().join();
    assertThat(feed.pauses().now()).isTrue();
    assertThat(pausedAfterGrace()).isFalse();
  }

  @Test
  void aPauseWithoutAPageDoesNotLast() {
    control.pause();
    assertThat(feed.pauses().now()).isTrue();
    assertThat(pausedAfterGrace()).isFalse();
  }

  @Test
  void anotherClientsPauseStaysWhenPagesLeave() {
    clientPauses();
    control.pause();
    assertThat(pausedAfterGrace()).as("the client was first").isTrue();
    serving.engine().resume().join();
    control.pause();
    serving.engine().resume().join();
    clientPauses();
    assertThat(pausedAfterGrace()).as("the page's pause had ended").isTrue();
    serving.engine().resume().join();
    assertThat(feed.pauses().now()).isFalse();
  }

  @Test
  void nothingIsLeftToDoWhenTheServerHasEnded() {
    control.pages().come();
    control.pause();
    control.pages().leave();
    serving.close();
    later.remove().run();
    assertThat(feed.pauses().now()).isFalse();
  }

  @Test
  void pagesHaveALimit() {
    for (int i = 0; i < 32; i++) {
      control.pages().come();
    }
    assertThatThrownBy(() -> control.pages().come())
        .isInstanceOf(HttpException.class)
        .hasMessage("pages: expected at most 32 open, found more");
    control.pages().leave();
    control.pages().come();
    assertThat(control.pages().open()).isEqualTo(32);
  }
}
