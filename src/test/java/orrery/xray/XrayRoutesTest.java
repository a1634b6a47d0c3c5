package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.TinyModels;
import orrery.cli.XrayServer;
import orrery.cli.XrayServer.Page;
import orrery.cli.XrayServer.Reply;
import orrery.events.Event;

/** What a page asks of the server, and what it is told. */
@Timeout(600)
class XrayRoutesTest {
  private static final String TWO = "{\"prompts\": [[1, 2, 3], [4, 5]], \"sampling\": %s}";

  private static XrayServer speck(String flags) throws Exception {
    return new XrayServer(TinyModels.speck("bias"), flags);
  }

  private static long steps(XrayServer server) {
    return server.events().stream().filter(Event.StepDone.class::isInstance).count();
  }

  @Test
  void aPageSeesAPromptFromItsArrivalToItsEnd() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      Reply taken = server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 3}"));
      assertThat(taken.json().toString()).isEqualTo("{\"requests\":[0,1]}");
      assertThat(page.await("Submitted", 0).get("prompt").toString()).isEqualTo("[1,2,3]");
      JsonNode token = page.await("TokenOut", 0);
      assertThat(token.get("top")).as("the page shows alternatives").hasSize(5);
      assertThat(token.get("logprob").asDouble()).isNegative();
      assertThat(page.await("Finished", 0).get("outputTokens").asInt()).isEqualTo(3);
    }
  }

  @Test
  void aPausedEngineComputesExactlyTheStepsThatAPageAsksFor() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      server.post("/xray/pause", "");
      server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 9}"));
      assertThat(server.get("/xray/engine").json().get("paused").asBoolean()).isTrue();
      assertThat(server.post("/xray/step", "{\"steps\": 2}").json().toString())
          .isEqualTo("{\"steps\":2}");
      assertThat(steps(server)).isEqualTo(2);
      assertThat(server.post("/xray/step", "").json().get("steps").asInt()).isEqualTo(1);
      assertThat(steps(server)).isEqualTo(3);
      server.post("/xray/resume", "");
      page.await("Finished", 0);
      Reply running = server.post("/xray/step", "{\"steps\": 1}");
      assertThat(running.status()).as("it is not paused").isEqualTo(400);
    }
  }

  @Test
  void whatAPageStoppedGoesOnWhenTheLastPageHasGone() throws Exception {
    try (XrayServer server = speck("")) {
      try (Page page = server.new Page()) {
        server.post("/xray/pause", "");
        server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 2}"));
        page.await("Submitted", 0);
      }
      while (steps(server) < 2) {
        Thread.sleep(20); // until the test's time is over
      }
      assertThat(server.get("/xray/engine").json().get("paused").asBoolean()).isFalse();
    }
  }

  @Test
  void anotherEngineServesWithOtherFlagsAndIsANewRun() throws Exception {
    try (XrayServer server = speck("--page-size 4");
        Page page = server.new Page()) {
      server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 2}"));
      page.await("Finished", 0);
      Reply restarted = server.post("/xray/restart", "{\"flags\": \"--page-size 8\"}");
      assertThat(restarted.json().get("flags").asText()).isEqualTo("--page-size 8");
      JsonNode first = page.await("Keyframe", 1);
      assertThat(first.get("pageTokens").asInt()).isEqualTo(8);
      assertThat(server.get("/xray/engine").json().get("flags").asText())
          .isEqualTo("--page-size 8");
      Reply again = server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 2}"));
      assertThat(again.json().get("requests").get(0).asInt()).as("counted anew").isZero();
      page.await("Finished", 1);
    }
  }

  @Test
  void aRestartCutsOffWhatRunsAndItsClientIsTold() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      server.post("/xray/pause", "");
      CompletableFuture<Reply> call = longCall(server);
      page.await("Submitted", 0);
      server.post("/xray/restart", "{\"flags\": \"\"}");
      Reply cut = call.join();
      assertThat(cut.json().at("/choices/0/finish_reason").asText()).isEqualTo("abort");
    }
  }

  private static CompletableFuture<Reply> longCall(XrayServer server) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return server.post(
                "/v1/completions",
                "{\"prompt\": [1, 2], \"max_tokens\": 250, \"ignore_eos\": true}");
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void aRestartThatCannotBeCutsNothingOff() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      server.post("/xray/pause", "");
      CompletableFuture<Reply> call = longCall(server);
      page.await("Submitted", 0);
      refused(server, "@/none", "flags: Unmatched argument: '@/none'");
      refused(server, "--max-total-tokens 1", "flags: --max-total-tokens: expected");
      refused(server, "--max-total-tokens 2000000000", "flags: --max-total-tokens: a KV cache");
      refused(server, "--context-length 2000000000", "flags: --context-length: expected");
      server.post("/xray/resume", "");
      assertThat(call.join().json().at("/choices/0/finish_reason").asText()).isEqualTo("length");
    }
  }

  @Test
  void wrongFlagsGetTheWordsOfTheCommandLineAndTheEngineGoesOn() throws Exception {
    try (XrayServer server = speck("--page-size 4")) {
      refused(
          server,
          "--page-sise 8",
          "flags: Unknown option: '--page-sise'; did you mean --page-size?");
      refused(server, "--page-size -3", "flags: --page-size: expected");
      refused(server, "--page-size 4 --page-size 8", "flags: --page-size: expected once");
      refused(server, "--max-total-tokens 1", "flags: --max-total-tokens: expected");
      refused(server, "--model x", "flags: Unknown option: '--model'");
      assertThat(server.get("/xray/engine").json().get("flags").asText())
          .isEqualTo("--page-size 4");
      Reply taken = server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 2}"));
      assertThat(taken.status()).isEqualTo(200);
    }
  }

  private static void refused(XrayServer server, String flags, String why) throws Exception {
    Reply reply = server.post("/xray/restart", "{\"flags\": \"" + flags + "\"}");
    assertThat(reply.status()).as(flags).isEqualTo(400);
    assertThat(reply.error()).startsWith(why);
    assertThat(reply.json().at("/error/param").asText()).isEqualTo("flags");
  }

  @Test
  void aServerOfHalvesDoesAllOfWhatItsPageAsksForAndStartsNoOtherEngine() throws Exception {
    try (XrayServer server = HalfServer.decode(TinyModels.speck("mtp"));
        Page page = server.new Page()) {
      assertThat(server.get("/xray/engine").json().get("mode").asText()).isEqualTo("decode");
      server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 3}"));
      assertThat(page.await("Finished", 0).get("outputTokens").asInt()).isEqualTo(3);
      assertThat(page.await("Finished", 0).get("reason").asText()).isEqualTo("length");
      JsonNode load = server.post("/xray/load", "{\"name\": \"choices\"}").json();
      for (JsonNode request : load.get("requests")) {
        for (int choice = 0; choice < 4; choice++) {
          JsonNode end = page.await("Finished", 0);
          assertThat(end.get("request").asInt()).isGreaterThanOrEqualTo(2);
        }
      }
      assertThat(load.get("requests")).hasSize(2);
      Reply restart = server.post("/xray/restart", "{\"flags\": \"--page-size 8\"}");
      assertThat(restart.status()).isEqualTo(409);
      assertThat(restart.error())
          .isEqualTo(
              "expected a server of whole requests, found one with --disaggregation-mode decode:"
                  + " other servers count on its engine. End it, and start it with other flags");
      assertThat(server.events()).noneMatch(Event.Queued.class::isInstance);
    }
    try (XrayServer server = speck("")) {
      assertThat(server.get("/xray/engine").json().get("mode").asText()).isEqualTo("null");
    }
  }

  @Test
  void mistakesAreNamedByThePagesOwnFields() throws Exception {
    try (XrayServer server = speck("")) {
      String[][] cases = {
        {"prompts", "{}", "prompts: expected a list of prompts, not empty, found none"},
        {"prompts", "{\"prompts\": [\"a\"]}", "prompts[0]: expected token ids"},
        {"prompts", TWO.formatted("{\"top_p\": 2}"), "sampling.top_p: expected"},
        {"prompts", TWO.formatted("{\"n\": \"two\"}"), "sampling.n: expected"},
        {"step", "{\"steps\": 0}", "steps: expected 1 to 1000, found 0"},
        {"load", "{\"name\": \"none\"}", "name: expected one of dozen, "},
        {"load", "{\"name\": \"windows\"}", "name: the model reads all its rows"},
        {"restart", "{}", "flags: expected a string, found none"},
      };
      for (String[] one : cases) {
        Reply reply = server.post("/xray/" + one[0], one[1]);
        assertThat(reply.status()).as(one[1]).isEqualTo(400);
        assertThat(reply.error()).startsWith(one[2]);
      }
    }
  }

  @Test
  void theFilesOfThePageAreThereAndNoOthers() throws Exception {
    try (XrayServer server = speck("")) {
      Reply page = server.get("/");
      assertThat(page.header("Content-Type")).isEqualTo("text/html; charset=utf-8");
      assertThat(page.header("Content-Security-Policy"))
          .startsWith("default-src 'self'")
          .contains("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'");
      assertThat(page.header("Cache-Control")).isEqualTo("no-cache");
      assertThat(server.get("/xray/state.js").header("Content-Type")).startsWith("text/javascript");
      assertThat(server.get("/xray/lib/uplot/uPlot.esm.js").whole().body()).contains("uPlot");
      assertThat(server.get("/favicon.ico").header("Content-Type")).isEqualTo("image/svg+xml");
      for (String path :
          new String[] {
            "/xray/none.js",
            "/xray/loads.json",
            "/xray/../cli/Main.class",
            "/xray/..%2fcli%2fMain.class",
            "/xray/lib/uplot/../../package.json",
            "/xray/views/..%2F..%2F..%2Findex.html",
            "/docs/none.md",
            "/docs/..%2f..%2fMETA-INF%2fMANIFEST.MF",
            "/docs/images/..%2fREADME.md",
            "/xray/" + "a/".repeat(3900) + "a.js",
            "/xray/a" + ".a".repeat(3900) + ".js",
            "/docs/images/" + "a/".repeat(3900) + "a.png"
          }) {
        assertThat(server.get(path).status()).as("%.40s", path).isEqualTo(404);
      }
    }
  }

  @Test
  void chaptersArePagesWithPicturesAndLinks() throws Exception {
    try (XrayServer server = speck("")) {
      String chapter = server.get("/docs/prefix-cache.md").whole().body();
      assertThat(chapter)
          .contains("<title>")
          .contains("<table>")
          .contains("<img src=\"images/")
          .contains("href=\"/xray/style.css\"")
          .doesNotContain("href=\"../");
      Reply picture = server.get("/docs/images/prefix.svg");
      assertThat(picture.header("Content-Type")).isEqualTo("image/svg+xml");
    }
  }

  @Test
  void withKeysTheFilesAreFreeAndAllElseNeedsOne() throws Exception {
    try (XrayServer server = new XrayServer(TinyModels.speck("bias"), "", "secret");
        Page page = server.new Page()) {
      assertThat(server.getWithoutKey("/").status()).isEqualTo(200);
      assertThat(server.getWithoutKey("/xray/state.js").status()).isEqualTo(200);
      assertThat(server.getWithoutKey("/docs/README.md").status()).isEqualTo(200);
      for (String path : new String[] {"/xray/engine", "/xray/events", "/xray/loads"}) {
        assertThat(server.getWithoutKey(path).status()).as(path).isEqualTo(401);
      }
      server.post("/xray/prompts", TWO.formatted("{\"max_new_tokens\": 2}"));
      assertThat(page.await("Finished", 0)).isNotNull();
    }
  }

  @Test
  void streamsEndWhenTheServerEnds() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      server.endPages();
      JsonNode message = page.next();
      while (message != null) {
        message = page.next();
      }
    }
  }

  @Test
  void thePrefixCacheIsEmptiedOnRequest() throws Exception {
    try (XrayServer server = speck("");
        Page page = server.new Page()) {
      assertThat(server.post("/xray/flush", "").json().get("flushed").asBoolean()).isTrue();
      page.await("Flushed", 0);
    }
  }

  @Test
  void aPageThatReadsNothingSlowsNobodyAndIsToldWhatItLost() throws Exception {
    String many = "{\"prompts\": [[1]" + ", [1]".repeat(31) + "], \"sampling\": {\"n\": 2,";
    try (XrayServer server = speck("");
        Page slow = server.new Page()) {
      int ended = 0;
      while (server.events().size() < 120_000) { // more than the ring and all buffers hold
        server.post("/xray/prompts", many + "\"max_new_tokens\": 200, \"ignore_eos\": true}}");
        ended += 64;
        while (ends(server) < ended) {
          Thread.sleep(10);
        }
      }
      long next = 0;
      long lost = 0;
      JsonNode message = slow.next();
      while (lost == 0) {
        lost = message.get("lost").asLong();
        assertThat(message.get("from").asLong()).isEqualTo(next + lost);
        next = message.get("from").asLong() + message.get("events").size();
        if (lost > 0) {
          assertThat(message.at("/events/0/event").asText()).isEqualTo("Keyframe");
        }
        message = slow.next();
      }
      assertThat(lost).isGreaterThan(10_000);
    }
  }

  private static long ends(XrayServer server) {
    return server.events().stream().filter(Event.Finished.class::isInstance).count();
  }
}
