package orrery.quantization.layouts;

import java.util.Map;
import java.util.Optional;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;

/**
 * Routed experts in one layout, the other matrices in another or as they are. Experts are most of
 * the bytes of a model and, since each token reads few of them, the least sensitive part. Kimi-K3
 * and NVIDIA's GLM-5.2 have only their experts in FP4.
 *
 * @param rest of the other matrices; null if they stay as they are
 */
record ExpertsApart(CompressedTensors rest, CompressedTensors experts) implements Layout {
  @Override
  public String name() {
    return (rest == null ? "" : rest.name() + " with ") + "experts " + experts.name();
  }

  @Override
  public Optional<StoredForm> form(Role role, QuantizedParts parts) {
    return switch (role) {
      case KEPT -> Optional.empty();
      case LINEAR -> rest == null ? Optional.empty() : Optional.of(rest.form());
      case EXPERT -> Optional.of(experts.form());
    };
  }

  /** A pattern is more specific than a class, so a module that both groups name is an expert. */
  @Override
  public Map<String, Object> fields(QuantizedParts parts, Kept kept) {
    String pattern = "re:.*" + parts.experts().replace(".", "\\.") + ".*";
    Fields groups = new Fields().put("group_0", experts.group(pattern));
    if (rest != null) {
      groups.put("group_1", rest.group("Linear"));
    }
    String format = rest == null ? experts.format() : "mixed-precision";
    return CompressedTensors.fields(format, groups.done(), kept);
  }
}
