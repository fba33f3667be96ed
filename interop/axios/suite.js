// Runs the program of each realm; fails if a check failed or none ran.

import { demo, finish, same } from "./check.js";
import * as inevent from "./inevent.js";
import * as ion from "./ion.js";
import * as pitchpoint from "./pitchpoint.js";
import * as zro from "./zro.js";

for (const program of [inevent, pitchpoint, ion, zro]) {
  try {
    await program.run(demo.url, demo.realms[program.realm]);
  } catch (error) {
    // One realm that is not as expected must not hide the others.
    same(`${program.realm}: the program runs to its end`, String(error), null);
  }
}
process.exitCode = finish("axios");
