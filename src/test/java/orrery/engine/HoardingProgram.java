package orrery.engine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.SamplingParams;

/**
 * An engine whose sink takes all memory and keeps it when one of many requests arrives. The program
 * says how many of them failed.
 */
final class HoardingProgram {
  static final int REQUESTS = 200;
  private static final int NTH = 150; // the request at which memory runs out

  private static Object[] hoard; // arrays in arrays: nothing else is needed to keep them
  private static int arrived;

  private HoardingProgram() {}

  private static void hoard(Event event) {
    if (event instanceof Event.Submitted && ++arrived == NTH) {
      for (int length = 1 << 16; length > 1; ) {
        try {
          Object[] more = new Object[length];
          more[0] = hoard;
          hoard = more;
        } catch (OutOfMemoryError full) {
          length /= 2;
        }
      }
      throw new OutOfMemoryError("the sink has all memory");
    }
  }

  public static void main(String[] args) {
    EventSink sink = HoardingProgram::hoard;
    LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
    Engine engine = Engine.start(loaded, EngineOptions.defaults(), sink);
    Request request = Request.of(new int[] {1, 2, 3}, SamplingParams.defaults());
    List<Completion> all = new ArrayList<>(engine.submit(Collections.nCopies(REQUESTS, request)));
    int failed = 0;
    for (Completion completion : all) {
      try {
        completion.join();
      } catch (RequestException e) {
        failed += e.kind() == RequestException.Kind.CLOSED ? 1 : 0;
      }
    }
    hoard = null;
    engine.close();
    System.out.println(failed + " failed, ended: " + engine.ended().isCompletedExceptionally());
    System.exit(0);
  }
}
