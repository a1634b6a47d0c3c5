package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import orrery.cli.XrayServer;
import orrery.engine.EngineOptions;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.Keyframe.CachedBlock;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;
import orrery.sampling.SamplingParams;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** The X-ray page in a real browser, beside the engine that it shows. */
class XrayPageTest {
  private static final Path CLASSIC = Path.of("tiny-models/storyteller-moe");
  private static final Path WINDOWS = Path.of("tiny-models/storyteller-v4");
  private static final long SEED = Long.getLong("orrery.xray.seed", 14);

  @TempDir private Path directory;
  private static Browser browser;
  private LivePage live;
  private Screen screen;

  @BeforeAll
  static void openABrowser() {
    browser = Browser.open();
  }

  @AfterAll
  static void closeTheBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  @AfterEach
  void nothingWentWrong() {
    if (live != null) {
      List<String> errors = browser.errors();
      List<Throwable> bugs = live.bugs();
      browser.go("about:blank");
      live.close();
      assertThat(errors).as("errors on the console of the page").isEmpty();
      assertThat(bugs).as("bugs of the server").isEmpty();
    }
  }

  /** Little memory, requests admitted too boldly, and drafts. */
  private static EngineOptions tight() {
    return drafts()
        .withKv(kv -> kv.withPageSize(16).withMaxTotalTokens(512))
        .withBatching(b -> b.withScheduleConservativeness(0.1));
  }

