package orrery.grammar;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;
import orrery.text.Tokenizer;

/**
 * The tokens of a vocabulary as a tree: tokens that begin with the same bytes share a path. An
 * automaton walks down the tree and reads each shared beginning once; where it dies, it skips all
 * tokens below.
 *
 * <pre>
 *   tokens     t  te  tea  to            preorder    t  e  a  o
 *                                        depth       1  2  3  2
 *   t ─┬─ e ── a                         end         4  3  3  4    the node behind its subtree
 *      └─ o                              token       t te tea to
 * </pre>
 *
 * <p>Some tokenizers leave out a blank at the beginning of a text ({@link Tokenizer#continuing}).
 * For them, the tree knows which tokens begin with a blank: where an answer begins a text, its
 * first token may not be one of these, since their text would not be their bytes.
 */
final class TokenTree {
  private static final int SAMPLE = 20; // tokens that are looked at for a lost blank

  private final byte[][] bytes; // [vocab][any number of]; none for a token without text
  private final byte[] label; // [nodes] the byte that leads to a node; preorder, without the root
  private final short[] depth; // [nodes] from 1
  private final int[] end; // [nodes] the first node behind its subtree
  private final int[] from; // [nodes + 1] where a node's tokens begin in ids
  private final int[] ids; // [tokens with text] sorted by their bytes
  private final int longest; // bytes of a token
  private final BitSet bare = new BitSet(256); // bytes that have a token of their own
  private BitSet blankFirst = new BitSet(); // tokens whose first blank may be left out
  private BitSet blank = new BitSet(); // tokens of blanks alone, if blanks may be left out

  /** A tree of tokens with these bytes, [vocab][any number of]. */
  TokenTree(byte[][] bytes) {
    this.bytes = bytes;
    ids =
        IntStream.range(0, bytes.length)
            .filter(id -> bytes[id].length > 0)
            .boxed()
            .sorted(Comparator.comparing(id -> bytes[id], Arrays::compareUnsigned))
            .mapToInt(id -> id)
            .toArray();
    int nodes = countNodes();
    label = new byte[nodes];
    depth = new short[nodes];
    end = new int[nodes];
    from = new int[nodes + 1];
    longest = IntStream.of(ids).map(id -> bytes[id].length).max().orElse(0);
    fill();
    for (int id : ids) {
      if (bytes[id].length == 1) {
        bare.set(bytes[id][0] & 0xFF);
      }
    }
  }

  /** The tree of a tokenizer's tokens, without the special ones. */
  static TokenTree of(Tokenizer tokenizer, int vocab) {
    byte[][] bytes = new byte[vocab][]; // [vocab][any number of]
    for (int id = 0; id < vocab; id++) {
      boolean text = tokenizer.has(id) && !tokenizer.isSpecial(id);
      bytes[id] = text ? tokenizer.bytes(id) : new byte[0];
    }
    TokenTree tree = new TokenTree(bytes);
    BitSet begin = new BitSet(vocab);
    for (int id : tree.ids) {
      begin.set(id, bytes[id][0] == ' ');
    }
    if (begin.stream().limit(SAMPLE).anyMatch(id -> losesBlank(tokenizer, id))) {
      tree.blankFirst = begin;
      for (int id : tree.ids) {
        tree.blank.set(id, new String(bytes[id], StandardCharsets.UTF_8).isBlank());
      }
    }
    return tree;
  }

  private static boolean losesBlank(Tokenizer tokenizer, int id) {
    return !tokenizer.decode(new int[] {id}, false).startsWith(" ");
  }

  private int countNodes() {
    int nodes = 0;
    byte[] before = {};
    for (int id : ids) {
      nodes += bytes[id].length - shared(before, bytes[id]);
      before = bytes[id];
    }
    return nodes;
  }

  private void fill() {
    int[] path = new int[longest + 1]; // [depth] the node at each depth of the token before
    int node = 0;
    byte[] before = {};
    for (int i = 0; i < ids.length; i++) {
      byte[] token = bytes[ids[i]];
      int shared = shared(before, token);
      for (int d = before.length; d > shared; d--) {
        end[path[d]] = node;
      }
      for (int d = shared + 1; d <= token.length; d++) {
        path[d] = node;
        label[node] = token[d - 1];
        depth[node] = (short) d;
        from[node] = i; // no token ends at the nodes before the last one
        node++;
      }
      before = token;
    }
    for (int d = before.length; d > 0; d--) {
      end[path[d]] = node;
    }
    from[node] = ids.length;
  }

  private static int shared(byte[] a, byte[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }

  /** What a walk finds: a token, and the state behind it. */
  interface Visitor {
    void token(int id, int state);
  }

  /** Visits each token that does not lead to {@link ByteAutomaton#DEAD} from a state. */
  void walk(ByteAutomaton automaton, int state, Visitor visitor) {
    int[] states = new int[longest + 1]; // [depth]
    states[0] = state;
    int node = 0;
    while (node < label.length) {
      int s = automaton.next(states[depth[node] - 1], label[node] & 0xFF);
      if (s == ByteAutomaton.DEAD) {
        node = end[node];
      } else {
        states[depth[node]] = s;
        for (int i = from[node]; i < from[node + 1]; i++) {
          visitor.token(ids[i], s);
        }
        node++;
      }
    }
  }

  /** Number of token ids. */
  int vocab() {
    return bytes.length;
  }

  /** How many nodes a walk may visit. */
  int nodes() {
    return label.length;
  }

  /** The bytes of a token; none if it has no text. Do not change them. */
  byte[] bytes(int id) {
    return bytes[id];
  }

  /** Whether a byte has a token of its own. */
  boolean hasBare(int b) {
    return bare.get(b);
  }

  /** The tokens that an answer may not begin with if it begins a text. */
  BitSet blankFirst() {
    return blankFirst;
  }

  /** Whether the answer to a prompt begins a text, so that a blank in front would be left out. */
  boolean beginsText(int[] prompt) {
    int last = prompt.length - 1;
    while (last >= 0 && blank.get(prompt[last])) {
      last--;
    }
    return !blankFirst.isEmpty() && (last < 0 || bytes[prompt[last]].length == 0);
  }
}
