// All checks at once: each takes one core for most of its time. What they say comes in their order; the exit code is that of the worst.
import { spawn } from "node:child_process";

const checks = ["check:lint", "check:types", "check:format", "check:unused", "check:texts"];

function run(name) {
  return new Promise((done) => {
    const child = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        said += chunk;
      });
    child.on("close", (code) => done({ name, code: code ?? 1, said }));
  });
}

let worst = 0;
for (const running of checks.map(run)) {
  const { name, code, said } = await running;
  console.log(`${name}: ${code === 0 ? "well" : `exit code ${code}`}\n${said}`);
  worst = Math.max(worst, code);
}
process.exitCode = worst;
