package orrery.engine;

import orrery.model.Model;
import orrery.speculation.Lanes;

/** So does one whose tokens are complete late. */
class LateCrammerContractTest extends CrammerContractTest {
  @Override
  protected Lanes.Maker maker(Model model) {
    return (runner, step, cache, sampler) -> Crammer.late(answers(), model.vocab(), 3);
  }
}
