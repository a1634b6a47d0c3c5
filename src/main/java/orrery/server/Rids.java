package orrery.server;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.engine.Completion;

/**
 * Requests under way, by the names that their clients gave them, so that others can abort them.
 * Each tenant has names of its own and aborts nothing of another's.
 */
final class Rids {
  private record Name(String tenant, String rid) {}

  private final Map<Name, Entry> entries = new HashMap<>(); // guarded by this, as what follows
  private final Map<Name, List<Entry>> lists = new HashMap<>(); // by the name of a whole list

  /** A request, which the engine need not have yet. */
  private static final class Entry {
    private Completion request; // null before the engine has it
    private boolean aborted;

    synchronized void begin(Completion submitted) {
      request = submitted;
      if (aborted) {
        request.cancel();
      }
    }

    synchronized void abort() {
      aborted = true;
      if (request != null) {
        request.cancel();
      }
    }
  }

  /** The names of one body's requests; closing frees them. */
  final class Names implements AutoCloseable {
    private final List<Name> names;
    private final List<Entry> own = new ArrayList<>(); // by request
    private final Name list; // null if the requests have no name together

    private Names(List<Name> names, Name list) {
      this.names = names;
      this.list = list;
      names.forEach(n -> own.add(new Entry()));
    }

    /** Takes note of the requests, now that the engine has them; cancels what was aborted. */
    void begin(List<Completion> requests) {
      for (int i = 0; i < own.size(); i++) {
        own.get(i).begin(requests.get(i));
      }
    }

    @Override
    public void close() {
      synchronized (Rids.this) {
        for (int i = 0; i < own.size(); i++) {
          entries.remove(names.get(i), own.get(i)); // another request may have the name by now
        }
        lists.remove(list, own);
      }
    }
  }

  /**
   * Reserves the names of requests that the engine is about to get.
   *
   * @param names one for each request
   * @param list whether the body held a list; SGLang calls the requests of a list that was sent
   *     with a name {@code NAME_0}, {@code NAME_1} and so on
   * @throws HttpException 400 if a request with one of these names is under way; none is taken then
   */
  synchronized Names reserve(String tenant, List<String> names, boolean list) {
    List<Name> all = names.stream().map(rid -> new Name(tenant, rid)).toList();
    if (all.stream().anyMatch(entries::containsKey)) {
      throw HttpException.invalid("rid", "rid: expected a name that no running request has");
    }
    String common = list ? common(names) : null;
    Names taken = new Names(all, common == null ? null : new Name(tenant, common));
    for (int i = 0; i < all.size(); i++) {
      entries.put(all.get(i), taken.own.get(i));
    }
    if (taken.list != null) {
      lists.put(taken.list, taken.own);
    }
    return taken;
  }

  /** What is before {@code _0}, {@code _1} and so on; null if the names are no such list. */
  private static String common(List<String> names) {
    String first = names.getFirst();
    if (!first.endsWith("_0")) {
      return null;
    }
    String common = first.substring(0, first.length() - 2);
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).equals(common + "_" + i)) {
        return null;
      }
    }
    return common;
  }

  /**
   * Cancels the tenant's request with this name, and those of a list that was sent with this name.
   * An unknown name does nothing.
   */
  synchronized void abort(String tenant, String rid) {
    Name name = new Name(tenant, rid);
    Entry one = entries.get(name);
    if (one != null) {
      one.abort();
    }
    lists.getOrDefault(name, List.of()).forEach(Entry::abort);
  }

  /** Cancels all requests of a tenant. */
  synchronized void abortAll(String tenant) {
    entries.forEach(
        (name, entry) -> {
          if (name.tenant().equals(tenant)) {
            entry.abort();
          }
        });
  }
}
