package orrery.engine;

import java.util.function.IntFunction;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.model.Activations;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelInfo;

/** Another model in all respects but those that a test changes. */
interface ForwardingModel extends Model {
  Model real();

  @Override
  default String architecture() {
    return real().architecture();
  }

  @Override
  default int vocab() {
    return real().vocab();
  }

  @Override
  default int hidden() {
    return real().hidden();
  }

  @Override
  default int layers() {
    return real().layers();
  }

  @Override
  default int maxPositions() {
    return real().maxPositions();
  }

  @Override
  default boolean hasMtp() {
    return real().hasMtp();
  }

  @Override
  default KvLayout kvLayout(boolean mtp) {
    return real().kvLayout(mtp);
  }

  @Override
  default ModelInfo info() {
    return real().info();
  }

  @Override
  default Activations activations(boolean mtp) {
    return real().activations(mtp);
  }

  @Override
  default IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
    return real().bind(cache, maxLogitRows);
  }
}
