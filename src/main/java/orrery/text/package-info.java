/**
 * Text at both ends of the engine: prompts become token ids, tokens become text as they come, and
 * chats become prompts.
 *
 * <p><b>The problem.</b> A model must see exactly the ids that it was trained on. A reader must see
 * text as soon as it is certain, and never see it change. A user's text must stay text, even if it
 * looks like a special token. A byte-level token may end in the middle of a character, so "decode
 * each token" is wrong, and "decode everything again after each token" is quadratic.
 *
 * <p><b>The idea.</b> Hugging Face's own library encodes, so ids agree with every other engine.
 * Streaming keeps bytes, not text: each token adds its bytes to at most three bytes that wait for
 * the rest of their character. Some decoders look at a token's neighbour. There a token's text is
 * what it adds to the text of the token before it; the first token of an answer follows the last
 * one of the prompt.
 *
 * <pre>
 *   tokens   "caf"      C3        A9 20     "au"      F0 9F    (end)
 *   held      -         C3        -         -         F0 9F    -
 *   text     "caf"      ""        "é "      "au"      ""       "\uFFFD"   (flush)
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>Ids equal those of the {@code tokenizers} library for every input; nothing is added, cut or
 *       padded.
 *   <li>The pieces of a {@link orrery.text.StreamDecoder} concatenate to the decoding of the whole,
 *       wherever the stream is cut, with bounded work per token. (One exception: among byte tokens,
 *       a bad byte becomes U+FFFD, and the characters beside it stay.)
 *   <li>No message content can produce a special token ({@link orrery.text.ChatTemplate}).
 *   <li>No text and no token ends the process: where the native library can abort, it runs in a
 *       process of its own ({@code Pipeline}, {@code ForkedTokenizer}).
 *   <li>Nothing here touches the network; the native library comes from the jar and is unpacked
 *       once to {@code ~/.djl.ai}.
 * </ul>
 *
 * <p><b>Watch it.</b> {@code orrery generate --model DIR --prompt "Once upon a time"} streams;
 * emoji and accents show the held bytes.
 *
 * <p><b>Elsewhere.</b> SGLang {@code srt/managers/detokenizer_manager.py}; vLLM {@code
 * v1/engine/detokenizer.py} and {@code transformers_utils/detokenizer_utils.py}; TensorRT-LLM
 * {@code executor/postproc_worker.py}. Papers: Sennrich et al., "Neural machine translation of rare
 * words with subword units" (2016); byte level: Radford et al., "Language models are unsupervised
 * multitask learners" (2019).
 */
package orrery.text;
