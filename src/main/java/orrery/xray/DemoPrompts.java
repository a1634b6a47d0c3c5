package orrery.xray;

import java.util.ArrayList;
import java.util.List;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;
import orrery.text.Message;
import orrery.text.Tokenizer;

/** The dozen prompts of the demo: stories, chat with one system message, and tasks. */
public final class DemoPrompts {
  /**
   * The messages that all chats begin with: a system message and earlier turns, some pages long.
   */
  private static final List<Message> BEFORE =
      List.of(
          new Message("system", "You are a helpful assistant."),
          new Message("user", "Which month comes after March?"),
          new Message("assistant", "The month after March is April."),
          new Message("user", "What does a duck say?"),
          new Message("assistant", "A duck says quack."));

  private static final List<String> STORIES =
      List.of(
          "Once upon a time there was a",
          "Once upon a time there was a brave rabbit named Lily.",
          "Long ago there was a kind owl named Nora.",
          "There once lived a clever fox whose name was Max.");

  private static final List<String> QUESTIONS =
      List.of(
          "What is the opposite of hot?",
          "What is 21 plus 14?",
          "How many legs does a spider have?",
          "Which day comes after Monday?");

  private static final List<String> TASKS =
      List.of(
          "sort: 62 93 84 41 54 =>",
          "add: 27 + 45 =>",
          "copy: red sun map cup =>",
          "max: 23 71 45 8 =>");

  private DemoPrompts() {}

  /**
   * One prompt.
   *
   * @param title its kind
   * @param shown what the reader sees of it
   * @param chat its messages; none if the prompt is a text to continue
   */
  public record Prompt(String title, String shown, List<Message> chat, SamplingParams params) {
    /** A text to continue. */
    public static Prompt text(String title, String text, SamplingParams params) {
      return new Prompt(title, Tokenizer.trimPrompt(text), List.of(), params);
    }

    /** A user's message, behind others. */
    public static Prompt chat(
        String title, List<Message> before, String text, SamplingParams params) {
      List<Message> messages = new ArrayList<>(before);
      messages.add(new Message("user", text));
      return new Prompt(title, text + " ", messages, params);
    }

    /**
     * What the engine gets.
     *
     * @throws orrery.text.TokenizerException if the model has no tokenizer, or no format for a chat
     */
    public Request request(LoadedModel loaded) {
      return chat.isEmpty()
          ? Request.of(loaded.requireTokenizer().encode(shown), params)
          : loaded.chat(chat, params);
    }
  }

  /** All prompts that a model can take: no chats if the model has no format for them. */
  public static List<Prompt> of(LoadedModel loaded) {
    boolean chats = loaded.chatFormat().isOurs();
    return all().stream().filter(p -> chats || p.chat().isEmpty()).toList();
  }

  private static List<Prompt> all() {
    List<Prompt> prompts = new ArrayList<>();
    for (int i = 0; i < STORIES.size(); i++) {
      SamplingParams drawn =
          SamplingParams.defaults()
              .withTemperature(0.7)
              .withTopP(0.95)
              .withMaxTokens(260)
              .withSeed(i + 3);
      prompts.add(Prompt.text("story", STORIES.get(i), drawn));
    }
    SamplingParams greedy = SamplingParams.defaults().withTemperature(0).withMaxTokens(80);
    QUESTIONS.forEach(q -> prompts.add(Prompt.chat("chat", BEFORE, q, greedy)));
    SamplingParams line =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(40).withStop(List.of("\n"));
    TASKS.forEach(t -> prompts.add(Prompt.text("task", t, line)));
    return prompts;
  }
}
