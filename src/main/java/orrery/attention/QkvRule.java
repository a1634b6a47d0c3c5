package orrery.attention;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import orrery.graph.AddBias;
import orrery.graph.Buffer;
import orrery.graph.FusionRule;
import orrery.graph.InputRows;
import orrery.graph.MatMul;
import orrery.graph.Op;
import orrery.graph.Ops;
import orrery.graph.RmsNorm;

/**
 * The projections of grouped-query attention, with bias, head norm and rotation, and the write of
 * keys and values. It ends with {@link Attend}, whose queries belong to it; where no attention
 * follows, with the write.
 */
record QkvRule() implements FusionRule {
  @Override
  public String name() {
    return "q + k + v, bias, norm, rope, write";
  }

  @Override
  public Match match(Ops ops, int last) {
    if (!(ops.get(last) instanceof WriteKv write)) {
      return null;
    }
    Chain k = Chain.of(ops, write.k(), last, write.kv().shape().kvHeads());
    Chain v = Chain.of(ops, write.v(), last, write.kv().shape().kvHeads());
    if (k == null || v == null || k.x != v.x) {
      return null;
    }
    Chain q = queries(ops, last, write.kv());
    if (q != null && (q.x != k.x || q.x.rowCount() != q.y.rowCount())) {
      q = null;
    }
    int[] places =
        Stream.of(q, k, v)
            .filter(c -> c != null)
            .flatMapToInt(c -> c.places.stream().mapToInt(i -> i))
            .sorted()
            .toArray();
    places = IntStream.concat(IntStream.of(places), IntStream.of(last)).toArray();
    InputRows x = InputRows.of(k.x);
    Op fused =
        q == null
            ? new ProjectQkv(x, null, null, k.product, v.product, write.kv(), false)
            : new ProjectQkv(x, q.product, q.y, k.product, v.product, write.kv(), false);
    return new Match(fused, places);
  }

  private static Chain queries(Ops ops, int write, LayerKv kv) {
    int at = ops.reader(kv.keys(), write);
    return ops.get(at) instanceof Attend a && a.kv().keys().equals(kv.keys())
        ? Chain.of(ops, a.q(), write, kv.shape().heads())
        : null;
  }

  /** A product and the ops behind it that work on its result in place. */
  private record Chain(Buffer x, Buffer y, HeadProduct product, Deque<Integer> places) {
    /** The chain that ends with the content of a buffer at a place, or null. */
    static Chain of(Ops ops, Buffer y, int place, int heads) {
      Deque<Integer> places = new ArrayDeque<>();
      int at = ops.writer(y, place);
      RopeTable rope = null;
      if (ops.get(at) instanceof Rope r && r.heads() == heads) {
        rope = r.table();
        places.addFirst(at);
        at = ops.writer(y, at);
      }
      RmsNorm norm = null;
      if (ops.get(at) instanceof RmsNorm n && n.x() == n.y() && n.heads() == heads) {
        norm = n;
        places.addFirst(at);
        at = ops.writer(y, at);
      }
      float[] bias = null;
      if (ops.get(at) instanceof AddBias b) {
        bias = b.bias();
        places.addFirst(at);
        at = ops.writer(y, at);
      }
      if (!(ops.get(at) instanceof MatMul m)) {
        return null;
      }
      places.addFirst(at);
      HeadProduct product =
          new HeadProduct(
              m.w(),
              heads,
              bias,
              norm == null ? null : norm.weight(),
              false,
              norm == null ? 0 : norm.eps(),
              rope,
              false);
      return new Chain(m.x(), y, product, places);
    }
  }
}
