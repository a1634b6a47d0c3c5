/** Sums over events. The same sums serve the whole run and a part of it. */

/** The counters before any event. */
export function zero() {
  return {
    steps: 0, // steps
    outputTokens: 0, // tokens of answers
    promptRows: 0, // rows of prompts that were computed
    hitTokens: 0, // tokens that came from the prefix cache instead
    drafts: 0, // drafts that were verified
    accepted: 0, // drafts that became part of an answer
    rejected: 0, // drafts that were looked at and were wrong
    retractions: 0,
    handovers: 0, // requests whose prompt is computed and goes to, or has come from, another engine
    evictedPages: 0,
    loadedTokens: 0, // tokens of blocks whose pages came back from host memory
    loadWaitNanos: 0, // time that steps waited for them
    storedParts: 0, // parts that were copied to host memory
    hostEvicted: 0, // parts that gave up their host slot
    readParts: 0, // parts that came from files
    writtenParts: 0, // parts that were written to files
    storageFaults: 0, // what was not read or written
    sparseHits: 0, // chosen entries that lay in buffers of the device, or were made in the step
    sparseMisses: 0, // chosen entries that were copied there from the host
    sparseDirect: 0, // chosen entries that were read on the host
    sparseBytes: 0, // bytes of both that came from the host
    finished: 0, // answers that ended by themselves
    cancelled: 0, // answers that were cut off
    failed: 0, // answers that ended with an error
    refused: 0, // requests
    busyNanos: 0, // time of all steps; of their computing if steps overlap
    laneNanos: 0, // of a step that overlaps others, until its StepDone comes
  };
}

/** Counts one event. */
export function count(counters, e) {
  switch (e.event) {
    case "StepDone":
      counters.steps++;
      counters.promptRows += e.prefillRows;
      counters.busyNanos +=
        counters.laneNanos ||
        e.planNanos + e.draftNanos + e.launchNanos + e.judgeNanos + e.followNanos + e.commitNanos;
      counters.laneNanos = 0;
      break;
    case "Overlapped": // the phases of this step and of the next one lie side by side
      counters.laneNanos = e.decided - e.launch;
      break;
    case "TokenOut":
      counters.outputTokens++;
      break;
    case "Admitted":
      counters.hitTokens += e.hit;
      break;
    case "Verified":
      counters.drafts += e.drafts.length;
      counters.accepted += e.accepted;
      counters.rejected += e.judged - e.accepted;
      break;
    case "Queued":
      counters.handovers += e.queue === "INFLIGHT" || e.queue === "RUNNING";
      break;
    case "Retracted":
      counters.retractions++;
      break;
    case "Evicted":
      counters.evictedPages += e.pages;
      break;
    case "Loaded":
      counters.loadedTokens += e.tokens;
      counters.loadWaitNanos += e.waited;
      break;
    case "Stored":
      counters.storedParts++;
      break;
    case "PartsRead":
      counters.readParts += e.parts;
      break;
    case "Written":
      counters.writtenParts++;
      break;
    case "StorageFault":
      counters.storageFaults++;
      break;
    case "HostPools":
      e.pools.forEach((slots) => (counters.hostEvicted += slots.evicted));
      break;
    case "SparseReads":
      counters.sparseHits += e.hits;
      counters.sparseMisses += e.misses;
      counters.sparseDirect += e.direct;
      counters.sparseBytes += e.bytesDown + e.bytesDirect;
      break;
    case "Finished":
      counters[e.reason === "abort" ? "cancelled" : e.reason === "error" ? "failed" : "finished"]++;
      break;
    case "Rejected":
      counters.refused++;
      break;
    default: // says nothing that is counted
  }
}

/** What was counted between two moments. */
export function since(before, after) {
  const result = {};
  for (const name in after) {
    result[name] = after[name] - before[name];
  }
  return result;
}
