package orrery.xray;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.regex.Pattern;
import orrery.server.Call;
import orrery.server.HttpException;

/**
 * The files of the page, out of the jar. A browser gets only what lies in this package's resources,
 * and the library for charts.
 */
final class Assets {
  /** No name with such characters leads out of its directory. */
  private static final Pattern NAME =
      Pattern.compile("(?:[a-z0-9-]+/)*[A-Za-z0-9-]+(?:\\.[a-z]+)*\\.(html|css|js|svg|png)");

  private static final Map<String, String> TYPES =
      Map.of(
          "html", "text/html; charset=utf-8",
          "css", "text/css; charset=utf-8",
          "js", "text/javascript; charset=utf-8",
          "svg", "image/svg+xml",
          "png", "image/png");

  private static final int LONGEST = 200; // characters of a name; more would nest matching deeply

  /**
   * A page may load only what this server has, and may not be told to run what a prompt says. No
   * other page may show it in a frame, under which a click would be a click on its buttons.
   */
  private static final String POLICY =
      "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none';"
          + " base-uri 'none'; form-action 'self'";

  private static final String CHARTS = "/META-INF/resources/webjars/uplot/1.6.30/dist/";

  /** The files of libraries, by the names under which the page asks for them. */
  private static final Map<String, String> LIBRARIES =
      Map.of(
          "lib/uplot/uPlot.esm.js", CHARTS + "uPlot.esm.js",
          "lib/uplot/uPlot.min.css", CHARTS + "uPlot.min.css");

  private Assets() {}

  /**
   * Answers with a file of the page.
   *
   * @param name such as {@code index.html} or {@code views/pages.js}
   * @throws HttpException 404 if there is none
   */
  static void answer(Call call, String name) throws IOException {
    String library = LIBRARIES.get(name);
    answer(call, name, library == null ? "/orrery/xray/" + name : library);
  }

  /**
   * Answers with a picture of the chapters.
   *
   * @throws HttpException 404 if there is none
   */
  static void answerPicture(Call call, String name) throws IOException {
    answer(call, name, "/orrery/docs/" + name);
  }

  private static void answer(Call call, String name, String resource) throws IOException {
    var match = NAME.matcher(name);
    if (name.length() > LONGEST || !match.matches()) {
      throw none(call);
    }
    answer(call, TYPES.get(match.group(1)), bytes(call, resource));
  }

  /** Answers with bytes of a type, and with the rules for the browser. */
  static void answer(Call call, String type, byte[] bytes) throws IOException {
    call.header("Content-Security-Policy", POLICY);
    call.header("Cache-Control", "no-cache");
    call.header("X-Content-Type-Options", "nosniff");
    call.answer(200, type, bytes);
  }

  /**
   * A resource.
   *
   * @throws HttpException 404 if there is none
   */
  static byte[] bytes(Call call, String resource) throws IOException {
    try (InputStream in = Assets.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw none(call);
      }
      return in.readAllBytes();
    }
  }

  static HttpException none(Call call) {
    return HttpException.refused(
        404, null, "path: expected one of this server's, found " + call.path());
  }
}
