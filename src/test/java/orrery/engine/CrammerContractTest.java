package orrery.engine;

import java.util.HashMap;
import java.util.Map;
import orrery.model.Model;
import orrery.speculation.DrafterContract;
import orrery.speculation.Lanes;

/** The tests' own drafter keeps the contract too; here its answers repeat one token. */
class CrammerContractTest extends DrafterContract {
  /** An answer for each of the lanes. */
  static Map<String, int[]> answers() {
    Map<String, int[]> answers = new HashMap<>();
    for (int which = 0; which < 6; which++) {
      answers.put(Crammer.key(which, 0), new int[40]);
    }
    return answers;
  }

  @Override
  protected Lanes.Maker maker(Model model) {
    return (runner, step, cache, sampler) -> new Crammer(answers(), model.vocab(), 3);
  }

  @Override
  protected boolean repeats() {
    return false;
  }
}
