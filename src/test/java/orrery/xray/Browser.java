package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogType;

/**
 * A Chromium without a screen: the one that is installed on this machine, found in {@code PATH}.
 * Nothing is ever downloaded. Where there is none, tests that open it say so in one line and do not
 * run.
 */
final class Browser implements AutoCloseable {
  /** How long a page may take to show something; seconds on a busy machine with two cores. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final Path SHOTS = Path.of("target", "x-ray");

  /** Where pictures of the docs go, if at all. */
  private static final String IMAGES = System.getProperty("orrery.xray.images");

  /** Warns that it knows no DevTools of this version. None are used. */
  private static final Logger DEVTOOLS = Logger.getLogger("org.openqa.selenium.devtools");

  private final ChromeDriver driver;

  private Browser(ChromeDriver driver) {
    this.driver = driver;
  }

  /** A window of 1280 by 900 in the light theme; skips the test if there is no Chromium. */
  static Browser open() {
    Optional<Path> chromium = inPath("chromium", "chromium-browser", "google-chrome");
    Optional<Path> chromedriver = inPath("chromedriver");
    if (chromium.isEmpty() || chromedriver.isEmpty()) {
      String line = "no chromium and chromedriver in PATH: tests in a browser are not run";
      System.out.println(line);
      Assumptions.abort(line);
    }
    ChromeOptions options = new ChromeOptions();
    options.setBinary(chromium.get().toFile());
    // No sandbox: root has none. Nothing in /dev/shm: containers give it 64 MiB.
    options.addArguments("--headless=new", "--no-sandbox", "--disable-dev-shm-usage");
    options.addArguments("--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb");
    options.setCapability("goog:loggingPrefs", Map.of(LogType.BROWSER, "ALL"));
    DEVTOOLS.setLevel(Level.SEVERE);
    ChromeDriverService service =
        new ChromeDriverService.Builder()
            .usingDriverExecutable(chromedriver.get().toFile())
            .usingAnyFreePort()
            .build();
    Browser browser = new Browser(new ChromeDriver(service, options));
    browser.look(1280, 900, false);
    return browser;
  }

  private static Optional<Path> inPath(String... names) {
    List<String> path = Arrays.asList(System.getenv("PATH").split(File.pathSeparator));
    return Stream.of(names)
        .flatMap(name -> path.stream().map(directory -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Changes the size of the page, in CSS pixels, and the theme that the system asks for. */
  void look(int width, int height, boolean dark) {
    driver.executeCdpCommand(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    Map<String, String> theme =
        Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light");
    driver.executeCdpCommand("Emulation.setEmulatedMedia", Map.of("features", List.of(theme)));
  }

  /** Opens a page. */
  void go(String url) {
    driver.get(url);
  }

  /** Errors that the page has reported to its console since the last call, exceptions included. */
  List<String> errors() {
    return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
        .filter(entry -> entry.getLevel().intValue() >= Level.SEVERE.intValue())
        .map(entry -> entry.getMessage())
        .toList();
  }

  /** What the body of a function of JavaScript returns; its arguments are {@code arguments[i]}. */
  Object js(String body, Object... arguments) {
    return driver.executeScript(body, arguments);
  }

  /** The same for a body that returns a number, which must be whole. */
  long number(String body, Object... arguments) {
    return (Long) js(body, arguments);
  }

  /** What a body that may await returns. */
  Object await(String body, Object... arguments) {
    return driver.executeAsyncScript(
        "const done = arguments[arguments.length - 1]; const given = Array.from(arguments);"
            + "(async () => {"
            + body
            + "})().then(done, e => done('thrown: ' + e));",
        arguments);
  }

  List<WebElement> all(String css) {
    return driver.findElements(By.cssSelector(css));
  }

  WebElement one(String css) {
    List<WebElement> found = all(css);
    assertThat(found).as(css).isNotEmpty();
    return found.getFirst();
  }

  /** Waits until the condition holds. */
  void until(String what, Supplier<Boolean> condition) {
    until(what, condition, () -> "");
  }

  /**
   * Waits until the condition holds.
   *
   * @param found is asked if it never does, for the message
   */
  void until(String what, Supplier<Boolean> condition, Supplier<Object> found) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!holds(condition)) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            "not within %s: %s; found %s; console: %s"
                .formatted(PATIENCE, what, found.get(), errors()));
      }
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private static boolean holds(Supplier<Boolean> condition) {
    try {
      return condition.get();
    } catch (StaleElementReferenceException drawnAnew) { // between two looks at an element
      return false;
    }
  }

  /** Presses keys, where the focus is. */
  void press(CharSequence... keys) {
    new Actions(driver).sendKeys(keys).perform();
  }

  /** Moves the mouse over an element. */
  void hover(WebElement element) {
    new Actions(driver).moveToElement(element).perform();
  }

  /** Writes what is seen now as {@code target/x-ray/NAME.png}. */
  Path shoot(String name) throws IOException {
    Files.createDirectories(SHOTS);
    return Files.write(SHOTS.resolve(name + ".png"), driver.getScreenshotAs(OutputType.BYTES));
  }

  /**
   * The same for a picture of the docs: if {@code -Dorrery.xray.images=DIRECTORY} asks for it, it
   * is also written there, as {@code x-ray-NAME.png}.
   */
  void shootForDocs(String name) throws IOException {
    Path shot = shoot(name);
    if (IMAGES != null) {
      Path image = Path.of(IMAGES, "x-ray-" + name + ".png");
      Files.copy(shot, image, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public void close() {
    driver.quit();
  }
}
