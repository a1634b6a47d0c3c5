package orrery.offload;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Parts that are read from files, and the requests that wait for one of them. */
final class Reading {
  final Prefetch job;
  final List<HostPart> parts;
  final Set<FileFetch> waiters = new LinkedHashSet<>();
  int whole; // the first parts
  boolean ended;

  Reading(Prefetch job, List<HostPart> parts) {
    this.job = job;
    this.parts = parts;
  }

  /** The parts that have not come. */
  List<HostPart> missing() {
    return parts.subList(whole, parts.size());
  }
}
