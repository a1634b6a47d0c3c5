package orrery.xray;

import java.util.List;
import java.util.Map;

/**
 * A few prompts that show a technique.
 *
 * @param name by which a page asks for it
 * @param title what it is
 * @param look one sentence: what to look for
 * @param chapter the file of {@code docs} that explains it
 * @param flags with which an engine shows it best
 * @param needs what the model must have: {@code mtp}, {@code windows}, {@code indexer} or {@code
 *     tokenizer}
 * @param asks bodies of {@code /xray/prompts}; none for the demo's dozen
 */
record Load(
    String name,
    String title,
    String look,
    String chapter,
    String flags,
    List<String> needs,
    List<Map<String, Object>> asks) {}
