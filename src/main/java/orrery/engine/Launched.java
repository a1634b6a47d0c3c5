package orrery.engine;

import java.util.List;
import orrery.graph.HostReads;
import orrery.model.GreedyForward;

/**
 * A step whose rows are computed, but not judged.
 *
 * @param planned what it came from
 * @param segments the rows of each of its sequences
 * @param forward states and logits of the rows, until the runner computes the next step
 * @param reads what its ops read of entries on the host, until the step's rows are filled anew
 */
record Launched(Planned planned, List<Segment> segments, GreedyForward forward, HostReads reads) {}
