/** The X-ray page: a browser shows what the engine does, now and back in time. */
package orrery.xray;
