package orrery.engine;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A submitted request: iterate its tokens as they come, or wait for its answers.
 *
 * <pre>
 *   try (Completion c = engine.submit(request)) {
 *     for (Token t : c) System.out.print(t.text());
 *   }
 * </pre>
 *
 * <p>A request whose answer is not wanted any more should not be computed. So closing cancels it if
 * it has not ended, which covers a {@code break} and an exception in the loop, and so does an
 * interrupt of a thread that waits here. A program that reads to the end need not close.
 *
 * <p>An iteration that ends has seen all tokens of the answers; one that was interrupted, or whose
 * request failed, throws. Tokens are handed out once; the answers can be had by many.
 */
public final class Completion implements Iterable<Token>, AutoCloseable {
  private static final Token END = new Token(-1, -1, Token.NONE, "", null, null);

  private final int id;
  private final Consumer<Completion> canceller;
  private final LinkedBlockingQueue<Token> tokens = new LinkedBlockingQueue<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Shared shared = new Shared();
  private List<Answer> answers; // null before the end, and if it failed; published by ended
  private RequestException failure; // published by ended

  /** What callers chain to. Only they and the common pool complete it: see {@link #answers}. */
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

  /** Number of the request in this engine. */
  public int id() {
    return id;
  }

  /** Asks for the request to end as soon as possible; what it has by then is its answer. */
  public void cancel() {
    if (!isDone()) {
      canceller.accept(this);
    }
  }

  /** Cancels the request unless it has ended; waits for nothing. */
  @Override
  public void close() {
    cancel();
  }

  /** Whether the request has ended: answered, cut off or failed. */
  public boolean isDone() {
    return ended.getCount() == 0;
  }

  /**
   * Completes with the answers, in order of choice, or with what went wrong; always the same
   * future. Cancelling it cancels the request: then the future has no answer, but {@link #join}
   * tells what there was by then. What is chained to it runs on the common pool or on a caller's
   * thread: the engine's own waits for nobody.
   */
  public CompletableFuture<List<Answer>> answers() {
    if (isDone()) {
      shared.settle(); // the pool may not have come to it yet
    }
    return shared;
  }

  /**
   * Waits for the answers, one for each choice.
   *
   * @throws RequestException if the request failed, or this thread was interrupted, which cancels
   *     the request
   */
  public List<Answer> join() {
    try {
      ended.await();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    return answersOrFailure();
  }

  /**
   * Waits for the end of the request, but not longer than this.
   *
   * @return whether it has ended
   * @throws InterruptedException if this thread was interrupted; the request goes on
   */
  public boolean await(long timeout, TimeUnit unit) throws InterruptedException {
    return ended.await(timeout, unit);
  }

  private List<Answer> answersOrFailure() {
    if (failure != null) {
      throw failure;
    }
    return answers;
  }

  private RequestException interrupted(InterruptedException e) {
    cancel();
    Thread.currentThread().interrupt();
    return new RequestException(
        RequestException.Kind.INTERRUPTED,
        "request " + id + ": interrupted while waiting for it; it was cancelled",
        e);
  }

  /**
   * Tokens of all choices as they come; blocks for the next one. Ends when the request does; then
   * {@link #join} tells how. If the request failed, {@link Iterator#hasNext} throws instead of
   * ending, and if the waiting thread is interrupted, which cancels the request.
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
            tokens.add(END); // for whoever iterates again
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

  void token(Token t) {
    tokens.add(t);
  }

  void finish(List<Answer> all) {
    answers = all;
    end();
  }

  void fail(RequestException why) {
    failure = why;
    end();
  }

  private void end() {
    ended.countDown();
    tokens.add(END); // after the end: what reads it can tell how the request ended
    CompletableFuture.runAsync(shared::settle); // what is chained to it must not run on this thread
  }
}
