// Checks, and their count.

import { readFileSync } from "node:fs";
import axios from "axios";

export const demo = JSON.parse(readFileSync(process.env.JETON_DEMO, "utf8"));

// Refusals are looked at here, not thrown.
export const http = axios.create({ timeout: 30_000, validateStatus: () => true });

const counts = { passed: 0, failed: 0 };

function typeOf(value) {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Names and types of an object's members, in order. */
export function shape(members) {
  return Object.entries(members)
    .map(([name, value]) => `${name}:${typeOf(value)}`)
    .join(" ");
}

/** Counts a check; values are compared as JSON, so the order of members and their types count. */
export function same(name, actual, expected) {
  const [is, shouldBe] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is === shouldBe) {
    counts.passed += 1;
  } else {
    counts.failed += 1;
    console.log(`FAIL ${name}\n  is        ${is}\n  should be ${shouldBe}`);
  }
}

/** Checks the status and body of an answer. */
export function answers(name, answer, status, body) {
  same(`${name}: status`, answer.status, status);
  same(`${name}: body`, answer.data, body);
}

/** Prints the closing line; gives the exit code. */
export function finish(suite) {
  console.log(`${suite}: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
