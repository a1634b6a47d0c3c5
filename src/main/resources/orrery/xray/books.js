/** The engine's books as the page has them, and who holds which page. */
import { handedOver } from "./handover.js";

/** The blocks from the first one of a sequence to the one with this id, in that order. */
export function pathOf(state, id) {
  const path = [];
  for (let block = state.blocks[id]; block; block = state.blocks[block.parent]) {
    path.push(block);
  }
  return path.reverse();
}

/**
 * For each block, the smallest number of its twins: blocks with equal tokens behind equal blocks,
 * of which a prefix cache of hashes may keep several.
 */
function twinsOf(blocks) {
  const groups = new Map(); // tokens behind a group of twins: the first of them
  const first = new Map(); // block: the first of its twins
  const find = (id) => {
    if (!first.has(id)) {
      const block = blocks[id];
      const key = block ? `${find(block.parent)} ${block.tokens}` : "root";
      groups.set(key, groups.get(key) ?? id);
      first.set(id, groups.get(key));
    }
    return first.get(id);
  };
  Object.keys(blocks).forEach((id) => find(Number(id)));
  return first;
}

/**
 * For each block that sequences hold in the prefix cache: these sequences, by number. Where
 * a block has twins, a sequence holds the one whose page it has in its table.
 */
export function holdersOf(state) {
  const holders = {};
  let twins = null; // made when the first one is looked for
  const twinHeld = (s, block, index) => {
    twins ??= twinsOf(state.blocks);
    return Object.values(state.blocks).find((other) =>
      twins.get(other.block) === twins.get(block.block) && heldBy(state, s, other, index));
  };
  for (const s of Object.values(state.sequences)) {
    pathOf(state, s.block).forEach((block, index) => {
      const held = heldBy(state, s, block, index) ? block : twinHeld(s, block, index);
      (holders[(held ?? block).block] ??= []).push(s.sequence);
    });
  }
  return holders;
}

/** Whether a sequence has the pages of its block `index` of the first pool in its table. */
function heldBy(state, s, block, index) {
  const at = index * state.pools[0].perBlock - s.tables[0].first;
  return block.pages[0].some((page, i) => page >= 0 && page === s.tables[0].pages[at + i]);
}

/** Whether a page is gone that a hit ending at this block would need. */
export function isTombstone(state, block) {
  return block.pages.some((pages, pool) =>
    pages.some((page, i) => page < 0 && i >= (state.pools[pool].unneeded ?? 0)));
}

/**
 * All pages of a pool: [{page, holders, block, kind, apart, loaded}]. Pages are numbered from 1. Holders are the
 * sequences that have the page in their tables; block is the prefix cache's, -1 if it does not keep
 * the page. The kind is free, cached (only the prefix cache has it), held (one sequence) or shared
 * (several). If all holders stand between two engines, apart says where the rows are: see handover.js.
 * Loaded: whether its rows came from host memory in the newest step, or since.
 */
export function pagesOf(state, pool) {
  const pages = [];
  for (let page = 1; page <= state.pools[pool].pages; page++) {
    pages.push({ page, holders: [], block: -1, kind: "free", apart: null, loaded: false });
  }
  for (const block of Object.values(state.blocks)) {
    for (const page of block.pages[pool]) {
      if (page > 0) {
        pages[page - 1].block = block.block;
        pages[page - 1].kind = "cached";
      }
    }
  }
  for (const s of Object.values(state.sequences)) {
    const { first, pages: own } = s.tables[pool] ?? { first: 0, pages: [] };
    own.forEach((page, i) => {
      const at = pages[page - 1];
      const apart = handedOver(s, first + i, state.pools[pool].span);
      at.apart = at.holders.length === 0 || at.apart === apart ? apart : null;
      at.holders.push(s.sequence);
      at.kind = at.holders.length > 1 ? "shared" : "held";
    });
  }
  for (const page of [...state.loaded, ...state.loose.loaded].flatMap((into) => into[pool])) {
    pages[page - 1].loaded = pages[page - 1].kind !== "free";
  }
  return pages;
}

const byRequest = (a, b) => a.request - b.request || a.sequence - b.sequence;
const byBlock = (a, b) => a.block - b.block;