  private static EngineOptions drafts() {
    return EngineOptions.defaults()
        .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(3));
  }

  private void open(Path model, EngineOptions options, int width, boolean dark) throws Exception {
    browser.look(width, width == 1280 ? 900 : 844, dark);
    live = new LivePage(model, options);
    screen = new Screen(browser, live);
    browser.go(live.address());
    browser.until("the model's name", () -> browser.one("#model").getText().startsWith("storyt"));
    browser.until("the loads", () -> !browser.all("[data-load=dozen]").isEmpty());
    // Tests in the same browser must not see what others have closed, or where they have scrolled.
    browser.js("localStorage.clear(); scrollTo(0, 0);");
  }

  private long count(Predicate<Event> what) {
    return live.events().stream().filter(what).count();
  }

  private void start(String load) {
    WebElement button = browser.one("button[data-load=" + load + "]");
    requireSeen(button);
    button.click();
  }

  /** Waits until all answers have ended and the page has drawn the newest step. */
  private void awaitEnd(int answers) {
    browser.until(
        answers + " answers, and then nothing",
        () -> count(e -> e instanceof Event.Finished) >= answers && live.idle());
    screen.awaitStep(live.newest());
  }

  /** Waits until a recording is there to its last step, and stands at its beginning. */
  private void awaitRecording(long last) {
    browser.until(
        "all steps, and none is shown",
        () -> !browser.all("[data-mode]").isEmpty() && range() == last && screen.step() == -1);
  }

  /** Ends what moves, such as colours on their way to another theme, once it has begun to. */
  private static void settle() {
    browser.await(TWO_FRAMES);
    browser.js("document.getAnimations().forEach(a => a.finish())");
  }

  /** The newest step to which the time bar goes. */
  private long range() {
    return browser.number("return Number(document.querySelector('[data-action=seek]').max)");
  }

  private void seek(long step) {
    browser.js(
        """
        const slider = document.querySelector('[data-action=seek]');
        slider.value = arguments[0];
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        """,
        step);
  }

  /** Scrolls to an element and requires that it is really seen: of some size, inside the window. */
  private void requireSeen(WebElement element) {
    browser.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element);
    String what = element.getDomProperty("outerHTML");
    assertThat(element.isDisplayed()).as(what).isTrue();
    Object hit =
        browser.js(
            """
            const box = arguments[0].getBoundingClientRect();
            if (box.width < 2 || box.height < 2) { return 'too small: ' + box.width + 'x' + box.height; }
            const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            const near = top && (arguments[0].contains(top) || top.contains(arguments[0]));
            return near ? 'seen' : 'hidden behind ' + (top && top.outerHTML);
            """,
            element);
    assertThat(hit).as(what).isEqualTo("seen");
  }

  @Test
  void everyStepIsDrawnAsTheEngineHadItNowAndBackInTime() throws Exception {
    open(CLASSIC, tight(), 1280, false);
    browser.press(" ");
    browser.until("the engine is paused", () -> count(e -> e instanceof Event.Paused) == 1);
    browser.until("so the page says", () -> !browser.all("[data-paused]").isEmpty());
    start("tight-memory");
    browser.until("eight lanes", () -> browser.all(".lane-list [data-lane]").size() == 8);
    for (int step = 0; step < 4; step++) {
      browser.press(Keys.ARROW_RIGHT);
      screen.requireStep(step);
      assertThat(live.newest()).as("a key is one step of the engine").isEqualTo(step);
    }
    browser.press(" "); // goes on
    browser.until("more steps", () -> live.newest() > 12);
    browser.press(Keys.ARROW_LEFT); // the page stands, and the engine goes on
    browser.until(
        "the page stands", () -> !browser.all("[data-action=live][aria-pressed=false]").isEmpty());
    long stands = screen.step();
    screen.requireStep(stands);
    browser.press("l");
    awaitEnd(8);
    screen.requireStep(live.newest());
    Random random = new Random(SEED);
    System.out.printf("x-ray page: %d steps, seed %d%n", live.newest() + 1, SEED);
    for (int i = 0; i < 12; i++) {
      long step = random.nextLong(live.newest() + 1);
      seek(step);
      screen.requireStep(step);
    }
    seek(7);
    screen.requireStep(7);
    browser.press(Keys.ARROW_LEFT);
    screen.requireStep(6);
    browser.press(Keys.ARROW_RIGHT);
    browser.press(Keys.ARROW_RIGHT);
    screen.requireStep(8);
    browser.press(Keys.HOME);
    screen.awaitStep(-1);
    assertThat(browser.one("#step").getText()).contains("No step yet");
    browser.press(Keys.END);
    screen.requireStep(live.newest());
  }

  @Test
  void aRetractionAndARejectedDraftAreOnTheScreen() throws Exception {
    open(CLASSIC, tight(), 1280, false);
    start("tight-memory");
    awaitEnd(8);
    assertThat(count(e -> e instanceof Event.Retracted)).isPositive();
    Event.Verified wrong =
        live.events().stream()
            .filter(e -> e instanceof Event.Verified v && v.judged() > v.accepted())
            .map(Event.Verified.class::cast)
            .findFirst()
            .orElseThrow();
    browser.press(Keys.HOME);
    screen.awaitStep(-1);
    browser.js(
        """
        const kind = document.querySelector('[data-action=kind]');
        kind.value = 'retracted';
        kind.dispatchEvent(new Event('change', {bubbles: true}));
        """);
    browser.one("[data-action=jump-on]").click();
    String retracted = ".lane-list .cell:not([data-ahead]):has(> [data-cell=retracted])";
    browser.until("a retraction in the lanes", () -> !browser.all(retracted).isEmpty());
    requireSeen(browser.one(retracted));
    requireSeen(browser.one("#step [data-mark=retracted]"));
    browser.shoot("retraction-light");
    browser.look(1280, 1100, true);
    browser.js("document.querySelector('#lanes').scrollIntoView()");
    settle();
    browser.shootForDocs("retraction-dark");
    browser.look(1280, 900, false);
    screen.requireStep(screen.step());

    browser.js(
        """
        const kind = document.querySelector('[data-action=kind]');
        kind.value = 'rejectedDraft';
        kind.dispatchEvent(new Event('change', {bubbles: true}));
        """);
    browser.press(Keys.HOME);
    screen.awaitStep(-1);
    browser.one("[data-action=jump-on]").click();
    String card = "#texts [data-sequence='" + wrong.sequence() + "'] ";
    String draft = "s[data-rejected='" + wrong.drafts()[wrong.accepted()] + "']";
    browser.until("the wrong draft in its text", () -> !browser.all(card + draft).isEmpty());
    requireSeen(browser.one(card + draft));
    assertThat(browser.one(card + draft).getCssValue("text-decoration-line"))
        .isEqualTo("line-through");
    requireSeen(
        browser.one(
            ".lane-list [data-sequence='"
                + wrong.sequence()
                + "'] .cell:not([data-ahead]) .draft[data-cell=rejected]"));
    screen.requireStep(screen.step());
    browser.shoot("rejected-draft-light");
  }

  @Test
  void windowsPassPagesAndTombstonesStandInTheTree() throws Exception {
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withMaxTotalTokens(4096).withSwaFullTokensRatio(0.2))
            .withBatching(b -> b.withMaxRunningRequests(4));
    open(WINDOWS, options, 1280, true);
    start("windows");
    awaitEnd(8);
    assertThat(browser.all("[data-pool-box]").size())
        .isEqualTo(live.books(-1).shapes().size())
        .isGreaterThan(1);
    Random random = new Random(SEED);
    for (int i = 0; i < 6; i++) {
      long step = random.nextLong(live.newest() + 1);
      seek(step);
      screen.requireStep(step);
    }
    browser.press(Keys.END);
    screen.requireStep(live.newest());
    List<Integer> dead =
        browser.all("#tree [data-block][data-state=tombstone]").stream()
            .map(square -> Integer.valueOf(square.getDomAttribute("data-block")))
            .toList();
    assertThat(dead).as("tombstones on the screen").isNotEmpty();
    requireSeen(browser.one("#tree [data-block][data-state=tombstone]"));
    for (CachedBlock block : live.books(live.newest()).blocks()) {
      boolean whole =
          Arrays.stream(block.pages()).flatMapToInt(Arrays::stream).allMatch(page -> page >= 0);
      assertThat(whole && dead.contains(block.block())).as("block %d", block.block()).isFalse();
    }
    browser.shoot("tombstones-dark");
  }

  @Test
  void aPromptIsTypedAndItsTokensTellTheirLogProbabilities() throws Exception {
    open(CLASSIC, drafts(), 1280, false);
    WebElement prompt = browser.one("[name=prompt]");
    requireSeen(prompt);
    prompt.click();
    browser.press("Once upon a time there was a");
    browser.js("document.querySelector('[name=n]').value = 2;");
    browser.press(Keys.ENTER);
    awaitEnd(2);
    List<Event.TokenOut> tokens =
        live.events().stream()
            .filter(Event.TokenOut.class::isInstance)
            .map(Event.TokenOut.class::cast)
            .toList();
    Event.TokenOut token = tokens.stream().filter(t -> t.index() == 3).findFirst().orElseThrow();
    WebElement drawn =
        browser.one(
            "#texts [data-sequence='"
                + token.sequence()
                + "'] [data-index='"
                + token.index()
                + "']");
    requireSeen(drawn);
    browser.hover(drawn);
    String number = String.format("%.3f", token.logprob());
    browser.until(
        "its log-probability",
        () -> browser.one("[data-detail=token]").getText().contains(number),
        () -> browser.one("[data-detail=token]").getText());
    assertThat(browser.all("[data-detail=token] .alternatives li").size())
        .isEqualTo(token.top().size())
        .isPositive();
    screen.requireStep(live.newest());
  }

  @Test
  void thePageFitsAPhoneAndEveryControlHasANameAndIsReachedByKeys() throws Exception {
    open(CLASSIC, drafts(), 390, false);
    start("dozen");
    awaitEnd(12);
    assertThat(browser.number("return document.documentElement.scrollWidth"))
        .as("no horizontal scrolling")
        .isLessThanOrEqualTo(390);
    browser.js("scrollTo(0, 0)");
    browser.shoot("phone-light");
    browser.look(390, 844, true);
    browser.shoot("phone-dark");
    assertThat(browser.number("return document.documentElement.scrollWidth"))
        .isLessThanOrEqualTo(390);
    assertThat(
            (List<?>)
                browser.js(
                    """
                    const named = e => (e.getAttribute('aria-label') || e.textContent || e.title
                      || [...(e.labels ?? [])].map(l => l.textContent).join('')).trim() !== '';
                    return [...document.querySelectorAll('button, a, input, select, textarea')]
                      .filter(e => e.offsetParent !== null && (!named(e) || e.tabIndex < 0))
                      .map(e => e.outerHTML);
                    """))
        .as("controls without a name, or out of reach of the Tab key")
        .isEmpty();
    browser.press("?");
    browser.until("the list of keys", () -> browser.one("#help").isDisplayed());
    browser.press(Keys.ESCAPE);
    browser.until("it closes", () -> !browser.one("#help").isDisplayed());
  }

  @Test
  void bothThemesAreDrawnAndTheirTextIsReadable() throws Exception {
    open(CLASSIC, drafts(), 1280, false);
    start("dozen");
    awaitEnd(12);
    seek(8);
    screen.requireStep(8);
    for (boolean dark : new boolean[] {false, true}) {
      browser.look(1280, 1500, dark);
      browser.js("scrollTo(0, 0)");
      settle();
      browser.shootForDocs(dark ? "page-dark" : "page-light");
      assertThat((List<?>) browser.js(FAINT)).as(dark ? "dark" : "light").isEmpty();
    }
  }

  @Test
  void aRecordedTraceIsDrawnAsItsEngineHadItAndHasNoControls() throws Exception {
    open(CLASSIC, tight(), 1280, false);
    start("choices");
    awaitEnd(8);
    Path file = directory.resolve("trace.jsonl");
    Files.write(file, live.events().stream().map(WatchedRuns::json).toList());
    try (Xray replay = Xray.replay(file, remark -> {});
        HttpServer server =
            HttpServer.listen(ServerOptions.defaults().withPort(0), (call, bug) -> {})) {
      server.open(replay.addTo(new Routes()));
      browser.go("http://127.0.0.1:" + server.port() + "/");
      awaitRecording(live.newest());
      browser.press(Keys.END);
      screen.requireStep(live.newest());
      assertThat(browser.one("#controls").isDisplayed()).isFalse();
      assertThat(browser.one("[data-form=restart]").isDisplayed()).isFalse();
      seek(3);
      screen.requireStep(3);
      browser.press(" "); // plays on
      browser.until("further steps", () -> screen.step() > 4, screen::step);
      browser.press(" ");
      browser.until("it stands", () -> !browser.all("[data-mode=paused]").isEmpty());
      long stands = screen.step();
      screen.requireStep(stands);
      assertThat(browser.errors()).as("errors on the console").isEmpty();
      browser.go("about:blank"); // before its server ends
    }
  }

  @Test
  void thePagesOfTwoEnginesShowWhereRequestsStandBetweenThem() throws Exception {
    List<String> prefill = List.of("bootstrap", "inflight");
    List<String> decode = List.of("prealloc", "transfer", "arrived");
    List<WatchedRuns> pair = WatchedRuns.storyPair(prefill, decode);
    between(pair.get(0), prefill);
    between(pair.get(1), decode);
  }

  /** Replays the run of one of two engines, and goes to steps at which requests stand so. */
  private void between(WatchedRuns run, List<String> states) throws Exception {
    Path file = directory.resolve(states.getFirst() + ".jsonl");
    Files.write(file, run.lines());
    browser.look(1280, 900, false);
    screen = new Screen(browser, run);
    try (Xray replay = Xray.replay(file, remark -> {});
        HttpServer server =
            HttpServer.listen(ServerOptions.defaults().withPort(0), (call, bug) -> {})) {
      server.open(replay.addTo(new Routes()));
      browser.go("http://127.0.0.1:" + server.port() + "/");
      awaitRecording(run.newest());
      browser.js("localStorage.clear(); scrollTo(0, 0);");
      seek(run.newest()); // behind it come events without a step
      screen.requireStep(run.newest());
      for (String state : states) {
        seek(run.stepAt(state));
        screen.requireStep(run.stepAt(state));
        WebElement cell =
            browser.one("#lanes .lane-list .cell:not([data-ahead])[data-cell=" + state + "]");
        requireSeen(cell);
        browser.hover(cell);
        browser.until(
            "words about it",
            () -> browser.one("[data-detail=lane]").getText().startsWith("Step "));
        String did = browser.one("[data-detail=lane]").getText();
        assertThat(did).as(state).startsWith("Step ").contains("request ").doesNotContain(state);
        requireSeen(browser.one("#lanes .legend [data-cell=" + state + "]"));
        for (WebElement page : browser.all("#pages .grid [data-apart=" + state + "]")) {
          requireSeen(page);
        }
        for (boolean dark : new boolean[] {false, true}) {
          browser.look(1280, 1500, dark);
          browser.js("scrollTo(0, 0)");
          settle();
          String picture = "two-engines-" + state + (dark ? "-dark" : "-light");
          if (state.equals("arrived") && !dark) {
            browser.shootForDocs(picture);
          } else {
            browser.shoot(picture);
          }
          assertThat((List<?>) browser.js(FAINT)).as("%s, dark %s", state, dark).isEmpty();
        }
        browser.look(1280, 900, false);
      }
      assertThat(browser.errors()).as("errors on the console").isEmpty();
      browser.go("about:blank"); // before its server ends
    }
  }

  @Test
  void aBlockTellsThePriorityThatARequestHasGivenIt() throws Exception {
    open(CLASSIC, drafts(), 1280, false);
    RetentionConfig beginning =
        new RetentionConfig(List.of(TokenRange.of(0, 16, new Retention(90))), Optional.empty());
    int[] prompt = IntStream.range(300, 340).toArray(); // two blocks and a half
    SamplingParams few = SamplingParams.defaults().withMaxTokens(4);
    live.answer(Request.of(prompt, few).withRetention(beginning));
    browser.until("the answer", live::idle);
    screen.awaitStep(live.newest());
    screen.requireStep(live.newest());
    WebElement square = browser.one("#tree [data-block][title$=', priority 90']");
    requireSeen(square);
    browser.hover(square);
    assertThat(browser.one("[data-detail=branch]").getText())
        .startsWith("2 blocks, held by no request, 1 of priority 90 and 1 of priority 35: ");
    CachedBlock block =
        live.books(live.newest()).blocks().stream()
            .filter(b -> b.priority() == 90)
            .findFirst()
            .orElseThrow();
    WebElement page = browser.one("#pages .grid [data-page='" + block.pages()[0][0] + "']");
    requireSeen(page);
    browser.hover(page);
    assertThat(browser.one("[data-detail=page]").getText())
        .contains("it may be evicted. It is kept with priority 90. ");
  }

  /** What a newcomer does in the first minute, and then in the next one. */
  @Test
  void anAddressStartsALoadAndAnotherEngineRunsItBesideTheLastRun() throws Exception {
    browser.look(1280, 900, false);
    String flags = "--speculative-algorithm mtp --speculative-num-steps 3";
    try (XrayServer server = new XrayServer(CLASSIC, flags)) {
      browser.go(server.address());
      browser.js("localStorage.clear();");
      browser.go(server.address() + "?load=dozen&speed=40");
      browser.until(
          "pages taken, a prefix shared, a draft rejected",
          () -> browser.all("[data-lesson][data-done]").size() == 3);
      String columns = "[data-runs] thead th code";
      browser.until("one run", () -> ended(columns, 1), () -> browser.one("#engine").getText());
      WebElement smaller = browser.one("[data-try='pages of 4 tokens']");
      requireSeen(smaller);
      smaller.click();
      browser.one("button[data-action=restart]").click();
      browser.until("two runs", () -> ended(columns, 2), () -> browser.one("#engine").getText());
      List<String> tokens = row("answer tokens");
      assertThat(tokens).hasSize(2);
      assertThat(tokens.getFirst()).as("the texts are the same").isEqualTo(tokens.getLast());
      assertThat(server.serving().engine().options().kv().pageSize()).isEqualTo(4);
      browser.js("scrollTo(0, 0)");
      browser.shoot("two-runs");

      browser.go(server.address() + "docs/x-ray-page.md");
      assertThat(browser.one("h1").getText()).isEqualTo("The X-ray page");
      assertThat((List<?>) browser.js(BROKEN_IMAGES)).isEmpty();
      for (int width : new int[] {1280, 390}) {
        browser.look(width, 900, false);
        assertThat((List<?>) browser.js(BESIDE_THE_COLUMN)).as("at %d pixels", width).isEmpty();
      }
      assertThat(browser.errors()).as("errors on the console").isEmpty();
      browser.go("about:blank");
    }
  }

  @Test
  void aDecodeServersPageSaysWhatItIsAndRunsALoadOnTheEngineThatIsThere() throws Exception {
    browser.look(1280, 900, false);
    try (XrayServer server = HalfServer.decode(CLASSIC)) {
      browser.go(server.address());
      browser.js("localStorage.clear();");
      browser.go(server.address() + "?load=drafts&speed=40");
      String columns = "[data-runs] thead th code";
      browser.until("one run", () -> ended(columns, 1), () -> browser.one("#engine").getText());
      assertThat(browser.one("#message").getText()).contains("A decode server is not restarted");
      WebElement half = browser.one("#controls [data-half]");
      requireSeen(half);
      assertThat(half.getText()).contains("--disaggregation-mode decode", "does all of it");
      requireSeen(browser.one("#engine [data-stays]"));
      assertThat(browser.one("form[data-form=restart]").isDisplayed()).isFalse();
      assertThat(browser.one(".restarts").getText()).startsWith("as it is; no drafts without");
      start("tight-memory"); // it needs flags that the engine does not have
      WebElement button = browser.one("[data-action=load-as-it-is]");
      assertThat(browser.all("[data-action=load-with-flags]")).isEmpty();
      requireSeen(button);
      button.click();
      browser.until("two runs", () -> ended(columns, 2), () -> browser.one("#engine").getText());
      browser.js("scrollTo(0, 0)");
      browser.shoot("decode-server");
      assertThat(browser.errors()).as("errors on the console").isEmpty();
      browser.go("about:blank");
    }
  }

  @Test
  void anEngineThatOverlapsStepsSaysWhenItPlannedEach() throws Exception {
    open(CLASSIC, EngineOptions.defaults().withCompute(c -> c.withOverlap(true)), 1280, false);
    start("shared-prefix");
    awaitEnd(8);
    List<Event.Overlapped> lanes =
        live.events().stream()
            .filter(Event.Overlapped.class::isInstance)
            .map(Event.Overlapped.class::cast)
            .toList();
    assertThat(lanes).extracting(Event.Overlapped::settledFirst).contains("NO", "IDLE");
    for (String settledFirst : List.of("NO", "IDLE")) {
      Event.Overlapped lane =
          lanes.stream().filter(o -> o.settledFirst().equals(settledFirst)).findAny().get();
      seek(lane.step());
      screen.awaitStep(lane.step());
      WebElement words = browser.one("#step [data-lane=" + settledFirst + "]");
      requireSeen(words);
      assertThat(words.getText())
          .startsWith(
              settledFirst.equals("NO")
                  ? "Planned while step " + (lane.step() - 1) + " was computed."
                  : "Planned only after all steps before it were settled: no other step");
    }
  }

  @Test
  void aServerWithAKeyIsGivenItInAFieldThatShowsNoLetters() throws Exception {
    browser.look(1280, 900, false);
    try (XrayServer server = new XrayServer(CLASSIC, "", "open-sesame")) {
      browser.go(server.address());
      browser.until("the form", () -> browser.one("#key").isDisplayed());
      WebElement field = browser.one("#key input");
      assertThat(field.getDomAttribute("type")).isEqualTo("password");
      field.sendKeys("wrong", Keys.ENTER);
      browser.until(
          "that this key is wrong",
          () -> browser.one("#key p").getText().contains("does not take this key"));
      browser.until("the form again", () -> browser.one("#key").isDisplayed());
      browser.one("#key input").sendKeys("open-sesame", Keys.ENTER);
      browser.until("the model's name", () -> browser.one("#model").getText().startsWith("story"));
      browser.until("the loads", () -> !browser.all("[data-load=dozen]").isEmpty());
      assertThat(browser.one("#key").isDisplayed()).isFalse();
      assertThat(browser.js("return document.querySelector('#key input').value")).isEqualTo("");
      browser.js("sessionStorage.removeItem('orrery.key')");
      browser.go(server.address());
      browser.until("the form", () -> browser.one("#key").isDisplayed());
      browser.one("#key button[formnovalidate]").click();
      browser.until(
          "what to do without a key",
          () -> browser.one("body").getText().contains("Load the page again to enter it."));
      browser.go("about:blank");
    }
    browser.errors(); // refusals; the next test begins without them
  }

  @Test
  void theFirstMinuteShowsEachLessonInItsPlaceAndTellsAboutIt() throws Exception {
    open(CLASSIC, drafts(), 1280, false);
    start("dozen");
    awaitEnd(12);
    browser.look(1280, 900, false);
    browser.js("scrollTo(0, 0)");
    for (String what : List.of("#lanes .cell", "#pages [data-page]", "#texts .token")) {
      assertThat(
              browser.number(
                  "return"
                      + " Math.round(document.querySelector(arguments[0]).getBoundingClientRect().top)",
                  what))
          .as(what + " is above the bar at the bottom")
          .isLessThan(780);
    }
    browser.js("document.querySelector('[data-action=see-lanes]').click()"); // the page may scroll
    browser.until(
        "words about the hit",
        () -> browser.one("[data-detail=lane]").getText().contains("prefix hit of"));
    browser.until(
        "words about the page",
        () -> browser.one("[data-detail=page]").getText().contains("is held by requests"));
    String lit = "return String(document.documentElement.dataset.focus).split(' ').length";
    browser.until("both who share a page are lit", () -> browser.number(lit) > 1);
    browser.js("document.querySelector('[data-action=see-texts]').click()"); // the page may scroll
    browser.until(
        "words about the wrong draft",
        () -> browser.one("[data-detail=token]").getText().contains("Wrong: "));
  }

  @Test
  void aCellThatIsClickedStaysUnderThePointerAndKeepsItsWords() throws Exception {
    open(CLASSIC, drafts(), 1280, false);
    start("dozen");
    awaitEnd(12);
    long newest = live.newest();
    String told = "";
    for (long step : new long[] {newest - 3, newest - 1, newest - 6}) {
      WebElement cell = browser.one("#lanes .lane-list [data-lane] [data-step='" + step + "']");
      browser.js("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", cell);
      Object place = browser.js(PLACE, step);
      cell.click();
      screen.awaitStep(step);
      String begins = "Step " + step + ":";
      browser.until(
          "words about it",
          () -> browser.one("[data-detail=lane]").getText().startsWith(begins),
          () -> browser.one("[data-detail=lane]").getText());
      told = browser.one("[data-detail=lane]").getText();
      assertThat(browser.js(PLACE, step)).as("place of step %d", step).isEqualTo(place);
      screen.requireStep(step);
    }
    browser.press("l");
    screen.awaitStep(newest);
    assertThat(browser.one("[data-detail=lane]").getText()).isEqualTo(told);
  }

  /** Where the cells of a step are. */
  private static final String PLACE =
      "const box = document.querySelector(`#lanes .steps [data-step='${arguments[0]}']`)"
          + ".getBoundingClientRect(); return Math.round(box.x) + ' ' + Math.round(box.width)";

  /** What is wider than the window, or stands beside the one column of a chapter. */
  private static final String BESIDE_THE_COLUMN =
      """
      const column = document.querySelector('main').getBoundingClientRect();
      return [...document.querySelectorAll('main > *')]
        .filter(e => e.getBoundingClientRect().right > Math.min(column.right, innerWidth) + 1
          || e.getBoundingClientRect().left > column.left + 40)
        .map(e => e.outerHTML.slice(0, 80));
      """;

  private static final String TWO_FRAMES =
      "return await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));";

  private static final String BROKEN_IMAGES =
      "return [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)";

  private static boolean ended(String columns, int runs) {
    return browser.all(columns).size() == runs && browser.all("[data-runs] thead em").isEmpty();
  }

  /** The values of a measure, one for each run. */
  private static List<String> row(String measure) {
    String texts = "return [...document.querySelectorAll('[data-runs] tbody tr')]"; // at one time
    return ((List<?>) browser.js(texts + ".map(tr => tr.innerText.replaceAll('\\t', ' '))"))
        .stream()
            .map(String::valueOf)
            .filter(text -> text.startsWith(measure))
            .map(text -> text.substring(measure.length()).strip().split(" "))
            .findFirst()
            .map(List::of)
            .orElse(List.of());
  }

  /**
   * Visible texts whose contrast with the nearest background is below 4.5, which is what WCAG asks
   * for (3 for large text). Texts on a gradient or in a faded element are left out.
   */
  private static final String FAINT =
      """
      const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
      const rgb = colour => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = e => {
        for (let at = e; at; at = at.parentElement) {
          const style = getComputedStyle(at);
          if (style.backgroundImage !== 'none' || Number(style.opacity) < 1) { return null; }
          const colour = rgb(style.backgroundColor);
          if (colour[3] === 255) { return colour; }
          if (colour[3] > 0) { return null; }
        }
        return [255, 255, 255, 255];
      };
      const faint = [];
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        const e = node.parentElement;
        if (node.data.trim() === '' || !e.checkVisibility({visibilityProperty: true})) { continue; }
        const style = getComputedStyle(e);
        const back = behind(e);
        if (!back || e.closest('[disabled]')) { continue; }
        const [a, b] = [light(rgb(style.color)), light(back)].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < (large ? 3 : 4.5)) {
          faint.push(contrast.toFixed(2) + ' ' + e.tagName + '.' + e.className + ' ' + node.data.trim().slice(0, 40));
        }
      }
      return [...new Set(faint)].slice(0, 40);
      """;
}
