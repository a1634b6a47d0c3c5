package orrery.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.List;
import orrery.engine.Answer;

/**
 * The tokens of a request. Each prompt counts once, however many answers it has.
 *
 * @param prompt tokens of all prompts
 * @param completion tokens of all answers, with the tokens that ended them
 * @param cached how many prompt tokens came from the prefix cache; negative if that is not told
 */
record Usage(int prompt, int completion, int cached) {

  /**
   * Counts answers.
   *
   * @param answers [prompts][choices]
   * @param told whether to tell what came from the prefix cache
   */
  static Usage of(OpenAiRequest request, List<List<Answer>> answers, boolean told) {
    int prompt = 0;
    int completion = 0;
    int cached = 0;
    for (List<Answer> choices : answers) {
      prompt += choices.getFirst().promptTokens();
      cached += choices.getFirst().cachedTokens();
      completion += choices.stream().mapToInt(a -> a.tokens().length).sum();
    }
    return new Usage(prompt, request.echoAlone() ? 0 : completion, told ? cached : -1);
  }

  void write(JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("usage");
    json.writeNumberField("prompt_tokens", prompt);
    json.writeNumberField("completion_tokens", completion);
    json.writeNumberField("total_tokens", prompt + completion);
    if (cached >= 0) {
      json.writeObjectFieldStart("prompt_tokens_details");
      json.writeNumberField("cached_tokens", cached);
      json.writeEndObject();
    }
    json.writeEndObject();
  }
}