/**
 * The books of a state, in one order and form, to be compared with those of a keyframe. A sequence
 * that has never run has the number -1: no event has named it yet. The holders of twins are counted
 * together, since events do not say which of them a sequence holds.
 */
export function books(state) {
  const sequences = [];
  for (const r of Object.values(state.requests)) {
    if (r.sequences.length === 0) {
      sequences.push({
        request: r.request, sequence: -1, state: "waiting", retractions: 0,
        promptTokens: r.promptTokens, maxTokens: r.maxTokens, tokens: r.prompt, computed: 0,
        block: -1, tables: [],
      });
    }
  }
  for (const s of Object.values(state.sequences)) {
    if (s.state !== "finished") {
      const r = state.requests[s.request];
      sequences.push({
        request: s.request, sequence: hasRun(s, s.tokens.length) ? s.sequence : -1,
        state: s.state === "retracted" ? "waiting" : s.state, retractions: s.retractions,
        promptTokens: r.promptTokens, maxTokens: r.maxTokens,
        tokens: r.prompt.concat(s.tokens.map((t) => t.token)), computed: s.computed,
        block: s.block, tables: s.tables.map(table),
      });
    }
  }
  const holders = holdersOf(state);
  const counted = Object.values(state.blocks)
    .map((b) => ({ ...b, holders: (holders[b.block] ?? []).length }));
  return {
    step: state.step, model: state.model, pageTokens: state.pageTokens, paused: state.paused,
    switches: sorted(state.switches),
    pools: state.pools.map((p) => pool(p.name, p.span, p.pages, p.perBlock, p)),
    sequences: sequences.sort(byRequest),
    blocks: blocks(counted),
  };
}

/** The books that a keyframe says, in the same order and form. */
export function booksOf(keyframe) {
  return {
    step: keyframe.step, model: keyframe.model, pageTokens: keyframe.pageTokens,
    paused: keyframe.paused, switches: sorted(keyframe.switches),
    pools: keyframe.shapes.map((s, i) => pool(s.name, s.span, s.pages, s.perBlock, keyframe.pools[i])),
    sequences: keyframe.sequences.map(booked).sort(byRequest),
    blocks: blocks(keyframe.blocks),
  };
}

/** Where two books differ, in words; null if they are equal. */
export function difference(ours, theirs) {
  for (const part of Object.keys(theirs)) {
    const a = JSON.stringify(ours[part]);
    const b = JSON.stringify(theirs[part]);
    if (a !== b) {
      let at = 0;
      while (a[at] === b[at]) {
        at++;
      }
      const near = (text) => text.slice(Math.max(0, at - 60), at + 60);
      return `${part}: the page has ...${near(a)}..., the engine ...${near(b)}...`;
    }
  }
  return null;
}

/** Whether a sequence has run, or stands between two engines; else most events do not name it. */
function hasRun(s, answer) {
  return s.state !== "waiting" || s.retractions > 0 || answer > 0;
}

function booked(s) {
  const named = hasRun(s, s.tokens.length - s.promptTokens);
  return {
    request: s.request, sequence: named ? s.sequence : -1, state: s.state,
    retractions: s.retractions, promptTokens: s.promptTokens, maxTokens: s.maxTokens,
    tokens: s.tokens, computed: s.computed, block: s.block, tables: s.pools.map(table),
  };
}

function table(run) {
  return { first: run.first, pages: run.pages };
}

function pool(name, span, pages, perBlock, now) {
  return {
    name, span, pages, perBlock, free: now.free, referenced: now.referenced, idle: now.idle,
  };
}

/** Blocks with numbers of holders, those of twins together. */
function blocks(list) {
  const twins = twinsOf(Object.fromEntries(list.map((b) => [b.block, b])));
  const sums = new Map();
  for (const b of list) {
    sums.set(twins.get(b.block), (sums.get(twins.get(b.block)) ?? 0) + b.holders);
  }
  return list.map((b) => ({
    block: b.block, parent: b.parent, tokens: b.tokens, pages: b.pages, priority: b.priority,
    holders: sums.get(twins.get(b.block)),
  })).sort(byBlock);
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
