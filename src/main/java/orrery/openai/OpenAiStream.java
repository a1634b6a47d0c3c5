package orrery.openai;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import orrery.engine.Answer;
import orrery.engine.Token;
import orrery.openai.Piece.Scored;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * The chunks of a streamed answer, in both of OpenAI's shapes. A choice begins with a chunk without
 * a token: a chat's says the role, and an {@code echo}'s has the prompt. Then each token has a
 * chunk, also one without text, so that a client can count and time tokens.
 *
 * <p>The chunks of a choice, put together, are the choice of the whole answer: the same text, ids,
 * log-probabilities and places, whatever the reason of its end. For that, a token's
 * log-probabilities wait for the chunk in which its place in the text is certain: until then a stop
 * string may still cut it off.
 *
 * <p>For one thread at a time.
 */
public final class OpenAiStream {
  private final OpenAiResponse bodies;
  private final String id;
  private final long created;
  private final OpenAiRequest request;
  private final ChoiceStream[] choices; // [prompts * n]
  private int completion; // tokens so far, of all choices

  /** A part of a stream's body: the JSON of one chunk. */
  @FunctionalInterface
  public interface Chunk {
    /** Writes the chunk. */
    void write(JsonGenerator json) throws IOException;
  }

  /** What a choice has sent, and what it holds back. */
  private static final class ChoiceStream {
    private boolean begun;
    private int shown; // characters (code points) of the answer's text
    private List<Scored> waiting = new ArrayList<>(); // tokens whose places are not certain
  }

  /**
   * @param id of the answer, without the part that tells its kind; all chunks have it
   * @param created seconds since 1970
   */
  public OpenAiStream(OpenAiResponse bodies, String id, long created, OpenAiRequest request) {
    this.bodies = bodies;
    this.id = id;
    this.created = created;
    this.request = request;
    this.choices = new ChoiceStream[request.choices()];
    for (int i = 0; i < choices.length; i++) {
      choices[i] = new ChoiceStream();
    }
  }

  /**
   * The chunks that a token makes: none, one, or two if its choice begins with it.
   *
   * @param prompt which of the body's prompts, from 0
   * @param promptLogprobs of this prompt, known before its first token; empty if not wanted
   */
  public List<Chunk> chunks(int prompt, Token token, List<Logprobs> promptLogprobs) {
    ChoiceStream choice = choices[request.index(prompt, token.choice())];
    List<Chunk> chunks = new ArrayList<>();
    if (!choice.begun) {
      choice.begun = true;
      if (request.chat() || request.echo().isPresent()) {
        Piece echo = Piece.echo(request, prompt, token.choice(), promptLogprobs, token.finish());
        chunks.add(chunk(echo, true));
      }
    }
    if (!request.echoAlone()) {
      chunks.add(chunk(piece(choice, prompt, token), false));
    }
    return chunks;
  }

  /** The last chunk, which has the counts and no choice. */
  public Chunk usage(List<List<Answer>> answers) {
    Usage usage = bodies.usage(request, answers);
    return json -> {
      bodies.start(json, id, created, request, true);
      json.writeArrayFieldStart("choices");
      json.writeEndArray();
      usage.write(json);
      json.writeEndObject();
    };
  }

  private Piece piece(ChoiceStream choice, int prompt, Token token) {
    boolean real = token.id() != Token.NONE;
    completion += real ? 1 : 0;
    choice.shown += Piece.characters(token.text());
    if (token.logprobs() != null) {
      choice.waiting.add(new Scored(token.id(), token.logprobs(), token.offset()));
    }
    int[] ids = real ? new int[] {token.id()} : new int[0];
    int index = request.index(prompt, token.choice());
    List<Scored> certain = certain(choice, token.finish(), request.echoLength(prompt));
    return new Piece(index, token.text(), certain, ids, token.finish());
  }

  /** Takes the tokens whose places are certain now; the end makes all of them certain. */
  private static List<Scored> certain(ChoiceStream choice, FinishReason finish, int behind) {
    List<Scored> certain = new ArrayList<>();
    List<Scored> waiting = new ArrayList<>();
    for (Scored s : choice.waiting) {
      if (waiting.isEmpty() && s.offset() <= choice.shown || finish != null) {
        int offset = Math.min(s.offset(), choice.shown);
        certain.add(new Scored(s.token(), s.logprobs(), behind + offset));
      } else {
        waiting.add(s);
      }
    }
    choice.waiting = waiting;
    return certain;
  }

  private Chunk chunk(Piece piece, boolean first) {
    Delivery delivery = request.delivery();
    Usage sofar = new Usage(request.promptTokens(), completion, -1);
    return json -> {
      bodies.start(json, id, created, request, true);
      json.writeArrayFieldStart("choices");
      bodies.delta(json, request, piece, first);
      json.writeEndArray();
      if (delivery.continuousUsage()) {
        sofar.write(json);
      } else if (delivery.usage()) {
        json.writeNullField("usage");
      }
      json.writeEndObject();
    };
  }
}
