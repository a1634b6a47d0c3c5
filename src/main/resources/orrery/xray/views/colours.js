// The colour of a request is the same in every picture. Seven colours of Okabe and Ito, which the
// colour-blind can tell apart; a request also carries its number, so that colour is never alone.

const COLOURS = 7;

/** The colour of a request, as a CSS value. */
export const colour = (request) => `var(--c${request % COLOURS})`;

/** The colour of letters on the colour of a request. */
export const ink = (request) => `var(--i${request % COLOURS})`;

/** Style that gives an element and all in it the colour of a request. */
export const dress = (request) => `--c:${colour(request)};--i:${ink(request)}`;
