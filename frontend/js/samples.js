/** The sample pictures; where they are from is in samples/README.md. */

import { api } from "./api.js";
import { strings } from "./strings.js";

export const SAMPLES = ["dunes", "astronaut", "cat", "orbs", "rocket", "coffee"];

export function isSample(name) {
  return SAMPLES.includes(name);
}

export async function sampleFile(name) {
  const blob = await api.blob(`/samples/${name}.jpg`);
  return new File([blob], `${strings.samples[name]}.jpg`, { type: "image/jpeg" });
}
