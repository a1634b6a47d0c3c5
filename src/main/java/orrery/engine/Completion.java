package orrery.engine;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import orrery.sampling.Logprobs;

/**
 * A submitted request. A program iterates over its tokens as they come, or waits for its answers.
 *
 * <pre>
 *   try (Completion c = engine.submit(request)) {
 *     for (Token t : c) System.out.print(t.text());
 *   }
 * </pre>
 *
 * <p>If a program does not want the answer any more, the engine should stop computing it. So
 * closing a completion cancels the request unless it has ended; after a {@code break} or an
 * exception in the loop above, the {@code try} closes it. An interrupt of a thread that waits here
 * cancels the request too. A program that reads to the end need not close.
 *
 * <p>An iteration that ends has seen all tokens of the answers. It throws if the thread was
 * interrupted or the request failed. Each token is handed out once; many threads may ask for the
 * answers.
 */
public final class Completion implements Iterable<Token>, AutoCloseable {
  private static final Token END = new Token(-1, -1, Token.NONE, "", 0, null, null);

  private final int id;
  private volatile Consumer<Completion> canceller; // null after the end: it holds the engine
  private final LinkedBlockingQueue<Token> tokens = new LinkedBlockingQueue<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Shared shared = new Shared();
  private List<Answer> answers; // null before the end and after a failure; published by ended
  private RequestException failure; // published by ended
  private volatile int cachedTokens;
  private volatile List<Logprobs> promptLogprobs = List.of();

  /**
   * The future that callers chain work to. Only callers and the common pool complete it: see {@link
   * #answers}.
   */
  private final class Shared extends CompletableFuture<List<Answer>> {
    @Override
    public boolean cancel(boolean mayInterrupt) {
      boolean first = super.cancel(mayInterrupt);
      if (first) {
        Completion.this.cancel();
      }
      return first;
    }

    void settle() {
      if (failure == null) {
        complete(answers);
      } else {
        completeExceptionally(failure);
      }
    }
  }

  Completion(int id, Consumer<Completion> canceller) {
    this.id = id;
    this.canceller = canceller;
  }

  /** The number of the request in this engine, from 0. */
  public int id() {
    return id;
  }

  /**
   * How many of the prompt's tokens came from the prefix cache when the request first ran; 0 before
   * that.
   */
  public int cachedTokens() {
    return cachedTokens;
  }

  /** Asks the engine to end the request as soon as possible; the tokens so far are its answer. */
  public void cancel() {
    Consumer<Completion> asked = canceller;
    if (asked != null) {
      asked.accept(this);
    }
  }

  /** Cancels the request unless it has ended; does not wait. */
  @Override
  public void close() {
    cancel();
  }

  /** Whether the request has ended: answered, cut off or failed. */
  public boolean isDone() {
    return ended.getCount() == 0;
  }

  /**
   * A future of the answers, in order of choice, or of the request's failure; always the same
   * future. Cancelling it cancels the request. Then the future has no answer, but {@link #join}
   * returns the tokens so far. Work that is chained to the future runs on the common pool or on a
   * caller's thread, so it never delays the engine's own thread.
   */
  public CompletableFuture<List<Answer>> answers() {
    if (isDone()) {
      shared.settle(); // the pool may not have run this yet
    }
    return shared;
  }

  /**
   * Waits for the answers, one for each choice. After the end it does not wait, so that an
   * interrupted thread gets the answers too.
   *
   * @throws RequestException if the request failed, or if this thread was interrupted while it had
   *     to wait; an interrupt cancels the request
   */
  public List<Answer> join() {
    if (!isDone()) {
      try {
        ended.await();
      } catch (InterruptedException e) {
        throw interrupted(e);
      }
    }
    return answersOrFailure();
  }

  /**
   * Waits until the request ends, but at most for the given time.
   *
   * @return whether it has ended
   * @throws InterruptedException if this thread was interrupted; the request goes on
   */
  public boolean await(long timeout, TimeUnit unit) throws InterruptedException {
    return ended.await(timeout, unit);
  }

  /**
   * Log-probabilities of the prompt's tokens, as {@link Answer#promptLogprobs} has them. They are
   * here before the first token of an answer is; until then the list is empty.
   */
  public List<Logprobs> promptLogprobs() {
    return promptLogprobs;
  }

  private List<Answer> answersOrFailure() {
    if (failure != null) {
      throw failure;
    }
    return answers;
  }

  private RequestException interrupted(InterruptedException e) {
    String then = isDone() ? "it had ended, and join() gives its answers" : "it was cancelled";
    cancel();
    Thread.currentThread().interrupt();
    return new RequestException(
        RequestException.Kind.INTERRUPTED,
        "request " + id + ": interrupted while waiting for it; " + then,
        e);
  }

  /**
   * Tokens of all choices as they come; {@link Iterator#hasNext} waits for the next one. The
   * iteration ends when the request ends, and {@link #join} then returns its answers. {@code
   * hasNext} throws a {@link RequestException} if the request failed, or if the waiting thread is
   * interrupted; an interrupt cancels the request.
   */
  @Override
  public Iterator<Token> iterator() {
    return new Iterator<>() {
      private Token next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          try {
            next = tokens.take();
          } catch (InterruptedException e) {
            throw interrupted(e);
          }
          if (next == END) {
            tokens.add(END); // for a second iteration
          }
        }
        if (next == END) {
          answersOrFailure();
          return false;
        }
        return true;
      }

      @Override
      public Token next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        Token t = next;
        next = null;
        return t;
      }
    };
  }

  void cachedTokens(int count) {
    cachedTokens = count;
  }

  void promptLogprobs(List<Logprobs> all) {
    promptLogprobs = all;
  }

  void token(Token t) {
    tokens.add(t);
  }

  void finish(List<Answer> all) {
    answers = all;
    end();
  }

  /** Ends the request with an error, unless it has ended. */
  void fail(RequestException why) {
    if (!isDone()) {
      failure = why;
      end();
    }
  }

  private void end() {
    canceller = null;
    ended.countDown();
    tokens.add(END); // after `ended`, so a reader of END finds the answers or the failure
    CompletableFuture.runAsync(shared::settle); // chained work must not run on this thread
  }
}
