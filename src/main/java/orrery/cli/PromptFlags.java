package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The flags of a prompt: a text, a chat, or token ids. */
final class PromptFlags {
  @ArgGroup(multiplicity = "1")
  private Source source;

  @Option(names = "--system", paramLabel = "TEXT", description = "With --chat: the system message")
  private String system;

  private static final class Source {
    @Option(
        names = {"-p", "--prompt"},
        paramLabel = "TEXT",
        description =
            "Text to continue. Blanks at its end are cut: the model's tokens carry them in front")
    private String prompt;

    @Option(
        names = "--prompt-file",
        paramLabel = "FILE",
        description =
            "The same, from a file in UTF-8, without the line ends after it; - is standard input")
    private Path file;

    @Option(
        names = {"-c", "--chat"},
        paramLabel = "TEXT",
        description = "A user's message, put into the model's chat format")
    private String chat;

    @Option(
        names = "--ids",
        paramLabel = "1,2,3",
        split = ",",
        hideParamSyntax = true,
        description = "Token ids to continue; needs no tokenizer")
    private List<Integer> ids;
  }

  /** Tells what file this is about. */
  CommandFiles from(CommandFiles files) {
    return source.file == null
        ? files
        : files.reads("--prompt-file", Dash.orElse(source.file, "/dev/stdin"));
  }

  /**
   * Reads the prompt's file, if there is one, so that a missing file is reported before a model
   * loads.
   *
   * @throws IOException naming the file, if it cannot be read
   */
  void read() throws IOException {
    if (source.file != null) {
      source.prompt = PromptFile.read(source.file);
    }
  }

  /** The prompt, to be answered as {@code params} say. */
  Request request(LoadedModel model, SamplingParams params) {
    if (system != null && source.chat == null) {
      throw new IllegalArgumentException("--system: expected together with --chat");
    }
    if (source.ids != null) {
      return Request.of(source.ids.stream().mapToInt(i -> i).toArray(), params);
    }
    if (source.prompt != null) {
      Tokenizer tokenizer = model.requireTokenizer();
      return Request.of(someTokens(tokenizer, Tokenizer.trimPrompt(source.prompt)), params);
    }
    List<Message> messages = new ArrayList<>();
    if (system != null) {
      messages.add(new Message("system", system));
    }
    messages.add(new Message("user", source.chat));
    return model.chat(messages, params);
  }

  private static int[] someTokens(Tokenizer tokenizer, String text) {
    int[] ids = tokenizer.encode(text);
    if (ids.length == 0) {
      String found =
          text.isBlank() ? "only blanks or nothing" : "a text that gives no token with this model";
      throw new IllegalArgumentException("prompt: expected some text, found " + found);
    }
    return ids;
  }

  /** The given text, which is shown before its continuation; empty for a chat. */
  String shown() {
    if (source.prompt != null) {
      return Tokenizer.trimPrompt(source.prompt);
    }
    return source.ids == null ? "" : Arrays.toString(source.ids.toArray()) + " ";
  }
}
