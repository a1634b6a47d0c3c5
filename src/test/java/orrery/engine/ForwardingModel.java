package orrery.engine;

import java.util.function.IntFunction;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelSpec;

/** Another model in all respects but those that a test changes. */
interface ForwardingModel extends Model {
  Model real();

  @Override
  default ModelSpec config() {
    return real();
  }

  @Override
  default IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    return real().bind(cache, maxLogitRows);
  }
}
