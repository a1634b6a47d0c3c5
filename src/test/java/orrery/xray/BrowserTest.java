package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;

/** What tests in a browser see of a page: without this they could be green over a broken one. */
class BrowserTest {
  private static final String PAGE =
      """
      <!doctype html>
      <title>A page</title>
      <style>body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }</style>
      <button onclick="throw new Error('clicked')">x</button>
      <script>
        addEventListener("keydown", e => { document.title = e.key; });
        if (location.search === "?broken") { console.error("said by the page"); }
      </script>
      """;

  @Test
  void aPagesErrorsItsKeysItsWidthAndItsThemeAreSeen() throws Exception {
    try (Browser browser = Browser.open();
        HttpServer server =
            HttpServer.listen(ServerOptions.defaults().withPort(0), (call, thrown) -> {})) {
      byte[] page = PAGE.getBytes(StandardCharsets.UTF_8);
      server.open(
          new Routes()
              .get("/", call -> call.answer(200, "text/html", page))
              .get("/favicon.ico", call -> call.answer(200, "image/x-icon", new byte[0])));
      String address = "http://127.0.0.1:" + server.port() + "/";
      browser.go(address);
      assertThat(browser.errors()).isEmpty();
      browser.press("q");
      browser.until("the key", () -> browser.js("return document.title").equals("q"));
      assertThat(browser.number("return innerWidth")).isEqualTo(1280);
      String light = (String) browser.js("return getComputedStyle(document.body).backgroundColor");
      browser.look(390, 844, true);
      String dark = (String) browser.js("return getComputedStyle(document.body).backgroundColor");
      assertThat(browser.number("return innerWidth")).isEqualTo(390);
      assertThat(light).isEqualTo("rgb(255, 255, 255)");
      assertThat(dark).isEqualTo("rgb(0, 0, 0)");
      browser.one("button").click();
      assertThat(browser.errors()).singleElement().asString().contains("Error: clicked");
      browser.go(address + "?broken");
      assertThat(browser.errors()).singleElement().asString().contains("said by the page");
      assertThat(browser.await("return await Promise.resolve(given[0] + 1);", 2)).isEqualTo(3L);
      assertThat(Files.size(browser.shoot("browser-test"))).isPositive();
    }
  }
}
